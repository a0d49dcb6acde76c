"""The benchmark's table tells the truth; nothing is timed here."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from bench_modules import Load

PROOF_OF_XOR = {"loss": 4.7181e-4, "accuracy": 1.0}


class Bench:
    """Results and tables of the workload W1."""

    def __init__(self, load: Load, name: str = "W1") -> None:
        self.table: ModuleType = load("table")
        self.classes: ModuleType = load("work")
        self.work = load("workloads").WORKLOADS[name]
        self.reference = self.classes.Reference(**PROOF_OF_XOR)

    def result(self, seconds: float = 1.0, **changes: object) -> Any:
        honest = {
            "seconds": seconds,
            "cpu_share": 1.0,
            **PROOF_OF_XOR,
            "epochs": 10_000,
            "dtype": "float64",
            "pools": (("openblas", 1),),
        }
        return self.classes.Result(**{**honest, **changes})

    def entry(self, *outcomes: Any) -> Any:
        return self.table.Entry(outcomes, self.reference)

    def lines(self, absent: Any = (), **entries: Any) -> list[str]:
        text = self.table.render(self.work, entries, absent)
        return [line for line in text.splitlines() if line]


@pytest.fixture
def bench(load: Load) -> Bench:
    return Bench(load)


def test_the_quickest_comes_first_with_ratios_to_ours_and_to_the_floor(bench: Bench) -> None:
    r = bench.result
    lines = bench.lines(
        torch=bench.entry(r(3.0), r(5.0), r(4.0)),
        chainrule=bench.entry(r(2.0), r(2.5), r(1.0)),
        floor=bench.entry(r(0.5, loss=None, accuracy=None)),
    )
    assert lines[0] == "### W1"
    assert lines[1].startswith("XOR, 2-4-1, tanh and sigmoid")
    assert lines[2:7] == [
        "| contestant | median s | min s | max s | × chainrule | × floor | loss | accuracy | "
        "peak MB | × needed | turns | remark |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
        "| floor | 0.500 | 0.500 | 0.500 | 0.250 | 1.00 | – | – | – | – | 1 | a mark: the whole "
        "training in C (gcc -Ofast) |",
        "| chainrule | 2.00 | 1.00 | 2.50 | 1.00 | 4.00 | 0.00047181 | 1.0000 | – | – | 3 | fit |",
        "| torch | 4.00 | 3.00 | 5.00 | 2.00 | 8.00 | 0.00047181 | 1.0000 | – | – | 3 | eager |",
    ]
    assert lines[7].startswith(
        "Proof: the float64 reference ends at loss 0.00047181, accuracy 1.0000 (of a share, at "
        "that share's). Same order of batches: loss within 1e-09 of it, accuracy within 0."
    )


@pytest.mark.parametrize(
    ("cheat", "reason"),
    [
        ({"loss": 0.3}, "loss 0.3 is outside 0.00047181 to 0.00047181"),
        ({"loss": 1e-9}, "loss 1e-09 is outside 0.00047181 to 0.00047181"),
        ({"loss": 4.7191e-4}, "loss 0.00047191 is outside 0.00047181 to 0.00047181"),
        ({"loss": float("nan")}, "loss nan is outside 0.00047181 to 0.00047181"),
        ({"loss": None, "accuracy": None}, "nothing was learnt"),
        ({"accuracy": 0.75}, "accuracy 0.7500 is not within 0 of 1.0000"),
        ({"epochs": 100}, "100 losses recorded for 10,000 epochs"),
        ({"dtype": "float32"}, "computed in float32 instead of float64"),
        ({"pools": (("mkl", 2),)}, "mkl ran 2 threads instead of 1"),
    ],
)
def test_a_cheat_is_struck_out_with_the_reason(
    bench: Bench, cheat: dict[str, object], reason: str
) -> None:
    # One dishonest round among honest ones is enough.
    lines = bench.lines(
        chainrule=bench.entry(bench.result(2.0)),
        numpy=bench.entry(bench.result(), bench.result(**cheat)),
    )
    (line,) = (line for line in lines if "numpy" in line)
    assert line.startswith("| ~~numpy~~ | ~~1.00~~ | ~~1.00~~ | ~~1.00~~ | ~~0.500~~ | – |")
    assert line.endswith(f"| {reason} |")


def test_a_failed_process_is_last_and_nobody_is_compared_with_a_cheat(bench: Bench) -> None:
    failed = bench.classes.Failure("ImportError: no | module")
    lines = bench.lines(sklearn=bench.entry(failed), chainrule=bench.entry(bench.result(loss=1.0)))
    assert lines[5] == "| ~~sklearn~~ |" + " – |" * 10 + " ImportError: no \\| module |"
    assert lines[4].startswith("| ~~chainrule~~ | ~~1.00~~ | ~~1.00~~ | ~~1.00~~ | – | – |")


def test_threads_are_allowed_where_all_cores_are_asked_for(bench: Bench) -> None:
    many = bench.entry(bench.result(pools=(("mkl", 2),)))
    assert bench.table.objection(bench.work, "torch", many, "1") == (
        "mkl ran 2 threads instead of 1"
    )
    assert bench.table.objection(bench.work, "torch", many, "all") is None


def test_who_shuffles_by_itself_is_held_to_the_law(load: Load) -> None:
    bench = Bench(load, "W2")
    wanted = bench.classes.Reference(0.28, 0.92)
    sklearn, torch = (load("contestants").CONTESTANTS[name] for name in ("sklearn", "torch"))
    assert bench.table.bounds(bench.work, torch, wanted) == pytest.approx((0.27972, 0.28028, 1e-3))
    assert bench.table.bounds(bench.work, sklearn, wanted) == pytest.approx(
        (0.28 / 1.08, 0.28 * 1.08, 0.01)
    )


def test_a_share_is_told(bench: Bench) -> None:
    assert bench.table.remark(bench.work, "mygrad") == (
        "tensors and backward; scaled up from 2,000 epochs of 10,000"
    )


def test_memory_is_compared_with_what_is_needed(load: Load) -> None:
    bench = Bench(load, "W2")
    result = bench.result(epochs=1, dtype="float32", peak=250_000_000, needed=200_000_000)
    assert "| 250.0 | 1.25 | 1 | fit |" in bench.lines(chainrule=bench.entry(result))[4]


def test_a_shared_core_and_the_absent_are_admitted(bench: Bench) -> None:
    lines = bench.lines(
        ["keras (pip install keras)"],
        numpy=bench.entry(bench.result(cpu_share=0.8)),
        chainrule=bench.entry(bench.result()),
    )
    assert lines[-2] == "Absent: keras (pip install keras)."
    assert lines[-1] == "The core was shared while these ran, run again: numpy."


def test_ops_are_tabled_forward_and_backward(load: Load) -> None:
    bench = Bench(load, "W7")
    parts = {"add forward": 1e-6, "add backward": 2e-6}
    lines = bench.lines(
        chainrule=bench.entry(bench.result(3e-6, error=1e-15, parts=parts)),
        torch=bench.entry(bench.result(3e-6, error=1e-3, parts=parts)),
    )
    assert "gradients are off by 0.001 (relative)" in lines[5]
    assert lines[-2:] == ["|---|---:|", "| chainrule | 1.00 + 2.00 |"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1,234"), (12.345, "12.3"), (1.2345, "1.23"), (0.0005, "0.000500"), (0.0, "0")],
)
def test_numbers_have_three_digits(bench: Bench, value: float, text: str) -> None:
    assert bench.table.number(value) == text


def test_only_the_floor_is_excused_from_the_proof(load: Load) -> None:
    contestants = load("contestants").CONTESTANTS
    assert [name for name, who in contestants.items() if not who.learns] == ["floor"]
