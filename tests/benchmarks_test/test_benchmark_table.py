"""The benchmark's table tells the truth; nothing is timed here."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("table")


def result(table: ModuleType, seconds: float = 1.0, **changes: object) -> object:
    honest = {
        "seconds": seconds,
        "cpu_seconds": seconds,
        "loss": 4e-4,
        "accuracy": 1.0,
        "epochs": 10_000,
        "dtype": "float64",
        "pools": (("openblas", 1),),
    }
    return table.Result(**{**honest, **changes})


def rendered(table: ModuleType, **outcomes: list[object]) -> list[str]:
    work = importlib.import_module("workloads").WORKLOADS["xor"]
    return [line for line in table.render(work, outcomes).splitlines() if line]


def test_the_table_renders_the_quickest_first_with_ratios_to_chainrule(table: ModuleType) -> None:
    lines = rendered(
        table,
        torch=[result(table, 3.0), result(table, 5.0), result(table, 4.0)],
        chainrule=[result(table, 2.0), result(table, 2.5), result(table, 1.0)],
        floor=[result(table, 0.5, loss=None, accuracy=None)],
    )
    assert lines[0] == "### xor"
    assert lines[2:] == [
        "| contestant | median s | min s | max s | × chainrule | loss | accuracy | remark |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
        "| floor | 0.500 | 0.500 | 0.500 | 0.25 | – | – | a mark: the matrix products alone |",
        "| chainrule | 2.000 | 1.000 | 2.500 | 1.00 | 0.0004 | 1.0000 | Sequential.fit |",
        "| torch | 4.000 | 3.000 | 5.000 | 2.00 | 0.0004 | 1.0000 | eager, nn.Sequential and SGD |",
    ]


@pytest.mark.parametrize(
    ("cheat", "reason"),
    [
        ({"loss": 0.3}, "loss 0.3 is outside 0.00018 to 0.0006"),
        ({"loss": 1e-9}, "loss 1e-09 is outside 0.00018 to 0.0006"),
        ({"loss": float("nan")}, "loss nan is outside 0.00018 to 0.0006"),
        ({"loss": None, "accuracy": None}, "nothing was learnt"),
        ({"accuracy": 0.75}, "accuracy 0.7500 is below 1"),
        ({"epochs": 100}, "100 losses recorded for 10,000 epochs"),
        ({"dtype": "float32"}, "computed in float32 instead of float64"),
        ({"pools": (("mkl", 2),)}, "mkl ran 2 threads instead of 1"),
    ],
)
def test_a_cheat_is_struck_out_with_the_reason(
    table: ModuleType, cheat: dict[str, object], reason: str
) -> None:
    # One dishonest round among honest ones is enough.
    lines = rendered(
        table, chainrule=[result(table, 2.0)], numpy=[result(table), result(table, **cheat)]
    )
    (line,) = (line for line in lines if "numpy" in line)
    assert line.startswith("| ~~numpy~~ | ~~1.000~~ | ~~1.000~~ | ~~1.000~~ | ~~0.50~~ |")
    assert line.endswith(f"| {reason} |")


def test_a_failed_process_is_last_and_nobody_is_compared_with_a_cheat(table: ModuleType) -> None:
    failed = table.Failure("ImportError: no | module")
    lines = rendered(table, sklearn=[failed], chainrule=[result(table, loss=1.0)])
    assert lines[-1] == "| ~~sklearn~~ | – | – | – | – | – | – | ImportError: no \\| module |"
    assert lines[-2].startswith("| ~~chainrule~~ | ~~1.000~~ | ~~1.000~~ | ~~1.000~~ | – |")


def test_a_shared_core_is_admitted(table: ModuleType) -> None:
    lines = rendered(table, numpy=[result(table, 1.0, cpu_seconds=0.8)], chainrule=[result(table)])
    assert lines[-1] == "The core was shared while these ran, run again: numpy."


def test_the_registry_and_the_folder_agree(table: ModuleType) -> None:
    files = {path.stem for path in (FOLDER / "contestants").glob("*.py")} - {"__init__"}
    assert {who.module for who in table.CONTESTANTS.values()} == files
    for name in files:
        text = (FOLDER / "contestants" / f"{name}.py").read_text(encoding="utf-8")
        assert "def prepare(work: Workload, data: Data, epochs: int) -> Training:" in text


def test_no_learner_is_excused_from_the_proof(table: ModuleType) -> None:
    assert [name for name, who in table.CONTESTANTS.items() if not who.learns] == ["floor"]
