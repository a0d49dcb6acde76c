"""Lets the tests of show import the checker of ops."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("oracles", "ops"):
    sys.path.append(str(Path(__file__).parents[1] / folder))
