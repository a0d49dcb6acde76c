"""The benchmark's modules for its tests."""

from __future__ import annotations

import importlib

import pytest
from bench_modules import FOLDER, Load


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Import a module of the benchmark by name."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module
