"""``benchmarks/processes.py``: its arithmetic on paper, and that its parts run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench_modules import Load
from click.testing import CliRunner


@pytest.fixture
def processes(load: Load) -> Any:
    """The module."""
    return load("processes")


def test_the_gradient_of_a_network_is_counted(processes: Any) -> None:
    small, large = processes.W2, processes.W3
    assert small.bytes == 4 * (785 * 100 + 101 * 10)
    assert (small.arrays, large.arrays) == (5, 7)  # the loss is one of them
    assert processes.wide(512, 64).bytes == large.bytes


def test_a_ring_sends_twice_all_but_one_share(processes: Any) -> None:
    """By hand: three machines, 30 s a message, a byte a second."""
    seconds = processes.ring(3, processes.W2, 30.0, 1.0)
    assert seconds == pytest.approx(4 * (5 * 30 + processes.W2.bytes / 3))


def test_the_tables_on_paper(processes: Any) -> None:
    """A machine that computes a row in a second, and messages that take no time."""
    small, large, wide = processes.W2, processes.W3, processes.wide
    rows = {wide(w, b).name: float(b) for w in processes.WIDTHS for b in (128, 64, 32, 16, 8)}
    alone = rows | {small.name: 1.0, large.name: 2.0}
    sums = {str(size): [1e-12 * size, 2e-12 * size] for size in processes.SIZES}
    text = processes.told(alone, sums | {small.name: 1.5, large.name: 2.25})
    assert "| W2: 784-100-10, batch 100, SGD | 1e+03 | 1.5e+03 | 500 |" in text
    assert text.count("as measured here | 2.00 / 2.00 | 4.00 / 4.00 | 8.00 / 8.00 | 16.00 /") == 4


def test_a_step_is_measured(
    processes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "ROWS", 800)
    monkeypatch.setattr(processes, "WIDTHS", (8,))
    file = tmp_path / "found.json"
    options = ["--quick", "--work", "alone", "--to", str(file)]
    result = CliRunner().invoke(processes.main, options, catch_exceptions=False)
    assert result.exit_code == 0
    found = json.loads(file.read_text(encoding="utf-8"))
    widths = {processes.wide(8, batch).name for batch in (128, 64, 32, 16, 8)}
    assert set(found) == {processes.W2.name, processes.W3.name, *widths}
    assert all(0 < seconds < 60 for seconds in found.values())
