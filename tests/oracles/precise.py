"""Losses of probabilities in 50 digits, and in however many the logits' range needs (mpmath)."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

DIGITS = 50


def log_softmax(row: Any) -> list[Any]:
    """z_i - ln Σ e^z, entry by entry."""
    with mpmath.workdps(DIGITS):
        z = [mpmath.mpf(float(entry)) for entry in row]
        total = mpmath.log(mpmath.fsum(mpmath.exp(entry) for entry in z))
        return [entry - total for entry in z]


def softmax(row: Any) -> np.ndarray[Any, Any]:
    with mpmath.workdps(DIGITS):
        return np.array([float(mpmath.exp(entry)) for entry in log_softmax(row)])


def sigmoid(z: float) -> float:
    with mpmath.workdps(DIGITS):
        return float(1 / (1 + mpmath.exp(-mpmath.mpf(float(z)))))


def cross_entropy(logits: Any, labels: Any) -> np.ndarray[Any, Any]:
    """-ln softmax(z)_t of each row."""
    rows = zip(np.asarray(logits), np.asarray(labels), strict=True)
    return np.array([float(-log_softmax(row)[int(label)]) for row, label in rows])


def cross_entropy_gradient(logits: Any, labels: Any) -> np.ndarray[Any, Any]:
    """softmax(z) - onehot(t), of each row's own loss."""
    rows = np.array([softmax(row) for row in np.asarray(logits)])
    rows[np.arange(len(rows)), labels] -= 1.0
    return rows


def binary_cross_entropy(z: Any, t: Any) -> np.ndarray[Any, Any]:
    """-t ln σ(z) - (1 - t) ln(1 - σ(z)) of each entry, where 0 · ln 0 is 0."""

    def one(logit: float, target: float) -> float:
        with mpmath.workdps(DIGITS):
            x = mpmath.mpf(float(logit))
            lost, kept = mpmath.log1p(mpmath.exp(-x)), mpmath.log1p(mpmath.exp(x))
            return float(float(target) * lost + (1 - float(target)) * kept)

    return np.array([one(*pair) for pair in zip(np.ravel(z), np.ravel(t), strict=True)])


def binary_cross_entropy_gradient(z: Any, t: Any) -> np.ndarray[Any, Any]:
    return np.array([sigmoid(a) for a in np.ravel(z)]) - np.ravel(t)
