"""``benchmarks/shares.py``: what its looks at processes say, and that it can look."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench_modules import Load


@pytest.fixture
def shares(load: Load) -> Any:
    """The module."""
    return load("shares")


def test_only_memory_of_its_own_counts(shares: Any, tmp_path: Path) -> None:
    before = shares.own_megabytes(os.getpid())
    held = np.ones(4_000_000)
    assert 30 < shares.own_megabytes(os.getpid()) - before < 40  # 32 MB
    np.save(tmp_path / "held.npy", held)
    before = shares.own_megabytes(os.getpid())
    assert np.load(tmp_path / "held.npy", mmap_mode="r").sum() == 4_000_000
    assert abs(shares.own_megabytes(os.getpid()) - before) < 5


def test_processes_are_the_command_or_its_children(shares: Any) -> None:
    code = "import subprocess, sys; p = [subprocess.Popen(['cat'], stdin=-1) for _ in '12'];\n"
    code += "print(*[q.pid for q in p], flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        told = sorted(map(int, child.stdout.readline().split()))
        assert shares.workers(child.pid, 1) == [child.pid]
        assert shares.workers(child.pid, 2) == told
        child.communicate()
    assert shares.workers(child.pid, 2) == []
    assert shares.own_megabytes(child.pid) is None


def test_the_table_tells_the_highest_and_the_usual(shares: Any) -> None:
    looks = [[(0.1, 5.0), (0.5, 300.0), (1.0, 20.0), (1.1, 22.0), (1.2, 21.0)], [(1.3, 7.0)]]
    first = shares.found_in(0.9, 3.0, looks)
    assert (first.highest, first.training) == ((300.0, 7.0), (21.0, 7.0))
    other = shares.Found(0.7, 4.0, (100.0, 9.0), (23.0, 9.0))
    both = shares.typical([first, other])
    assert both == shares.Found(0.7, 3.0, (200.0, 8.0), (22.0, 8.0))
    assert shares.told({2: both}).splitlines()[-1] == "| 2 | 0.7 | 3.0 | 200, 8 | 22, 8 |"


def test_a_table_is_made(shares: Any, tmp_path: Path) -> None:
    shares.make_table(tmp_path / "t.csv", 1500)
    rows = np.loadtxt(tmp_path / "t.csv", delimiter=",", skiprows=1)
    assert rows.shape == (1500, 31)
    assert 0.3 < rows[:, -1].mean() < 0.7
