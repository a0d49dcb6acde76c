"""Regressors of several outputs in different units: each is learnt, in its own."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import r2_score

import chainrule as cr
from chainrule.estimators.losses import usual_distance
from chainrule.estimators.scale import Scale, Scales
from chainrule.estimators.scaling import Scaling
from chainrule.formats.python_file import save_python
from chainrule.nn.losses import huber_delta, huber_loss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(300, 4))
Y = np.stack([X[:, 0] + X[:, 1] ** 2, X[:, 1] - np.abs(X[:, 2])], axis=1)
Y = (Y - Y.mean(axis=0)) / Y.std(axis=0)
UNITS = {"prices and ages": ([3e5, 40.0], [3e5, 70.0]), "far apart": ([1e5, 1e-5], [0.0, 0.0])}
WORDS: dict[str, Any] = {"random_state": 0, "max_iter": 60, "learning_rate_init": 0.01}
LOSSES = ("squared_error", "mean_squared_error", "mean_absolute_error", "huber")


@pytest.mark.parametrize(("unit", "level"), UNITS.values(), ids=UNITS)
@pytest.mark.parametrize("loss", LOSSES)
def test_units_of_the_outputs_do_not_matter(loss: str, unit: Any, level: Any) -> None:
    y = Y * unit + level
    held = (X[::4], y[::4])
    net = cr.NetworkRegressor(loss, **WORDS).fit(X, y, validation_data=held)
    plain = cr.NetworkRegressor(loss, **WORDS).fit(X, Y, validation_data=(X[::4], Y[::4]))
    np.testing.assert_allclose((net.predict(X) - level) / unit, plain.predict(X), atol=1e-6)
    assert (r2_score(y, net.predict(X), multioutput="raw_values") > 0.95).all()
    # Losses are in y's units, in the mean over the outputs.
    size = np.mean(unit if loss == "mean_absolute_error" else np.square(unit))
    if loss == "huber":  # of which each output's is divided by a delta that is below its unit
        below = np.minimum(1, plain.huber_delta_)
        size = np.mean(np.square(unit) * below) / np.mean(below)
    np.testing.assert_allclose(net.loss_curve_, size * np.array(plain.loss_curve_), rtol=1e-5)
    told = size * np.array(plain.validation_loss_curve_)
    np.testing.assert_allclose(net.validation_loss_curve_, told, rtol=1e-5)


@pytest.mark.parametrize(
    "words",
    [
        {"solver": "lbfgs"},
        {"solver": "sgd"},
        {"early_stopping": True},
        {"ensemble": 2, "n_restarts": 1},
        {"layers": [cr.Dense(40, "relu")]},
    ],
    ids=str,
)
def test_every_output_is_learnt(words: dict[str, Any]) -> None:
    unit, level = UNITS["prices and ages"]
    y = Y * unit + level
    for x in (X, X.astype(np.float32)):
        net = cr.NetworkRegressor(**WORDS | words).fit(x, y)
        assert (r2_score(y, net.predict(x), multioutput="raw_values") > 0.85).all()


def test_without_the_targets_scale_outputs_count_by_their_size() -> None:
    """As in scikit-learn."""
    words = WORDS | {"scale_target": False, "max_iter": 30}
    scores = [
        r2_score(y, cr.NetworkRegressor(**words).fit(X, y).predict(X), multioutput="raw_values")
        for y in (Y, Y * [1.0, 0.01])
    ]
    assert scores[0][1] > 0.9
    assert scores[1][1] < 0


@pytest.mark.parametrize(("constant", "near"), [(3.0, 0.1), (-1e-6, 3e-8), (0.0, 1), (1e12, 2)])
def test_an_output_that_is_constant(constant: float, near: float) -> None:
    """However large the others are, and whatever its size."""
    y = np.stack([Y[:, 0] * 1e6, np.full(300, constant), Y[:, 1] * 40], axis=1)
    net = cr.NetworkRegressor(**WORDS).fit(X, y)
    found = net.predict(X)
    assert np.abs(found[:, 1] - constant).mean() < near
    assert (r2_score(y, found, multioutput="raw_values")[[0, 2]] > 0.95).all()


def test_a_piece_in_other_units_gives_a_new_scale_to_that_output_alone() -> None:
    net = cr.NetworkRegressor(random_state=0)
    for _ in range(20):
        net.partial_fit(X[:150], Y[:150] * [3e5, 40])
    before, old = net.predict(X), net._scaled.scales.targets
    still = {"learning_rate_init": 1e-12}
    net.set_params(**still).partial_fit(X[150:], Y[150:] * [3e5, 4000])
    new = net._scaled.scales.targets
    assert new.unit[0] == old.unit[0]
    assert new.unit[1] > 10 * old.unit[1]
    np.testing.assert_allclose(net.predict(X), before, rtol=1e-6)


def test_an_output_that_did_not_vary_at_first_is_learnt_later() -> None:
    begun = np.stack([Y[:, 0] * 3e5, np.full(300, 70.0)], axis=1)
    y = Y * [3e5, 40] + [0, 70]
    net = cr.NetworkRegressor(random_state=0, learning_rate_init=0.01).partial_fit(
        X[:20], begun[:20]
    )
    for _ in range(60):
        net.partial_fit(X, y)
    assert (r2_score(y, net.predict(X), multioutput="raw_values") > 0.9).all()


def test_a_warm_start_in_other_units_answers_as_before() -> None:
    net = cr.NetworkRegressor(warm_start=True, **WORDS).fit(X, Y * [3e5, 40])
    before = net.predict(X)
    net.set_params(learning_rate_init=1e-18, max_iter=1).fit(X, Y * [3, 4e6])
    np.testing.assert_allclose(net.predict(X), before, rtol=1e-6)
    larger = Y * [3e7, 4e6]
    assert net.set_params(**WORDS).fit(X, larger).score(X, larger) > 0.9


def test_what_was_fitted_with_one_unit_for_all_goes_on() -> None:
    """As older releases had it: every output in the root of the mean variance."""
    unit, level = map(np.array, UNITS["prices and ages"])
    y = Y * unit + level
    net = cr.NetworkRegressor(warm_start=True, **WORDS).fit(X, y)
    old = Scaling(
        Scales(net._scaled.scales.inputs, Scale(level, float(np.sqrt(np.mean(unit**2))))),
        net._scaled.columns, net._scaled.targets,
    )  # fmt: skip
    net._scaled = old
    net = pickle.loads(pickle.dumps(net))
    before = net.predict(X)
    for how in ("fit", "partial_fit"):
        net._scaled = old
        getattr(net.set_params(learning_rate_init=1e-12, max_iter=1), how)(X, y)
        np.testing.assert_allclose(net.predict(X), before, rtol=1e-6)
        np.testing.assert_allclose(net._scaled.scales.targets.unit, [unit.max() / 2**0.5, 40], 1e-3)


def test_hubers_delta_is_each_outputs_own(tmp_path: Path) -> None:
    y = Y * [3e5, 40]
    y[::20] += [6e6, 800]
    net = cr.NetworkRegressor("huber", alpha=0.0, **WORDS).fit(X, y)
    np.testing.assert_array_equal(net.huber_delta_, usual_distance(y, None))
    errors = np.median(np.abs(net.predict(X) - Y * [3e5, 40]), axis=0)
    assert (errors < [9e4, 12]).all()
    one = net.nets_[0]
    assert huber_delta(one.loss) == tuple(net.huber_delta_)
    away, delta = np.abs(one.predict(X) - y), net.huber_delta_
    by_hand = np.where(away <= delta, away**2 / 2, delta * (away - delta / 2)).mean()
    one.save(tmp_path / "net.safetensors")
    same = cr.load(tmp_path / "net.safetensors")
    assert same.loss == one.loss
    for each in (one, same):
        assert each.evaluate(X, y)["loss"] == pytest.approx(by_hand, rel=1e-6)


def test_a_delta_that_is_given_is_that_of_every_output() -> None:
    words = WORDS | {"huber_delta": 50.0, "alpha": 0.0}
    net = cr.NetworkRegressor("huber", **words).fit(X, Y * [3e5, 40])
    assert net.huber_delta_ == huber_delta(net.nets_[0].loss) == 50.0
    assert (r2_score(Y, net.predict(X) / [3e5, 40], multioutput="raw_values") > 0.9).all()
    with pytest.raises(cr.errors.OptionError, match=r"huber needs delta > 0, got \[1\.0, 0\.0\]"):
        huber_loss([1.0, 0.0])


def test_pieces_in_single_precision_stay_so() -> None:
    net = cr.NetworkRegressor("huber", random_state=0)
    for _ in range(2):
        net.partial_fit(X.astype(np.float32), (Y * [3e5, 40]).astype(np.float32))
    assert {array.dtype for array in net.nets_[0].parameters.values()} == {np.dtype("float32")}


def test_files_answer_in_the_units_of_each_output(tmp_path: Path) -> None:
    net = cr.NetworkRegressor(**WORDS).fit(X, Y * [3e5, 40])
    save_python(net.nets_[0], tmp_path / "net.py")
    space: dict[str, Any] = {"__name__": "net", "__file__": str(tmp_path / "net.py")}
    exec((tmp_path / "net.py").read_text(), space)
    np.testing.assert_allclose(space["predict"](X), net.predict(X), rtol=1e-4, atol=1e-2)
    net.nets_[0].save(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(cr.load(tmp_path / "net.safetensors").predict(X), net.predict(X))
