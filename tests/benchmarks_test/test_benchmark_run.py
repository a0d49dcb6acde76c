"""The command, its turns and its files; the study of growth. Nothing is timed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench_modules import Load
from click.testing import CliRunner


def test_the_command_measures_tables_draws_and_keeps(load: Load, tmp_path: Path) -> None:
    run = load("run")
    arguments = ["W1", "--contestants", "chainrule,floor", "--rounds", "1", "--out", str(tmp_path)]
    done = CliRunner().invoke(run.main, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "W1 (1 of 1), " in done.stderr
    assert "round 1 of 1, 2 of 2: floor" in done.stderr
    assert "| chainrule | " in done.stdout
    assert "### W1" in (tmp_path / "tables.md").read_text(encoding="utf-8")
    assert "chainrule" in (tmp_path / "ratios.svg").read_text(encoding="utf-8")
    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert kept["machine"]["versions"]["chainrule"]
    assert kept["machine"]["threads"] == "1"
    ours = kept["workloads"]["W1"]["contestants"]["chainrule"]
    assert ours["objection"] is None
    assert ours["turns"][0]["loss"] == pytest.approx(ours["reference"]["loss"], rel=1e-6)


def test_an_unknown_workload_is_told_the_nearest(load: Load) -> None:
    done = CliRunner().invoke(load("run").main, ["W22"])
    assert done.exit_code == 2
    assert "W2" in done.stderr


def test_whoever_is_not_installed_is_absent(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    contestants = load("contestants")
    monkeypatch.setattr(load("machine"), "version", lambda package: None)
    assert contestants.missing(contestants.CONTESTANTS["flax"], "W1") == (
        "pip install flax optax jax"
    )


def test_a_process_that_fails_is_a_failure_with_its_last_words(load: Load, tmp_path: Path) -> None:
    orders = load("measure").Orders("W1", "numpy", {}, "1", str(tmp_path / "nothing.npz"))
    found = load("turns").take_turns({"numpy": orders}, 2, 60.0, lambda text: None)
    (failure,) = found["numpy"]
    assert "nothing.npz" in failure.reason


def test_a_budget_lets_the_slowest_give_way(load: Load) -> None:
    who_goes = load("turns").who_goes
    costs = {"slow": 9.0, "quick": 1.0, "middle": 3.0}
    assert who_goes(["slow", "quick", "middle"], costs, 100.0) == ["slow", "quick", "middle"]
    assert who_goes(["slow", "quick", "middle"], costs, 5.0) == ["quick", "middle"]
    assert who_goes(["slow", "quick", "middle"], costs, -1.0) == []
    # Whoever failed has no cost, and does not go again.
    assert who_goes(["failed", "quick"], {"quick": 1.0}, 5.0) == ["quick"]


def test_the_picture_shows_the_sound_ones_only(load: Load) -> None:
    work, table = load("work"), load("table")
    xor = load("workloads").WORKLOADS["W1"]
    wanted = work.Reference(1e-3, 1.0)

    def entry(seconds: float, loss: float = 1e-3) -> Any:
        result = work.Result(seconds, 1.0, loss, 1.0, epochs=10_000, dtype="float64")
        return table.Entry([result], wanted)

    entries = {"chainrule": entry(2.0), "torch": entry(8.0), "numpy": entry(0.1, loss=1.0)}
    assert load("figure").ratios(xor, entries, "1") == {"torch": 4.0, "chainrule": 1.0}
    assert load("figure").ratios(xor, {"torch": entry(8.0)}, "1") == {}


def test_an_exponent_is_found_and_a_surprise_is_marked(load: Load) -> None:
    growth = load("growth")
    sweep = growth.SWEEPS["rows"]
    x = [float(value) for value in sweep.values()]
    linear = growth.Growth(sweep, [3e-6 * n for n in x], [int(10 * n) for n in x])
    worse = growth.Growth(sweep, [1e-9 * n**1.5 for n in x], [int(10 * n) for n in x])
    late = growth.Growth(sweep, [1e-6 * n for n in x[:-1]] + [3e-6 * x[-1]], [10] * len(x))
    assert growth.slope(x, linear.seconds).fitted == pytest.approx(1.0)
    assert "grows faster" not in growth.render([linear])
    assert "| rows | time | 1.50 | 1.50 to 1.50 | at most 1 | **grows faster** |" in (
        growth.render([worse])
    )
    assert "**grows faster**" in growth.render([late])


def test_a_point_is_measured_and_drawn(load: Load, tmp_path: Path) -> None:
    growth = load("growth")
    seconds, held = growth.measure(growth.Point(rows=64, width=8, depth=1, batch=32))
    assert seconds > 0
    # At least the parameters, their gradients and Adam's two moments, in float32.
    assert held > 4 * 4 * (64 * 8 + 8 + 8 * 10 + 10)
    sweep = growth.SWEEPS["depth"]
    growth.draw([growth.Growth(sweep, [seconds] * 6, [held] * 6)], tmp_path / "growth.svg")
    assert (tmp_path / "growth.svg").stat().st_size > 1000
