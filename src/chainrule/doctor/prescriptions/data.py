"""Prescriptions for data: scaling, targets in another form, rows left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.doctor.case import Case
from chainrule.doctor.finding import Prescription
from chainrule.doctor.standardising import mean_and_spread
from chainrule.graph.op import Array


def scaled_inputs() -> tuple[Prescription, Prescription]:
    """The two ways of scaling: each column by itself, or all by the same two numbers.

    The first is for tables. The second is for images, where a pixel that is nearly always the same
    would else be blown up to noise.
    """
    apart = (
        "mean, spread = X.mean(axis=0), X.std(axis=0); "
        "X = (X - mean) / np.where(spread > 0, spread, 1)   "
        "# and the same two arrays for every row that is predicted"
    )
    together = (
        "mean, spread = X.mean(), X.std(); X = (X - mean) / spread   "
        "# and the same two numbers for every row that is predicted"
    )
    return _scaled(apart, axis=0), _scaled(together, axis=None)


def _scaled(text: str, axis: int | None) -> Prescription:
    """X with mean 0 and spread 1, and the validation rows by the same numbers."""

    def change(case: Case) -> Case:
        mean, spread = mean_and_spread(np.asarray(case.X), axis)

        def scaled(rows: Any) -> Array:
            result: Array = (np.asarray(rows, np.float64) - mean) / spread
            return result

        held = case.validation and (scaled(case.validation[0]), case.validation[1])
        return replace(case, X=scaled(case.X), validation=held)

    return Prescription(text, change)


def finite_rows() -> Prescription:
    """Only the rows all of whose numbers are finite, in training and in validation."""

    def kept(X: Any, y: Any) -> tuple[Array, Array, Array]:
        numbers = [np.asarray(part, np.float64).reshape(len(X), -1) for part in (X, y)]
        rows: Array = np.array(np.isfinite(np.hstack(numbers)).all(axis=1))
        return np.asarray(X)[rows], np.asarray(y)[rows], rows

    def change(case: Case) -> Case:
        X, y, rows = kept(case.X, case.y)
        held = None if case.validation is None else kept(*case.validation)[:2]
        weight = case.sample_weight
        weight = None if weight is None else np.asarray(weight)[rows]
        return replace(case, X=X, y=y, validation=held, sample_weight=weight)

    return Prescription(
        "rows = np.isfinite(X).all(axis=1); X, y = X[rows], y[rows]   # or fill in what is missing",
        change,
    )


def reformed_targets(text: str, form: Callable[[Array], Array]) -> Prescription:
    """Targets in another form, in training and in validation."""

    def change(case: Case) -> Case:
        held = case.validation and (case.validation[0], form(np.asarray(case.validation[1])))
        return replace(case, y=form(np.asarray(case.y)), validation=held)

    return Prescription(text, change)


def standardised_targets() -> Prescription:
    """Targets with mean 0 and spread 1, and those of validation by the same numbers."""

    def change(case: Case) -> Case:
        y = np.asarray(case.y, np.float64)
        mean, spread = y.mean(axis=0), np.where(y.std(axis=0) > 0, y.std(axis=0), 1.0)
        held = case.validation and (case.validation[0], (case.validation[1] - mean) / spread)
        return replace(case, y=(y - mean) / spread, validation=held)

    return Prescription(
        "mean, spread = y.mean(), y.std(); y = (y - mean) / spread   "
        "# and predictions are net.predict(X) * spread + mean",
        change,
    )


def validation_as_training(together: bool, times_more: float = 1.0) -> Prescription:
    """Validation brought to the mean and spread of the training rows.

    All columns ``together`` by the same two numbers, or each by its own. The spread of few rows is
    known to some percent only: ``times_more`` tries another.
    """

    def change(case: Case) -> Case:
        assert case.validation is not None
        X, held = np.asarray(case.X, np.float64), np.asarray(case.validation[0], np.float64)
        mean, spread = X.mean(axis=0), X.std(axis=0)
        there, width = held.mean(axis=0), held.std(axis=0)
        if together:
            times = _rms(spread) / max(_rms(width), 1e-300) * times_more
            scaled = held * times + float(np.mean(mean - there * times))
        else:
            scaled = (held - there) / np.where(width > 0, width, 1.0) * spread + mean
        return replace(case, validation=(scaled, case.validation[1]))

    return Prescription(
        "scale the rows of validation as those of X were, by the same numbers"
        + ("" if together else ", column by column"),
        change,
    )


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


def renumbered_classes(order: tuple[int, ...]) -> Prescription:
    """The classes of training by the numbers that validation gives them."""

    def change(case: Case) -> Case:
        y = np.asarray(case.y)
        if y.ndim == 2 and y.shape[1] == len(order):
            renumbered = np.zeros_like(y)
            renumbered[:, list(order)] = y
        else:
            renumbered = np.asarray(order)[y.astype(int)].astype(y.dtype)
        return replace(case, y=renumbered)

    return Prescription(
        f"y = np.array({list(order)})[y], so that training numbers the classes as validation does",
        change,
    )
