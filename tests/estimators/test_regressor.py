"""NetworkRegressor: one number or several, counts, robust losses, targets far from zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import mean_poisson_deviance

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(200, 3))
Y = X @ [1.0, -2.0, 0.5] + np.maximum(X[:, 0], 0)
QUICK: dict[str, Any] = {"random_state": 0, "learning_rate_init": 0.02, "max_iter": 150}


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "sgd"])
def test_a_number_a_row(solver: str) -> None:
    net = cr.NetworkRegressor(solver=solver, **QUICK).fit(X, Y)
    assert net.predict(X).shape == (200,)
    assert net.score(X, Y) > 0.95
    assert net.out_activation_ == "identity"


def test_several_numbers_a_row() -> None:
    both = np.stack([Y, -3 * Y + 1], axis=1)
    net = cr.NetworkRegressor(**QUICK).fit(X, both)
    assert net.predict(X).shape == (200, 2)
    assert net.score(X, both) > 0.95


@pytest.mark.parametrize("level", [0, 1e3, -1e6])
def test_the_level_of_the_targets_does_not_matter(level: float) -> None:
    """Seen in the first epoch already, which begins at the mean; not so if it began at 0."""
    short = QUICK | {"max_iter": 5}
    moved = cr.NetworkRegressor(**short).fit(X, Y + level)
    plain = cr.NetworkRegressor(**short).fit(X, Y)
    np.testing.assert_allclose(moved.predict(X) - level, plain.predict(X), atol=1e-6)


def test_the_level_is_that_of_the_weighted_rows() -> None:
    weight = np.where(Y > 1, 1.0, 0.0)
    net = cr.NetworkRegressor(hidden_layer_sizes=(), learning_rate_init=1e-12, max_iter=1)
    found = [
        (net.set_params(random_state=3).fit(X, Y, sample_weight=w)).intercepts_[0][0]
        for w in (None, weight)
    ]
    assert found[1] - found[0] == pytest.approx(Y[Y > 1].mean() - Y.mean())


def test_counts() -> None:
    counts = RANDOM.poisson(np.exp(0.5 * X[:, 0] + 1))
    by_counts = cr.NetworkRegressor("poisson", **QUICK).fit(X, counts)
    by_squares = cr.NetworkRegressor(**QUICK | {"max_iter": 20}).fit(X, counts)
    assert by_counts.out_activation_ == "exp"
    assert (by_counts.predict(X) > 0).all()
    deviance = mean_poisson_deviance(counts, by_counts.predict(X))
    floored = np.maximum(by_squares.predict(X), 1e-3)
    assert deviance < mean_poisson_deviance(counts, floored)
    # Its loss, without the penalty, is half the deviance.
    done = cr.NetworkRegressor("poisson", alpha=0, random_state=0, batch_size=200)
    half = [mean_poisson_deviance(counts, done.fit(X, counts).predict(X)) / 2, 0.0]
    half[1] = done.partial_fit(X, counts).loss_
    assert half[1] == pytest.approx(half[0])


def test_a_robust_loss_bears_outliers() -> None:
    spoilt = Y.copy()
    spoilt[::20] += 100
    squares, huber = (
        cr.NetworkRegressor(loss, hidden_layer_sizes=(), **QUICK).fit(X, spoilt)
        for loss in ("squared_error", "huber")
    )
    errors = [np.median(np.abs(net.predict(X) - Y)) for net in (squares, huber)]
    assert errors[1] < errors[0] / 2


def test_a_weight_of_nothing_is_no_row() -> None:
    weight = np.repeat([1.0, 0.0], 100)
    wild = np.where(weight, Y, 1e6)
    words: dict[str, Any] = {"random_state": 0, "max_iter": 10, "hidden_layer_sizes": (4,)}
    weighted = cr.NetworkRegressor(batch_size=200, **words).fit(X, wild, sample_weight=weight)
    fewer = cr.NetworkRegressor(batch_size=100, **words).fit(X[:100], Y[:100])
    np.testing.assert_allclose(weighted.predict(X), fewer.predict(X), rtol=1e-7)
