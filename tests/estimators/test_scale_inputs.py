"""Columns in their own scale: what units they have does not matter, and what is ordinary stays."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import load_wine
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.estimators.seen import Seen

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RAW, KIND = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(RAW)
ALCOHOL, OTHERS = RAW[:, 0], RAW[:, 1:]
QUICK: dict[str, Any] = {"random_state": 0, "max_iter": 30}


def _pair(solver: str = "adam") -> list[tuple[Any, Any]]:
    """A classifier and a regressor, each with what it is to learn."""
    words = QUICK | {"solver": solver}
    return [(cr.NetworkClassifier(**words), KIND), (cr.NetworkRegressor(**words), ALCOHOL)]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_raw_columns_are_learnt_as_behind_a_scaler(solver: str, which: int) -> None:
    net, y = _pair(solver)[which]
    behind = net.fit(X, y).loss_curve_, net.predict(X)
    raw = net.fit(RAW, y).loss_curve_, net.predict(RAW)
    np.testing.assert_allclose(raw[0], behind[0], rtol=1e-5)
    np.testing.assert_allclose(raw[1], behind[1], rtol=1e-5)


def test_raw_columns_no_longer_hide_the_others() -> None:
    """Proline goes to 1680, and the other columns up to 162."""
    words: dict[str, Any] = {"random_state": 1}
    assert MLPClassifier(**words).fit(RAW, KIND).score(RAW, KIND) < 0.95
    assert cr.NetworkClassifier(**words).fit(RAW, KIND).score(RAW, KIND) == 1.0


@pytest.mark.parametrize("sizes", [(), (5,), (6, 4)])
def test_the_weights_are_those_for_raw_columns(sizes: tuple[int, ...]) -> None:
    net = cr.NetworkRegressor(hidden_layer_sizes=sizes, activation="tanh", **QUICK).fit(RAW, KIND)
    hidden = RAW
    for W, b in zip(net.coefs_[:-1], net.intercepts_[:-1], strict=True):
        hidden = np.tanh(hidden @ W + b)
    by_hand = (hidden @ net.coefs_[-1] + net.intercepts_[-1])[:, 0]
    np.testing.assert_allclose(net.predict(RAW), by_hand, rtol=1e-9)
    np.testing.assert_allclose(net.nets_[0].predict(RAW)[:, 0], by_hand, rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.floats(-20, 20), min_size=13, max_size=13),
    st.lists(st.floats(-1e4, 1e4), min_size=13, max_size=13),
)
def test_units_and_levels_of_columns_do_not_matter(
    powers: list[float], levels: list[float]
) -> None:
    unit = 10.0 ** np.array(powers)
    moved = unit * (X + np.array(levels))
    net = cr.NetworkClassifier(scale_inputs=True, random_state=0, max_iter=10)
    expected = net.fit(X, KIND).predict_proba(X)
    np.testing.assert_allclose(net.fit(moved, KIND).predict_proba(moved), expected, atol=1e-6)


def test_single_precision() -> None:
    net = cr.NetworkClassifier(**QUICK)
    double = net.fit(RAW, KIND).predict_proba(RAW)
    single = net.fit(RAW.astype(np.float32), KIND)
    assert {array.dtype for array in single.coefs_} == {np.dtype(np.float32)}
    np.testing.assert_allclose(single.predict_proba(RAW.astype(np.float32)), double, atol=1e-3)


def test_sparse_rows() -> None:
    thin = RAW * (np.median(RAW, axis=0) < RAW)
    net = cr.NetworkClassifier(**QUICK)
    dense = net.fit(thin, KIND).predict_proba(thin)
    rows = sparse.csr_matrix(thin)
    np.testing.assert_allclose(net.fit(rows, KIND).predict_proba(rows), dense, rtol=1e-9)
    assert net.score(rows, KIND) > 0.85


@pytest.mark.parametrize("level", [0.0, 5.0, -1e5])
def test_a_constant_column_says_nothing(level: float) -> None:
    wider = np.column_stack([RAW, np.full(len(RAW), level)])
    net = cr.NetworkClassifier(**QUICK | {"max_iter": 200}).fit(wider, KIND)
    assert np.isfinite(net.loss_)
    assert net.score(wider, KIND) == 1.0


@pytest.mark.parametrize("size", [1e-300, 1e-170, 1e170, 1e300])
def test_columns_at_the_ends_of_what_numbers_can_be(size: float) -> None:
    """The others are learnt as ever, where that column's squares are 0 or beyond all numbers."""
    with np.errstate(over="ignore"):
        scale = Seen.of(np.column_stack([X[:, 0] * size, RAW[:, 1:]]), None).scale
    assert np.isfinite(scale.mean).all()
    assert np.isfinite(scale.unit).all()
    np.testing.assert_allclose(scale.unit[1:], RAW[:, 1:].std(axis=0))


def test_fair_pieces_keep_the_scale_of_the_first() -> None:
    steps = cr.NetworkClassifier(random_state=0, batch_size=178)
    for _ in range(30):
        steps.partial_fit(RAW, KIND, classes=[0, 1, 2])
    whole = cr.NetworkClassifier(batch_size=178, **QUICK).fit(RAW, KIND)
    np.testing.assert_allclose(steps.predict_proba(RAW), whole.predict_proba(RAW), atol=1e-6)
    first = steps._scaled.scales
    again = pickle.loads(pickle.dumps(steps)).partial_fit(RAW[::3], KIND[::3])
    np.testing.assert_array_equal(again._scaled.scales.inputs.mean, first.inputs.mean)


def test_a_warm_start_goes_on_in_its_scale() -> None:
    net = cr.NetworkClassifier(warm_start=True, batch_size=178, **QUICK)
    before = net.fit(RAW, KIND).loss_
    assert net.fit(RAW, KIND).loss_ < before
    assert len(net.loss_curve_) == 60
    steady = net.set_params(learning_rate_init=1e-12, max_iter=1)
    shares = net.predict_proba(RAW)
    np.testing.assert_allclose(steady.fit(RAW, KIND).predict_proba(RAW), shares, atol=1e-6)


def test_validation_rows_are_scaled_as_the_others() -> None:
    net = cr.NetworkClassifier(**QUICK)
    net.fit(RAW[::2], KIND[::2], validation_data=(RAW[1::2], KIND[1::2]))
    assert net.validation_scores_[-1] == pytest.approx(net.score(RAW[1::2], KIND[1::2]))
    early = cr.NetworkRegressor(early_stopping=True, **QUICK | {"max_iter": 200})
    early.fit(OTHERS[::2], ALCOHOL[::2], validation_data=(OTHERS[1::2], ALCOHOL[1::2]))
    found = early.score(OTHERS[1::2], ALCOHOL[1::2])
    assert found == pytest.approx(early.best_validation_score_)


@pytest.mark.parametrize("weight", [0.0, -1.0, [1.0, -1.0] * 89])
def test_weights_that_cannot_be_are_refused_as_ever(weight: Any) -> None:
    message = "weights must be finite|at least one non-zero"
    with pytest.raises(ValueError, match=message):
        cr.NetworkClassifier().fit(RAW, KIND, np.broadcast_to(weight, 178))


@pytest.mark.parametrize("which", [0, 1])
def test_a_weight_is_so_many_rows_of_a_column_too(which: int) -> None:
    net, y = _pair()[which]
    weight = np.arange(len(RAW)) % 3
    wild = np.where(weight[:, None] > 0, RAW, 1e9)
    weighted = net.set_params(batch_size=178).fit(wild, y, sample_weight=weight).predict(RAW)
    rows = np.repeat(np.arange(len(RAW)), weight)
    repeated = net.set_params(batch_size=len(rows)).fit(RAW[rows], y[rows]).predict(RAW)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-6)


def test_weights_of_classes_move_no_column() -> None:
    net = cr.NetworkClassifier(class_weight={0: 50}, **QUICK).fit(RAW, KIND)
    np.testing.assert_allclose(net._scaled.scales.inputs.mean, RAW.mean(axis=0))
    np.testing.assert_allclose(net._scaled.scales.inputs.unit, RAW.std(axis=0))


ORDINARY = {
    "standardised": X,
    "between 0 and 1": (RAW - RAW.min(axis=0)) / np.ptp(RAW, axis=0),
    "0 and 1": np.eye(3)[KIND],
    "with a column of zeros": np.column_stack([X, np.zeros(len(X))]),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_columns_of_ordinary_size_stay_as_they_are(name: str) -> None:
    x = ORDINARY[name]
    assert Seen.of(x, None).is_ordinary
    auto, never = (
        cr.NetworkClassifier(scale_inputs=wanted, **QUICK).fit(x, KIND)
        for wanted in ("auto", False)
    )
    np.testing.assert_array_equal(auto.coefs_[0], never.coefs_[0])


@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_one_column_of_another_size_is_enough(factor: float) -> None:
    x = np.column_stack([X[:, 1:], factor * X[:, 0]])
    assert not Seen.of(x, None).is_ordinary
    auto, always = (
        cr.NetworkClassifier(scale_inputs=wanted, **QUICK).fit(x, KIND) for wanted in ("auto", True)
    )
    np.testing.assert_array_equal(auto.coefs_[0], always.coefs_[0])


def test_what_is_standardised_needs_no_scale_however_far_its_rows_lie() -> None:
    far = StandardScaler().fit_transform(np.exp(3 * X))
    assert np.abs(far).max() > 12
    assert Seen.of(far, None).is_ordinary
    some = far[::3]
    assert Seen.of(some, None).is_ordinary
    other = far + 1
    assert not Seen.of(other, None).is_ordinary


def test_layers_that_cannot_take_a_scale_get_none() -> None:
    first = [cr.LayerNorm(), cr.Dense(4)]
    whole = cr.Sequential(cr.Dense(4, "relu"), cr.Dense(3, "softmax"))
    for layers in (first, whole):
        net = cr.NetworkClassifier(layers=layers, **QUICK).fit(RAW, KIND)
        assert net._scaled.scales.inputs.is_none
        refused = cr.NetworkClassifier(layers=layers, scale_inputs=True)
        with pytest.raises(cr.errors.OptionError, match="folds the columns' scale into a first"):
            refused.fit(RAW, KIND)
    net = cr.NetworkClassifier(layers=[cr.Dense(8, "tanh")], **QUICK).fit(RAW, KIND)
    assert not net._scaled.scales.inputs.is_none


def test_columns_far_from_zero_for_their_spread_are_shifted() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 4))
    labels = (rows[:, 0] * rows[:, 1] > 0).astype(int)
    near = 0.996 + 0.003 * rows
    assert not Seen.of(near, None).is_ordinary
    net = cr.NetworkClassifier(random_state=0)
    assert net.fit(near, labels).score(near, labels) > 0.95
