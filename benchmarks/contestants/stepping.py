"""The loop of those who write their own: epochs, batches, and a step for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from work import Work


def loop(
    work: Work,
    rows: int,
    step: Callable[[Any], Any],
    mean: Callable[[Sequence[Any]], float] = lambda losses: float(np.mean(losses)),
) -> list[float]:
    """Call ``step`` with the row numbers of each batch (None: all rows); the mean loss of an epoch.

    The losses are turned into numbers after the last step, so that nobody has to wait for a step
    whose loss is not yet needed.
    """
    epochs = [[step(batch) for batch in batches] for batches in work.orders(rows)]
    return [mean(losses) for losses in epochs]
