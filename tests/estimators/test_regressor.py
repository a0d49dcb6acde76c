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


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize(("level", "unit"), [(0.0, 100.0), (-1e6, 1.0), (50.0, 1e-3)])
def test_level_and_unit_of_the_targets_do_not_matter(
    level: float, unit: float, columns: int
) -> None:
    """The same is learnt, and told in other units."""
    y = Y if columns == 1 else np.stack([Y, 3 * np.sin(Y)], axis=1)
    held = (X[::4], unit * y[::4] + level)
    short = QUICK | {"max_iter": 20}
    moved = cr.NetworkRegressor(**short).fit(X, unit * y + level, validation_data=held)
    plain = cr.NetworkRegressor(**short).fit(X, y, validation_data=(X[::4], y[::4]))
    np.testing.assert_allclose((moved.predict(X) - level) / unit, plain.predict(X), atol=1e-6)
    np.testing.assert_allclose(moved.coefs_[0], plain.coefs_[0], atol=1e-6)
    np.testing.assert_allclose(moved.validation_scores_, plain.validation_scores_, atol=1e-6)
    for name in ("loss_curve_", "validation_loss_curve_"):
        in_units = unit**2 * np.array(getattr(plain, name))
        np.testing.assert_allclose(getattr(moved, name), in_units, rtol=1e-6)
    assert moved.history_["loss"] == moved.loss_curve_
    assert moved.history_["validation_loss"] == moved.validation_loss_curve_
    assert moved.best_loss_ == min(moved.loss_curve_)


def test_the_losses_are_those_of_the_predictions() -> None:
    y = 30 * Y + 200
    net = cr.NetworkRegressor(alpha=0, batch_size=200, **QUICK).fit(X, y, validation_data=(X, y))
    errors = np.square(y - net.predict(X)).mean() / 2
    assert net.validation_loss_curve_[-1] == pytest.approx(errors)
    assert net.partial_fit(X, y).loss_ == pytest.approx(errors)


@pytest.mark.parametrize("shape", [(200,), (200, 2)])
def test_a_scale_is_kept_from_one_fit_to_the_next(shape: tuple[int, ...]) -> None:
    """A first piece of which all targets are alike has none, nor does one of one row."""
    y = np.broadcast_to((30 * Y + 200).reshape(-1, *[1] * (len(shape) - 1)), shape)
    net = cr.NetworkRegressor(random_state=0, warm_start=True, max_iter=30, batch_size=200)
    before = net.fit(X, y).loss_
    again = net.fit(X, y)
    assert again.loss_ < before
    assert len(again.loss_curve_) == 60
    steps = cr.NetworkRegressor(random_state=0, batch_size=200)
    for _ in range(60):
        steps.partial_fit(X, y)
    whole = cr.NetworkRegressor(random_state=0, max_iter=60, batch_size=200).fit(X, y)
    np.testing.assert_allclose(steps.predict(X), whole.predict(X), rtol=1e-6)
    alike = cr.NetworkRegressor(random_state=0).partial_fit(X, np.full(shape, 7.0))
    np.testing.assert_allclose(alike.predict(X).mean(), 7, atol=1)


def test_a_callback_that_fails_leaves_the_network_in_the_targets_units() -> None:
    net = cr.NetworkRegressor(random_state=0, warm_start=True, max_iter=5).fit(X, 30 * Y + 200)
    before = net.predict(X)

    def fail(training: Any) -> None:
        raise RuntimeError("not today")

    net.set_params(callbacks=fail, learning_rate_init=1e-12)
    with pytest.raises(RuntimeError, match="not today"):
        net.fit(X, 30 * Y + 200)
    np.testing.assert_allclose(net.predict(X), before, rtol=1e-6)


def test_early_stopping_keeps_the_best_in_the_targets_units() -> None:
    y = 30 * Y + 200 + 20 * RANDOM.normal(size=200)
    net = cr.NetworkRegressor(
        early_stopping=True, random_state=0, learning_rate_init=0.1, max_iter=300
    )
    net.fit(X[:50], y[:50], validation_data=(X[50:], y[50:]))
    assert net.score(X[50:], y[50:]) == pytest.approx(net.best_validation_score_)


def test_the_level_is_that_of_the_weighted_rows() -> None:
    weight = np.where(Y > 1, 1.0, 0.0)
    net = cr.NetworkRegressor(
        hidden_layer_sizes=(), learning_rate_init=1e-12, max_iter=1, scale_target=False
    )
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


def test_single_precision_is_enough_for_targets_far_from_zero() -> None:
    y = 1e4 + Y
    double, single = (
        cr.NetworkRegressor(random_state=0, max_iter=20).fit(X.astype(kind), y).predict(X)
        for kind in (np.float64, np.float32)
    )
    np.testing.assert_allclose(single, double, atol=0.01)


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


@pytest.mark.parametrize(
    ("loss", "times"),
    [("mean_squared_error", 1), ("sum_squared_error", 200), ("half_sum_squared_error", 100)],
)
def test_every_loss_of_squares_trains_in_the_targets_own_scale(loss: str, times: float) -> None:
    words: dict[str, Any] = {"random_state": 0, "max_iter": 60, "batch_size": 200}
    small, large = (
        cr.NetworkRegressor(loss=loss, **words).fit(X, factor * Y) for factor in (1, 1000)
    )
    np.testing.assert_allclose(large.predict(X), 1000 * small.predict(X), rtol=1e-6)
    np.testing.assert_allclose(large.loss_curve_, 1e6 * np.array(small.loss_curve_), rtol=1e-6)
    by_hand = np.mean((large.predict(X) - 1000 * Y) ** 2) * times
    assert large.loss_ == pytest.approx(by_hand, rel=0.2)


def test_absolute_errors_train_in_the_targets_own_scale() -> None:
    words: dict[str, Any] = {"random_state": 0, "max_iter": 60, "batch_size": 200}
    small, large = (
        cr.NetworkRegressor(loss="mean_absolute_error", **words).fit(X, factor * Y)
        for factor in (1, 1000)
    )
    np.testing.assert_allclose(large.predict(X), 1000 * small.predict(X), rtol=1e-6)
    np.testing.assert_allclose(large.loss_curve_, 1e3 * np.array(small.loss_curve_), rtol=1e-6)
    by_hand = np.abs(large.predict(X) - 1000 * Y).mean()
    assert large.loss_ == pytest.approx(by_hand, rel=0.2)


def test_a_warm_start_by_another_loss_tells_each_in_the_targets_unit() -> None:
    y = 1000 * Y
    net = cr.NetworkRegressor(
        alpha=0.0, random_state=0, max_iter=60, batch_size=200, warm_start=True
    )
    before = net.fit(X, y).predict(X)
    net.set_params(loss="mean_absolute_error", max_iter=1, learning_rate_init=1e-12).fit(X, y)
    np.testing.assert_allclose(net.predict(X), before, rtol=1e-6)
    assert net.loss_ == pytest.approx(np.abs(before - y).mean(), rel=1e-6)
