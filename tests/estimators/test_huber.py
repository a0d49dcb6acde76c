"""Huber's loss in the regressor: its delta is in y's units, whatever these are."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import chainrule as cr
from chainrule.errors import OptionError
from chainrule.estimators.losses import bent, usual_distance
from chainrule.estimators.regressor import NetworkRegressor
from chainrule.formats.onnx_model import save_onnx
from chainrule.formats.python_file import save_python
from chainrule.nn.losses import huber_delta

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(200, 3))
Y = X @ [1.0, -2.0, 0.5] + np.maximum(X[:, 0], 0) + 0.3 * RANDOM.standard_t(2, size=200)
WORDS: dict[str, Any] = {"loss": "huber", "random_state": 0, "max_iter": 40, "batch_size": 50}
STILL: dict[str, Any] = {"learning_rate_init": 1e-12, "max_iter": 1}


def by_hand(net: NetworkRegressor, y: Any, delta: float) -> float:
    away = np.abs(net.predict(X) - y)
    return float(np.where(away <= delta, away**2 / 2, delta * (away - delta / 2)).mean())


@pytest.mark.parametrize("delta", ["auto", 0.01, 0.7, 50.0])
@pytest.mark.parametrize("unit", [1000.0, 1e-4])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_the_unit_of_y_does_not_matter(delta: Any, unit: float, solver: str) -> None:
    """A delta in y's units goes along with them, and so do losses, by the square."""
    words = WORDS | {"solver": solver}
    held = (X[::3], Y[::3])
    plain = NetworkRegressor(huber_delta=delta, **words).fit(X, Y, validation_data=held)
    other = delta if delta == "auto" else delta * unit
    moved = NetworkRegressor(huber_delta=other, **words).fit(
        X, unit * Y, validation_data=(X[::3], unit * Y[::3])
    )
    assert moved.n_iter_ == plain.n_iter_
    assert moved.huber_delta_ == pytest.approx(unit * plain.huber_delta_)
    near = 1e-4 if solver == "lbfgs" else 1e-6  # whose line search doubles what rounding makes
    np.testing.assert_allclose(moved.predict(X) / unit, plain.predict(X), rtol=near, atol=near)
    for name in ("loss_curve_", "validation_loss_curve_"):
        told = getattr(plain, name)
        if told is not None:
            np.testing.assert_allclose(
                np.array(getattr(moved, name)) / unit**2, told, rtol=10 * near
            )


@pytest.mark.parametrize("delta", ["auto", 3.0, 700.0, 5e4])
def test_losses_are_told_in_the_units_of_y(delta: Any) -> None:
    y = 1000 * Y
    net = NetworkRegressor(huber_delta=delta, alpha=0.0, warm_start=True, **WORDS).fit(X, y)
    before = net.predict(X)
    told = by_hand(net, y, net.huber_delta_)
    net.set_params(**STILL).fit(X, y)
    np.testing.assert_allclose(net.predict(X), before, rtol=1e-6)
    assert net.loss_ == pytest.approx(told, rel=1e-6)
    assert net.history_["loss"][-1] == pytest.approx(told, rel=1e-6)
    # So does the network by itself, which knows its loss.
    one = net.nets_[0]
    assert one.evaluate(X, y.reshape(-1, 1))["loss"] == pytest.approx(told, rel=1e-6)
    assert huber_delta(one.loss) == net.huber_delta_


def test_a_large_delta_is_half_the_squares_and_a_small_one_distances() -> None:
    def predicted(**words: Any) -> Any:
        return NetworkRegressor(**WORDS | words).fit(X, 30 * Y).predict(X)

    np.testing.assert_allclose(
        predicted(huber_delta=1e9), predicted(loss="squared_error"), rtol=1e-6
    )
    np.testing.assert_allclose(
        predicted(huber_delta=1e-7), predicted(loss="mean_absolute_error"), rtol=1e-3, atol=1e-3
    )


def test_auto_bears_outliers_in_any_unit() -> None:
    spoilt = Y.copy()
    spoilt[::20] += 100
    for unit in (1.0, 1e5):
        squares, robust = (
            NetworkRegressor(loss, hidden_layer_sizes=(), learning_rate_init=0.02, random_state=0)
            .fit(X, unit * spoilt)
            .predict(X) / unit
            for loss in ("squared_error", "huber")
        )  # fmt: skip
        assert np.median(np.abs(robust - Y)) < np.median(np.abs(squares - Y)) / 2


@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_auto_takes_rows_as_often_as_they_count(rows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    t, w = random.normal(5, 2, (rows, 2)), random.integers(0, 4, rows)
    w[0] = 1
    expected = np.repeat(t, w, axis=0)
    assert usual_distance(t, w) == pytest.approx(usual_distance(expected, None), nan_ok=True)
    distances = np.abs(expected - np.median(expected, axis=0))
    usual = 1.4826 * np.median(distances, axis=0)
    known = usual > 1e-9
    assert usual_distance(t, w)[known] == pytest.approx(usual[known])


@pytest.mark.parametrize(
    ("y", "expected"),
    [([0.0] * 9 + [10.0], 10**0.5), ([4.0] * 5, np.nan), ([1e9, 1e9], np.nan), ([2.0], np.nan)],
)
def test_auto_where_most_targets_are_equal(y: list[float], expected: float) -> None:
    assert usual_distance(np.reshape(y, (-1, 1)), None) == pytest.approx([expected], nan_ok=True)


def test_slopes_are_of_size_one_for_any_bend() -> None:
    t = np.zeros((1, 1))
    for bend in (1e-3, 0.5, 1.0):
        assert float(bent(bend)(t + 7, t)) == pytest.approx(7 - bend / 2)
    assert float(bent(2.0)(t + 7, t)) == pytest.approx(2 * (7 - 1))


def test_pieces_keep_the_delta_until_the_scale_is_another() -> None:
    net = NetworkRegressor(loss="huber", random_state=0)
    first = net.partial_fit(X[:50], Y[:50]).huber_delta_
    assert net.partial_fit(X[50:100], 1.3 * Y[50:100]).huber_delta_ == first
    assert net.partial_fit(X[100:], 1000 * Y[100:]).huber_delta_ == pytest.approx(
        usual_distance(1000 * Y[100:, None], None)
    )
    whole = usual_distance(1000 * Y[:, None], None)
    assert net.partial_fit(X[:200], 1000 * Y[:200]).huber_delta_ != whole, "not twice as many rows"
    twice = (np.tile(X, (2, 1)), 1000 * np.tile(Y, 2))
    assert net.partial_fit(*twice).huber_delta_ == pytest.approx(whole)
    assert net.set_params(huber_delta=5.0).partial_fit(X, Y).huber_delta_ == 5.0
    assert net.partial_fit(X[:9], Y[:9]).huber_delta_ == 5.0
    net.set_params(huber_delta="auto").partial_fit(X, 1000 * Y)
    assert net.huber_delta_ == pytest.approx(whole), "what was given is forgotten"


def test_pieces_of_one_row_each_take_the_scales_unit() -> None:
    net = NetworkRegressor(loss="huber", random_state=0)
    for row in range(60):
        net.partial_fit(X[row : row + 1], 1000 * Y[row : row + 1])
    assert net.huber_delta_ == net._scaled.scales.targets.unit
    assert 0.5 < net.huber_delta_ / np.std(1000 * Y[:60]) < 2
    assert np.isfinite(net.loss_curve_).all()


def test_targets_that_are_all_equal_are_learnt() -> None:
    net = NetworkRegressor(**WORDS).fit(X, np.full(200, 7.0))
    assert net.huber_delta_ == 1.0
    np.testing.assert_allclose(net.predict(X), 7, atol=0.5)


def test_a_warm_start_from_squares_to_huber_and_back_answers_as_before() -> None:
    y = 1000 * Y
    net = NetworkRegressor(random_state=0, max_iter=40, warm_start=True).fit(X, y)
    before = net.predict(X)
    squares = net.loss_
    net.set_params(loss="huber", huber_delta=250.0, **STILL).fit(X, y)
    np.testing.assert_allclose(net.predict(X), before, rtol=1e-6)
    assert net.loss_ == pytest.approx(by_hand(net, y, 250.0), rel=1e-3)
    net.set_params(loss="squared_error").fit(X, y)
    assert net.loss_ == pytest.approx(squares, rel=0.1)
    assert not hasattr(net, "huber_delta_")


@pytest.mark.filterwarnings("ignore::chainrule.errors.TrainingWarning")
def test_a_warm_start_that_fails_leaves_the_loss_in_the_units_of_y() -> None:
    words = WORDS | {"solver": "sgd", "warm_start": True, "huber_delta": 250.0}
    net = NetworkRegressor(**words).fit(X, 1000 * Y)
    with pytest.raises(ValueError, match="non-finite"), np.errstate(all="ignore"):
        net.set_params(learning_rate_init=1e300, max_iter=9).fit(X, 1000 * Y)
    assert huber_delta(net.nets_[0].loss) == 250.0


def test_pieces_and_restarts_know_their_loss() -> None:
    net = NetworkRegressor(loss="huber", huber_delta=250.0).partial_fit(X, 1000 * Y)
    assert huber_delta(net.nets_[0].loss) == 250.0
    stuck = NetworkRegressor(huber_delta=250.0, n_restarts=1, **WORDS | STILL).fit(X, 1000 * Y)
    (reason,) = [text for text in stuck.history_.tries if text.startswith("start 1 of 2")]
    assert "got stuck: its loss stays at" in reason


def test_without_the_targets_scale_delta_means_the_same() -> None:
    net = NetworkRegressor(scale_target=False, huber_delta=0.5, warm_start=True, **WORDS).fit(X, Y)
    assert net._scaled.scales.targets.is_none
    net.set_params(**STILL).fit(X, Y)
    assert net.loss_ == pytest.approx(by_hand(net, Y, 0.5), rel=1e-3)


def test_a_partial_is_a_loss_with_its_delta() -> None:
    """It holds for networks, too, where rows may have weights."""
    by_option = NetworkRegressor(huber_delta=0.4, **WORDS).fit(X, Y, sample_weight=1 + X[:, 0] ** 2)
    by_partial = NetworkRegressor(**WORDS | {"loss": partial(cr.huber, delta=0.4)})
    by_partial.fit(X, Y, sample_weight=1 + X[:, 0] ** 2)
    np.testing.assert_array_equal(by_partial.predict(X), by_option.predict(X))
    net = cr.Sequential(cr.Dense(1))
    net.fit(X, Y[:, None], loss=partial(cr.huber, delta=0.4), sample_weight=np.ones(200), epochs=1)
    assert huber_delta(net.loss) == 0.4
    with pytest.raises(OptionError, match="huber needs delta > 0, got -1"):
        net.fit(X, Y[:, None], loss=partial(cr.huber, delta=-1), epochs=1)


def test_files_keep_the_delta_and_answer_in_the_units_of_y(tmp_path: Path) -> None:
    y = 1000 * Y
    net = NetworkRegressor(huber_delta=250.0, ensemble=2, **WORDS).fit(X, y)
    for one in net.nets_:
        one.save(tmp_path / "net.safetensors")
        same = cr.load(tmp_path / "net.safetensors")
        np.testing.assert_array_equal(same.predict(X), one.predict(X))
        assert huber_delta(same.loss) == 250.0
        assert same.evaluate(X, y[:, None])["loss"] == one.evaluate(X, y[:, None])["loss"]
    save_python(one, tmp_path / "net.py")
    space: dict[str, Any] = {"__name__": "net", "__file__": str(tmp_path / "net.py")}
    exec((tmp_path / "net.py").read_text(), space)
    np.testing.assert_allclose(space["predict"](X), one.predict(X), rtol=1e-5)
    onnx = pytest.importorskip("onnxruntime", reason="onnxruntime is absent")
    save_onnx(one, tmp_path / "net.onnx")
    session = onnx.InferenceSession(tmp_path / "net.onnx")
    given = {session.get_inputs()[0].name: X}
    np.testing.assert_allclose(session.run(None, given)[0], one.predict(X), rtol=1e-5)


def test_it_is_pickled_cloned_and_searched_over() -> None:
    net = NetworkRegressor(huber_delta=0.4, **WORDS).fit(X, Y)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    assert clone(net).huber_delta == 0.4
    search = GridSearchCV(net, {"huber_delta": ["auto", 0.1, 5.0]}, cv=2, error_score="raise")
    assert search.fit(X, Y).best_estimator_.huber_delta_ > 0


@pytest.mark.parametrize("delta", [0, -1.0, np.inf, np.nan, "aut", True, None])
def test_deltas_that_are_none(delta: Any) -> None:
    with pytest.raises(OptionError, match="huber_delta must be 'auto', or a number above 0, in"):
        NetworkRegressor(loss="huber", huber_delta=delta).fit(X, Y)


def test_a_resumed_training_has_the_delta_that_it_had(tmp_path: Path) -> None:
    def fit(delta: float, **words: Any) -> Any:
        net = cr.Sequential(cr.Dense(1))
        loss = partial(cr.huber, delta=delta)
        return net.fit(X, Y[:, None], loss=loss, seed=0, progress=False, **words)

    fit(0.5, epochs=2, callbacks=cr.Checkpoint(tmp_path))
    assert len(fit(0.5, epochs=3, resume=tmp_path)) == 3
    with pytest.raises(OptionError, match=r"the loss: huber, delta=0\.5 then, huber now"):
        fit(1.0, epochs=4, resume=tmp_path)
    with pytest.raises(OptionError, match=r"delta=0\.5 then, huber, delta=0\.50000001 now"):
        fit(0.50000001, epochs=4, resume=tmp_path)
