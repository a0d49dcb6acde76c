"""Calibration: whether a network that says 80 % is right in 80 of 100 cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.report.measures.intervals import Estimate, wilson

Array = NDArray[Any]
BINS = 10
SIMULATIONS = 400


@dataclass(frozen=True)
class Bin:
    """The rows whose stated probability lies between ``begin`` and ``end``."""

    begin: float
    end: float
    rows: int
    stated: float
    share: Estimate


@dataclass(frozen=True)
class Calibration:
    """The bins that hold rows, the expected calibration error, and the Brier score.

    ``by_chance`` is the error that a perfectly calibrated network would show on as many rows, the
    mean and the 95 % quantile.
    """

    bins: tuple[Bin, ...]
    error: float
    by_chance: tuple[float, float]
    brier: float


def calibration(y: Array, outputs: Array, seed: int = 0) -> Calibration:
    """Compare stated probabilities with shares, in ten bins of equal width.

    Of two classes the probability of the second is compared with its share, from 0 to 1; of more
    classes that of the answer given, with how often it is right.
    ECE = Σ_m |B_m| / n · |share(B_m) - mean stated probability(B_m)|. Brier score: the mean over
    rows of Σ_k (p_k - [k is true])².

    Sources: M. P. Naeini, G. F. Cooper, M. Hauskrecht, *Obtaining well calibrated probabilities
    using Bayesian binning*, AAAI 2015; C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, *On calibration
    of modern neural networks*, ICML 2017; G. W. Brier, Monthly Weather Review 78, 1950. What chance
    gives: J. Bröcker, L. A. Smith, *Increasing the reliability of reliability diagrams*, Weather
    and Forecasting 22, 2007.
    """
    if outputs.shape[1] == 2:
        stated, came = outputs[:, 1], y == 1
    else:
        stated, came = outputs.max(axis=1), outputs.argmax(axis=1) == y
    place = np.minimum((stated * BINS).astype(int), BINS - 1)
    truth = np.zeros_like(outputs)
    truth[np.arange(len(y)), y] = 1
    rng = np.random.default_rng(seed)
    tosses = (rng.random(len(y)) < stated for _ in range(SIMULATIONS))
    chance = np.array([_error(place, stated, toss) for toss in tosses])
    bins = []
    for k in np.unique(place):
        rows = place == k
        share = wilson(int(came[rows].sum()), int(rows.sum()))
        bins.append(
            Bin(k / BINS, (k + 1) / BINS, int(rows.sum()), float(stated[rows].mean()), share)
        )
    return Calibration(
        tuple(bins),
        _error(place, stated, came),
        (float(chance.mean()), float(np.quantile(chance, 0.95))),
        float(((outputs - truth) ** 2).sum(axis=1).mean()),
    )


def _error(place: Array, stated: Array, came: Array) -> float:
    """The expected calibration error: |B|/n times the gap is |Σ came - Σ stated| / n."""
    gaps = np.bincount(place, came - stated)
    return float(np.abs(gaps).sum() / len(stated))
