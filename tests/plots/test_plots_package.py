"""The package: its names, and what importing and drawing leave alone."""

from __future__ import annotations

import subprocess
import sys

import matplotlib
import pytest

import chainrule.plots as plots
from chainrule.errors import MissingPackageError


def test_names_are_sorted_and_there():
    assert plots.__all__ == sorted(plots.__all__)
    assert all(callable(getattr(plots, name)) for name in plots.__all__)


def test_import_is_light():
    code = "import sys, chainrule.plots; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not {"matplotlib", "scipy", "sklearn"} & set(loaded)


def test_drawing_needs_neither_pyplot_nor_a_screen_and_keeps_settings(tmp_path):
    code = """
import os, sys
os.environ.pop("DISPLAY", None)
import matplotlib
settings = lambda: {k: matplotlib.rcParams[k] for k in matplotlib.rcParams if k != "backend"}
before = settings()
from chainrule.plots import confusion_matrix
confusion_matrix([[3, 1], [0, 4]]).savefig(sys.argv[1])
assert settings() == before
print("matplotlib.pyplot" in sys.modules)
"""
    path = tmp_path / "figure.png"
    printed = subprocess.check_output([sys.executable, "-c", code, str(path)], text=True)
    assert printed.strip() == "False"
    assert path.stat().st_size > 1000


def test_a_missing_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(
        MissingPackageError,
        match=r"drawing needs the package 'matplotlib'.*pip install 'chainrule\[plot\]'",
    ):
        plots.confusion_matrix([[1]])
    assert matplotlib  # the real one is installed: only the import above was refused
