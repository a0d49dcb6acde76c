"""Setting rows aside, for validation and for the test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]


def set_aside(
    rows: Rows, labels: NDArray[Any] | None, share: float, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Split ``rows`` in two, (kept, set aside), both in ascending order.

    With ``labels`` (one for each row of the whole data) each class gives its own share, rounded,
    and keeps a row at least: both parts have the same mix, and the first knows every class.
    """
    groups = [rows]
    if labels is not None:
        groups = [rows[labels[rows] == label] for label in np.unique(labels[rows])]
    aside = []
    for group in groups:
        count = min(round(share * len(group)), len(group) - 1)
        aside.append(rng.permutation(group)[:count])
    chosen = np.sort(np.concatenate(aside))
    return np.setdiff1d(rows, chosen, assume_unique=True), chosen
