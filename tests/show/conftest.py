"""Lets the tests of show import the checker of ops, the random graphs, and each other's help."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("oracles", "ops", "engine"):
    sys.path.append(str(Path(__file__).parents[1] / folder))
