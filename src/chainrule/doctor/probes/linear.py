"""The linear judge: what a ridge regression tells of the targets of rows that it has not seen."""

from __future__ import annotations

import numpy as np

from chainrule.doctor.experiment import Portions
from chainrule.doctor.probes.reference import PARTS, Knowable
from chainrule.graph.op import Array

#: Rows that are judged at most, and shuffles of the targets that tell what chance makes of it.
MOST_ROWS, SHUFFLES = 1000, 40
#: The penalties, for each row and column of inputs with spread 1.
PENALTIES = (0.01, 0.1, 1.0, 10.0)


def linearly_knowable(data: Portions, seed: int) -> Knowable:
    """Cross-validate a ridge regression; the shares are of the targets' variance.

    Every row is judged once, by a fit that did not see it, with the best of a few penalties, and
    so are targets shuffled among the rows (Hastie, Tibshirani, Friedman, section 3.4.1).
    """
    parts = [data.train] if data.held is None else [data.train, data.held]
    x = np.concatenate([part["x"].reshape(len(part["x"]), -1) for part in parts])
    t = np.concatenate([part["t"] for part in parts])
    rng = np.random.default_rng(seed + 2)
    chosen = rng.permutation(len(x))[:MOST_ROWS]
    x, t = x[chosen].astype(np.float64), t[chosen]
    labels = (t[:, None] == np.unique(t)) if t.ndim == 1 else t.reshape(len(t), -1)
    y = labels.astype(np.float64)
    everything = np.hstack([y, *[y[rng.permutation(len(y))] for _ in range(SHUFFLES)]])
    left = _left(x, everything).reshape(len(PENALTIES), 1 + SHUFFLES, -1).sum(axis=2)
    shares = (left / max(float(((y - y.mean(axis=0)) ** 2).sum()), 1e-300)).min(axis=0)
    return Knowable(float(shares[0]), float(shares[1:].mean()), float(shares[1:].std(ddof=1)))


def _left(x: Array, y: Array) -> Array:
    """The squared error on rows not seen, for each penalty and column of ``y``."""
    left = np.zeros((len(PENALTIES), y.shape[1]))
    part = np.arange(len(x)) % PARTS
    for number in range(PARTS):
        fitted, judged = part != number, part == number
        mean, spread = x[fitted].mean(axis=0), x[fitted].std(axis=0)
        scale = np.where(spread > 1e-6 * max(float(np.abs(x).max()), 1e-300), spread, np.inf)
        a, b = (x[fitted] - mean) / scale, (x[judged] - mean) / scale
        level = y[fitted].mean(axis=0)
        # By the rows' inner products, so that many columns cost no more than many rows.
        values, vectors = np.linalg.eigh(a @ a.T)
        across, along = b @ a.T @ vectors, vectors.T @ (y[fitted] - level)
        for place, penalty in enumerate(PENALTIES):
            weight = 1 / (np.maximum(values, 0.0) + penalty * max(a.shape))
            guess = level + across @ (weight[:, None] * along)
            left[place] += ((y[judged] - guess) ** 2).sum(axis=0)
    return left
