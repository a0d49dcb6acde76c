"""Baselines: what needs no network. A constant answer, and a linear or logistic regression."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import MissingPackageError, optional_package
from chainrule.report.material import Material

Array = NDArray[Any]
#: A regression learns from so many numbers at most; more rows would change little and take minutes.
MOST_NUMBERS = 4_000_000


@dataclass(frozen=True, eq=False)
class Baseline:
    """A simple predictor: its answers to the judged rows, and what there is to say of it."""

    name: str
    outputs: Array
    remark: str = ""


def baselines(material: Material) -> tuple[list[Baseline], list[str]]:
    """The baselines for the judged rows, and why one is missing."""
    found, remarks = [constant(material)], []
    if material.linear is not None:
        found.append(Baseline(*material.linear))
    elif material.training is None:
        remarks.append(
            "The rows of the training were not given, so that no linear model could learn from "
            "them, and the constant answer is that of the judged rows themselves."
        )
    elif material.X is not None:
        try:
            line = linear(material)
        except MissingPackageError as error:
            remarks.append(f"No linear baseline: {error}.")
        else:
            found += [line] if line is not None else []
    return found, remarks


def constant(material: Material) -> Baseline:
    """The best answer if nothing is known of a row: the shares of the classes, or the mean."""
    y = material.y if material.training is None else material.training.y
    rows = len(material.y)
    if not material.names:
        return Baseline("always the mean", np.tile(y.mean(axis=0), (rows, 1)))
    shares = np.bincount(y, minlength=len(material.names)) / len(y)
    common = material.names[int(shares.argmax())]
    return Baseline(f"always “{common}”", np.tile(shares, (rows, 1)))


def linear(material: Material) -> Baseline | None:
    """scikit-learn's LogisticRegression or LinearRegression on standardised inputs.

    Source: D. R. Cox, *The regression analysis of binary sequences*, Journal of the Royal
    Statistical Society B 20, 1958, for the logistic one.

    Raises:
        MissingPackageError: scikit-learn is not installed.
    """
    assert material.training is not None
    assert material.X is not None
    models = optional_package("sklearn.linear_model", "data", "the linear baseline")
    scaling = optional_package("sklearn.preprocessing", "data", "the linear baseline")
    pipeline = optional_package("sklearn.pipeline", "data", "the linear baseline")
    X, y, remark = _some(material)
    if material.names and len(np.unique(y)) < 2:
        return None
    model = (
        models.LogisticRegression(max_iter=1000) if material.names else models.LinearRegression()
    )
    both = pipeline.make_pipeline(scaling.StandardScaler(), model)
    with warnings.catch_warnings():
        # A baseline that has not quite converged is a baseline still.
        warnings.simplefilter("ignore")
        both.fit(X, y)
    judged = _flat(material.X)
    if not material.names:
        return Baseline("linear regression", both.predict(judged).reshape(len(judged), -1), remark)
    outputs = np.zeros((len(judged), len(material.names)))
    outputs[:, model.classes_] = both.predict_proba(judged)
    return Baseline("logistic regression", outputs, remark)


def _some(material: Material) -> tuple[Array, Array, str]:
    """The training rows, or as many of them as a baseline needs."""
    rows = material.training
    assert rows is not None
    most = max(1000, MOST_NUMBERS // max(1, math.prod(rows.X.shape[1:])))
    if len(rows) <= most:
        return _flat(rows.X), rows.y, ""
    chosen = np.random.default_rng(material.seed).permutation(len(rows))[:most]
    remark = f"learnt from {most:,} of the {len(rows):,} training rows"
    return _flat(rows.X[chosen]), rows.y[chosen], remark


def _flat(X: Array) -> Array:
    return np.asarray(X, np.float64).reshape(len(X), -1)
