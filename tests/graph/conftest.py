"""Lets the tests of the graph import the examples of the ops and the other libraries' opinions."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("oracles", "ops")]
