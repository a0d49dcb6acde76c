"""Where nothing is made better, scikit-learn's networks and ours learn the same numbers.

That is so for classes that are equally many and for standardised targets.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier, MLPRegressor

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, IRIS = load_iris(return_X_y=True)
RANDOM = np.random.default_rng(3)
WEIGHT = RANDOM.uniform(0.5, 2, size=len(X))
LABELS = RANDOM.permuted(np.tile([[0, 1, 1], [1, 0, 0]], (75, 1)), axis=0)
NUMBERS = X[:, 0] * X[:, 1] + np.sin(X[:, 2])
NUMBERS = (NUMBERS - NUMBERS.mean()) / NUMBERS.std()

TARGETS = {"classes": IRIS, "two": IRIS[:100], "labels": LABELS, "numbers": NUMBERS}

OPTIONS: list[dict[str, Any]] = [
    {},
    {"activation": "logistic", "alpha": 3.0},
    {"activation": "tanh", "hidden_layer_sizes": (7, 5), "beta_1": 0.5, "epsilon": 1e-3},
    {"activation": "identity", "hidden_layer_sizes": ()},
    {"solver": "sgd", "learning_rate_init": 0.05},
    {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.05},
    {"solver": "sgd", "momentum": 0},
    {"batch_size": 20, "max_iter": 10},
    {"batch_size": 64, "solver": "sgd", "shuffle": False},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 2},
    {"solver": "lbfgs"},
]


def _pair(target: str, options: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    """Their network and ours, fitted with the same words."""
    y = TARGETS[target]
    x = X[: len(y)]
    theirs, ours = (
        (MLPRegressor, cr.NetworkRegressor)
        if target == "numbers"
        else (MLPClassifier, cr.NetworkClassifier)
    )
    words = {"random_state": 5, "max_iter": 20, "batch_size": len(y)} | options
    return theirs(**words).fit(x, y), ours(**words).fit(x, y), x, y


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("target", TARGETS)
def test_the_same_weights_and_losses(target: str, options: dict[str, Any]) -> None:
    theirs, ours, x, y = _pair(target, options)
    by_search = options.get("solver") == "lbfgs"
    close = {"rtol": 1e-4, "atol": 1e-4} if by_search else {"rtol": 1e-7, "atol": 1e-9}
    for kind in ("coefs_", "intercepts_"):
        assert len(getattr(ours, kind)) == len(getattr(theirs, kind))
        for mine, other in zip(getattr(ours, kind), getattr(theirs, kind), strict=True):
            # A softmax is the same where all its last biases are higher by as much.
            shift = (mine - other).mean() if mine is ours.intercepts_[-1] else 0.0
            np.testing.assert_allclose(mine - shift, other, **close)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-4 if by_search else 1e-9)
    if not by_search:
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), atol=1e-3)
    assert ours.score(x, y) == pytest.approx(theirs.score(x, y), abs=1e-3)


@pytest.mark.parametrize("target", ["classes", "numbers"])
def test_the_same_in_single_precision(target: str) -> None:
    y = TARGETS[target]
    theirs, ours = (
        kind(random_state=1, max_iter=5, batch_size=len(y)).fit(X.astype(np.float32), y)
        for kind in (
            (MLPRegressor, cr.NetworkRegressor)
            if target == "numbers"
            else (MLPClassifier, cr.NetworkClassifier)
        )
    )
    assert ours.coefs_[0].dtype == theirs.coefs_[0].dtype == np.float32
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-3, atol=1e-5)


def test_the_same_with_weights() -> None:
    """The weights balance the classes, so that the first answer is the same here too."""
    weight = WEIGHT.copy()
    for k in range(3):
        weight[k == IRIS] /= weight[k == IRIS].sum()
    words: dict[str, Any] = {"random_state": 2, "max_iter": 10, "alpha": 0.01}
    theirs = MLPClassifier(batch_size=150, **words)
    if "sample_weight" in inspect.signature(MLPClassifier.fit).parameters:
        theirs.fit(X, IRIS, sample_weight=weight)
    else:  # before release 1.7 it took none: repeated rows are whole weights
        weight = np.tile([1, 2], 75)
        theirs.set_params(batch_size=225)
        theirs.fit(np.repeat(X, weight, axis=0), np.repeat(IRIS, weight))
    ours = cr.NetworkClassifier(batch_size=150, **words).fit(X, IRIS, sample_weight=weight)
    np.testing.assert_allclose(ours.coefs_[1], theirs.coefs_[1], rtol=1e-7, atol=1e-9)


def test_the_same_step_by_step() -> None:
    words: dict[str, Any] = {"random_state": 4, "batch_size": 150}
    theirs, ours = MLPClassifier(**words), cr.NetworkClassifier(**words)
    for _ in range(7):
        theirs.partial_fit(X, IRIS, classes=[0, 1, 2])
        ours.partial_fit(X, IRIS, classes=[0, 1, 2])
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-9, atol=1e-12)
    assert ours.t_ == theirs.t_ == 7 * 150


def test_several_numbers_a_row() -> None:
    """The steps are the same; the loss is what they go down, and theirs is a part of it."""
    y = np.stack([NUMBERS, np.abs(NUMBERS)], axis=1)
    y = (y - y.mean(axis=0)) / y.std(axis=0)
    words: dict[str, Any] = {"random_state": 3, "max_iter": 20, "batch_size": 150, "alpha": 0}
    theirs, ours = MLPRegressor(**words).fit(X, y), cr.NetworkRegressor(**words).fit(X, y)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-7, atol=1e-9)
    errors = np.square(y - ours.predict(X)).sum(axis=1)
    theirs.partial_fit(X, y)  # its loss is that of the weights before
    assert ours.partial_fit(X, y).loss_ == pytest.approx(errors.mean() / 2)
    assert theirs.loss_ == pytest.approx(errors.mean() / 4)


def test_without_a_scale_targets_need_only_be_centred() -> None:
    words: dict[str, Any] = {"random_state": 3, "max_iter": 20, "batch_size": 150}
    y = 7 * NUMBERS
    theirs = MLPRegressor(**words).fit(X, y)
    ours = cr.NetworkRegressor(scale_target=False, **words).fit(X, y)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    scaled = cr.NetworkRegressor(**words).fit(X, y)
    assert np.abs(scaled.coefs_[0] - theirs.coefs_[0]).max() > 1e-3


def test_another_alpha_is_seen() -> None:
    """What is equal above would not be, were anything of it left out."""
    _, ours, *_ = _pair("classes", {})
    _, other, *_ = _pair("classes", {"alpha": 0.01})
    assert np.abs(ours.coefs_[0] - other.coefs_[0]).max() > 1e-6
