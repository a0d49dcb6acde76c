"""The doctor's bench: its halves, its faults, what it counts as harm, and its sums."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from bench_modules import Load
from click.testing import CliRunner

import chainrule as cr


def test_no_host_is_in_both_halves_and_every_fault_is_in_six(load: Load) -> None:
    programs = load("doctor.programs")
    # Without MNIST on this machine, its host is missing.
    least = 6 if cr.data.find_mnist() is not None else 5
    hosts = defaultdict(set)
    halves = defaultdict(set)
    for half in ("tuning", "held-out"):
        for spec in programs.specs(half, seeds=1):
            halves[half].add(spec.host)
            if spec.is_fault:
                hosts[spec.kind].add(spec.host)
    assert not halves["tuning"] & halves["held-out"]
    few = {kind for kind, names in hosts.items() if len(names) < least}
    assert few <= {"local_minimum"}
    assert len(hosts) == 41


def test_each_half_has_as_many_healthy_programs_as_a_sample_asks(load: Load) -> None:
    programs, run = load("doctor.programs"), load("doctor.run")
    every = programs.specs("tuning", seeds=1)
    chosen = run.sampled(every, 90, seed=0)
    assert sum(spec.is_fault for spec in chosen) >= 90
    assert sum(not spec.is_fault for spec in chosen) >= 90
    assert len(set(chosen)) == len(chosen)
    assert chosen == run.sampled(every, 90, seed=0)


@pytest.mark.parametrize("host", ["xor", "wine", "waves"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_healthy_program_by_hand_has_the_right_gradient(
    load: Load, host: str, activation: str
) -> None:
    byhand, hosts = load("doctor.byhand"), load("doctor.hosts")
    made = byhand.script(hosts.HOSTS[host], activation, 3).module()
    X, y = made.X[:9], made.y[:9]
    p = {name: array + 0.1 for name, array in made.parameters.items()}
    along = {name: np.random.default_rng(5).normal(size=a.shape) for name, a in p.items()}
    up, down = ({k: p[k] + sign * 1e-6 * along[k] for k in p} for sign in (1, -1))
    by_steps = (made.loss(up, X, y) - made.loss(down, X, y)) / 2e-6
    by_rule = sum(np.sum(g * along[name]) for name, g in made.gradients(p, X, y).items())
    assert by_rule == pytest.approx(by_steps, rel=1e-5)


def test_every_fault_by_hand_changes_the_program(load: Load) -> None:
    byhand, hosts, faults = load("doctor.byhand"), load("doctor.hosts"), load("doctor.handfaults")
    host = hosts.HOSTS["xor"]
    right = byhand.script(host, "tanh", 1)
    for name, fault in faults.HAND_FAULTS.items():
        made = fault(right, np.random.default_rng(0))
        if made is not None:
            data = zip((made.data.X, made.data.y), (right.data.X, right.data.y), strict=True)
            same = all(np.array_equal(a, b) for a, b in data)
            assert made.source() != right.source() or not same, name
            made.module()


def test_an_edit_that_finds_nothing_is_refused(load: Load) -> None:
    byhand, hosts = load("doctor.byhand"), load("doctor.hosts")
    with pytest.raises(ValueError, match="is 0 times in the program"):
        byhand.script(hosts.HOSTS["xor"], "tanh", 0).edited("W9", "W8")


@pytest.mark.parametrize(
    ("side", "kind", "host", "effect"),
    [
        ("network", "zero_weights", "xor", "worse"),
        ("network", "no_hidden_activation", "and", ""),
        ("network", "non_finite_data", "and", "refused"),
        ("network", "wrong_axis", "and", "other score"),
        ("by hand", "missing_mean", "and", "computed wrongly"),
        ("by hand", "integer_parameters", "and", "refused"),
        ("by hand", "no_hidden_activation", "and", ""),
    ],
)
def test_harm_is_measured_by_training(
    load: Load, side: str, kind: str, host: str, effect: str
) -> None:
    programs = load("doctor.programs")
    mark = programs.marked(programs.Spec(side, True, kind, host, "tanh", 0), doctor=False)
    assert mark.effect == effect
    assert mark.state == ("ill" if effect else "harmless")


def test_the_sums_of_the_table(load: Load) -> None:
    programs, table = load("doctor.programs"), load("doctor.table")

    def mark(state: str, kind: str, verdict: str, *names: str, cured: bool | None = None) -> object:
        spec = programs.Spec("network", state != "healthy", kind, "xor", "tanh", len(names))
        return programs.Mark(spec, state, "worse", (kind,), verdict, names, cured)

    lines = list(
        table.table(
            [
                mark("ill", "wrong_sign", "ill", "wrong_sign", cured=True),
                mark("ill", "wrong_sign", "ill", "zero_weights", "wrong_sign", cured=False),
                mark("ill", "wrong_sign", "cannot tell"),
                mark("harmless", "wrong_sign", "healthy"),
                mark("healthy", "plain", "ill", "wrong_sign"),
                mark("healthy", "plain", "healthy"),
            ]
        )
    )
    assert (
        "| wrong_sign | 3 | 1 | 1 of 3 (33 %) | 2 of 3 (67 %) | 2 of 3 (67 %) | 1 of 2 (50 %) "
        "| 1 of 3 (33 %) | 1 of 2 (50 %) |"
    ) in lines
    assert "| plain | 2 | 0 | 1 of 2 (50 %) | 0.500 | 0 of 2 (0 %) | wrong_sign |" in lines
    assert any("the doctor was silent on 1" in line for line in lines)


def test_being_unlucky_counts_as_naming_the_local_minimum(load: Load) -> None:
    programs, table = load("doctor.programs"), load("doctor.table")
    spec = programs.Spec("network", True, "local_minimum", "xor", "tanh", 0)
    assert table.answers(programs.Mark(spec, "ill", "stuck", verdict="unlucky")) == (
        "local_minimum",
    )


def test_the_command_asks_the_doctor_and_tries_the_repair(load: Load, tmp_path: Path) -> None:
    run, marks = load("doctor.run").main, str(tmp_path / "marks.jsonl")
    arguments = ["--faults", "integer_parameters", "--hosts", "and", "--seeds", "1"]
    arguments += ["--half", "held-out", "--out", marks]
    done = CliRunner().invoke(run, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "| integer_parameters | 2 | 0 | 2 of 2 (100 %)" in done.stdout
    assert "The held-out half: 2 of 2 programs" in done.stdout
    again = CliRunner().invoke(run, ["--read", marks], catch_exceptions=False)
    assert "| integer_parameters | 2 | 0 | 2 of 2 (100 %)" in again.stdout


def test_an_unknown_fault_is_told(load: Load) -> None:
    done = CliRunner().invoke(load("doctor.run").main, ["--faults", "wrong_sing"])
    assert done.exit_code == 2
    assert "'wrong_sing' is not known. Known: non_finite_data" in done.stderr
