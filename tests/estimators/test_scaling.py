"""Scales that change while a training goes on: the network answers as it did, and learns better."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_wine

import chainrule as cr
from chainrule.estimators.scale import Move, Scale, Scales
from chainrule.estimators.scaling import renewed
from chainrule.estimators.seen import Seen
from chainrule.nn.losses import Loss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RAW, KIND = load_wine(return_X_y=True)
ORDER = np.random.default_rng(3).permutation(len(RAW))
RAW, KIND = RAW[ORDER], KIND[ORDER]
ALCOHOL, OTHERS = RAW[:, 0], RAW[:, 1:]
#: A step that is none.
STILL: dict[str, Any] = {"learning_rate_init": 1e-12, "max_iter": 1}


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_pieces_are_seen_as_one(first: int, second: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = rng.normal(3, 10, size=(first + second, 3)), rng.uniform(0.1, 2, first + second)
    x[:first, 0] = 5
    both = Seen.of(x[first:], w[first:]).after(Seen.of(x[:first], w[:first]))
    whole = Seen.of(x, w)
    for name in ("rows", "mean", "variance", "least", "most"):
        np.testing.assert_allclose(getattr(both, name), getattr(whole, name), atol=1e-10)


def test_only_columns_whose_scale_is_wrong_get_a_new_one() -> None:
    old = Scale(np.array([0.0, 10, 100, -5]), np.array([1.0, 2, 30, 4]))
    new = Scale(np.array([0.4, 11.5, 101, -5]), np.array([1.9, 2, 10, 8.5]))
    mixed = renewed(old, new)
    np.testing.assert_array_equal(mixed.mean, [0, 11.5, 101, -5])
    np.testing.assert_array_equal(mixed.unit, [1, 2, 10, 8.5])
    assert renewed(old, Scale(old.mean + 0.1, old.unit)) is old
    assert renewed(Scale(), old) is old
    assert renewed(old, Scale()).is_none


@pytest.mark.parametrize("layers", [(), (6,), (6, 4)])
def test_a_column_of_other_units_changes_no_answer(layers: tuple[int, ...]) -> None:
    net = cr.NetworkRegressor(hidden_layer_sizes=layers, random_state=0)
    for _ in range(20):
        net.partial_fit(OTHERS[:50], ALCOHOL[:50])
    before, scales = net.predict(RAW[:, 1:]), net._scaled.scales
    net.set_params(**STILL).partial_fit(30 * OTHERS[50:], 30 * ALCOHOL[50:])
    assert (net._scaled.scales.inputs.unit > 3 * scales.inputs.unit).all()
    assert net._scaled.scales.targets.unit > 3 * scales.targets.unit
    np.testing.assert_allclose(net.predict(OTHERS), before, rtol=1e-8)


def test_what_never_varied_keeps_its_answer_and_the_weights_of_training() -> None:
    net = cr.NetworkRegressor(hidden_layer_sizes=(5,), scale_inputs=False, random_state=0)
    net.fit(OTHERS, ALCOHOL)
    inputs = Scale(np.full(12, 3.0), np.ones(12))
    wider = Scale(np.full(12, 50.0), np.full(12, 80.0))
    was, now = Scales(inputs, Scale(np.array([7.0]), 1.0)), Scales(wider, Scale(np.zeros(1), 9.0))
    row = np.full((1, 12), 3.0)
    with was.shrunk(net.nets_[0]):
        expected = {name: array.copy() for name, array in net.nets_[0].parameters.items()}
    before = net.nets_[0].predict(row)
    Move(was, now, np.ones(12, bool)).apply(net.nets_[0])
    np.testing.assert_allclose(net.nets_[0].predict(row), before, rtol=1e-6)
    Move(was, now, targets=True).apply(net.nets_[0])
    with now.shrunk(net.nets_[0]):
        for name in ("W1", "W2", "b2"):
            np.testing.assert_allclose(net.nets_[0].parameters[name], expected[name], rtol=1e-5)


@pytest.mark.parametrize("first", [1, 3])
def test_a_tiny_first_piece_spoils_nothing(first: int) -> None:
    pieces = [slice(0, first), slice(first, 90), slice(90, None)]
    net = cr.NetworkClassifier(random_state=0, learning_rate_init=0.01)
    numbers = cr.NetworkRegressor(random_state=0, learning_rate_init=0.01)
    for _ in range(25):
        for piece in pieces:
            net.partial_fit(RAW[piece], KIND[piece], classes=[0, 1, 2])
            numbers.partial_fit(OTHERS[piece], 1000 * ALCOHOL[piece])
    assert net.score(RAW, KIND) > 0.98
    assert numbers.score(OTHERS, 1000 * ALCOHOL) > 0.7


def test_pieces_sorted_by_a_column_are_learnt() -> None:
    parts = np.array_split(np.argsort(-RAW[:, 12]), 4)
    net = cr.NetworkClassifier(random_state=0, learning_rate_init=0.01)
    for _ in range(25):
        for part in parts:
            net.partial_fit(RAW[part], KIND[part], classes=[0, 1, 2])
    assert net.score(RAW, KIND) > 0.98


def test_the_memory_is_kept_where_it_holds() -> None:
    net = cr.NetworkClassifier((4,), random_state=0).partial_fit(
        RAW[:60], KIND[:60], classes=range(3)
    )
    pieces = net._members[0].pieces
    assert net.partial_fit(RAW[60:], KIND[60:])._members[0].pieces is pieces
    assert net.partial_fit(100 * RAW, KIND)._members[0].pieces is not pieces


def test_what_was_seen_is_kept_in_a_file() -> None:
    net = cr.NetworkClassifier((4,), random_state=0).partial_fit(
        RAW[:9], KIND[:9], classes=range(3)
    )
    other = pickle.loads(pickle.dumps(net)).partial_fit(RAW[9:], KIND[9:])
    net.partial_fit(RAW[9:], KIND[9:])
    np.testing.assert_array_equal(net.coefs_[0], other.coefs_[0])
    np.testing.assert_allclose(net._scaled.columns.mean, RAW.mean(axis=0))


@pytest.mark.parametrize(("was", "now"), [("auto", False), (False, "auto"), (False, True)])
def test_a_warm_start_takes_another_scale_and_answers_as_before(was: Any, now: Any) -> None:
    net = cr.NetworkClassifier(
        (8,), scale_inputs=was, warm_start=True, random_state=0, max_iter=30
    ).fit(RAW, KIND)
    before = net.predict_proba(RAW)
    net.set_params(scale_inputs=now, **STILL).fit(RAW, KIND)
    assert net._scaled.scales.inputs.is_none == (now is False)
    np.testing.assert_allclose(net.predict_proba(RAW), before, rtol=1e-6, atol=1e-9)


QUARTIC = Loss("quartic", lambda p, t: (p - t) ** 4)


@pytest.mark.parametrize("other", [{"scale_target": False}, {"loss": QUARTIC}])
def test_a_warm_start_tells_losses_in_the_same_unit(other: dict[str, Any]) -> None:
    net = cr.NetworkRegressor(hidden_layer_sizes=(8,), warm_start=True, random_state=0, max_iter=30)
    y = 1000 * ALCOHOL
    net.fit(OTHERS, y)
    before, losses = net.predict(OTHERS), net.loss_curve_
    net.set_params(**STILL, **other).fit(OTHERS, y)
    assert net._scaled.scales.targets.is_none
    np.testing.assert_allclose(net.predict(OTHERS), before, rtol=1e-9)
    np.testing.assert_allclose(net.loss_curve_[:30], losses)
    if other.get("loss") is None:
        assert net.loss_ == pytest.approx(losses[-1], rel=0.1)


def test_a_piece_that_fails_leaves_losses_in_their_unit() -> None:
    net = cr.NetworkRegressor(solver="sgd", batch_size=9, random_state=0)
    net.partial_fit(OTHERS, ALCOHOL)
    losses = net.loss_curve_
    with pytest.raises(ValueError, match="non-finite"), np.errstate(all="ignore"):
        net.set_params(learning_rate_init=1e30).partial_fit(OTHERS, 1000 * ALCOHOL)
    told = net._scaled.scales.losses(net._members[0].record.losses)
    np.testing.assert_allclose(told, losses)
