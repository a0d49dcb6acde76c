"""``benchmarks/shares.py``: what its looks at processes say, and that it can look."""

from __future__ import annotations

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
    np.save(tmp_path / "held.npy", np.ones(4_000_000))
    code = """
import sys, numpy as np
print(flush=True); input()
held = np.ones(4_000_000)
print(flush=True); input()
mapped = np.load(sys.argv[1], mmap_mode="r")
assert mapped.sum() == 4_000_000
print(flush=True); input()
"""
    # In a process of its own: what was freed before in this one would be taken again.
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "held.npy"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        looks = []
        for _ in range(3):
            child.stdout.readline()
            looks.append(shares.own_megabytes(child.pid))
            print(file=child.stdin, flush=True)
    assert 30 < looks[1] - looks[0] < 40  # 32 MB
    assert abs(looks[2] - looks[1]) < 5


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
