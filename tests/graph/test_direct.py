"""Eager code computes by the shortest way: the same bits as NumPy's, and as the op's own value."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import chainrule as cr
from chainrule.graph.direct import DIRECT

FLOATS = arrays_of.arrays(
    st.sampled_from(["float32", "float64"]),
    arrays_of.array_shapes(max_dims=3, max_side=5),
    elements=st.floats(-1e3, 1e3, width=32),
)


def same(a: Any, b: Any) -> None:
    a, b = np.asarray(a), np.asarray(b)
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    assert a.tobytes() == b.tobytes()


@given(FLOATS, st.booleans(), st.booleans(), st.data())
def test_reductions_are_numpys(x: Any, turned: bool, keepdims: bool, data: st.DataObject) -> None:
    x = x.T if turned else x
    axis = data.draw(st.none() | st.integers(0, x.ndim - 1) | st.just(tuple(range(x.ndim))))
    for name in ("sum", "max", "min"):
        direct, numpy = getattr(DIRECT, name), getattr(np, name)
        same(direct(x, axis=axis, keepdims=keepdims), numpy(x, axis=axis, keepdims=keepdims))


@given(FLOATS)
def test_arrangements_are_numpys(x: Any) -> None:
    axes = tuple(range(x.ndim))[::-1]
    same(DIRECT.transpose(x, axes), np.transpose(x, axes))
    same(DIRECT.reshape(x.T, (x.size,)), np.reshape(x.T, (x.size,)))
    same(DIRECT.astype(x, np.dtype("float32")), np.astype(x, np.dtype("float32")))
    same(DIRECT.tanh(x), np.tanh(x))


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
@pytest.mark.parametrize("to", [(), (3,), (2, 3), (0,), (2, 1, 2)])
def test_one_number_is_spread_as_numpy_does(shape: tuple[int, ...], to: tuple[int, ...]) -> None:
    x = np.full((2, 2), 7.0)[1:, 1:].reshape(shape)  # a view into something larger
    try:
        expected = np.broadcast_to(x, to)
    except ValueError:
        with pytest.raises(ValueError, match=r"broadcast|dimensions"):
            DIRECT.broadcast_to(x, to)
        return
    spread = DIRECT.broadcast_to(x, to)
    same(spread, expected)
    assert not np.shares_memory(spread, x)


@pytest.mark.parametrize("x", [np.arange(3.0), np.float32([[7.0]]), np.arange(4.0)[:, None, None]])
def test_many_numbers_are_spread_without_a_copy_and_cannot_be_written(x: Any) -> None:
    shape = (4, 300, 3)
    spread = DIRECT.broadcast_to(x, shape)
    same(spread, np.broadcast_to(x, shape))
    assert np.shares_memory(spread, x)
    assert not spread.flags.writeable
    for wrong in ((4, 300, 2), (300,)):
        with pytest.raises(ValueError, match=r"broadcast|dimensions"):
            DIRECT.broadcast_to(np.ones((2, 3)), wrong)


def test_what_numpy_does_not_have_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'tanhh'"):
        _ = DIRECT.tanhh


def test_an_op_is_made_once_for_its_settings() -> None:
    t = cr.tensor(np.ones((2, 3)))
    assert cr.sum(t, 0).op is cr.sum(t, -2).op
    assert cr.sum(t, 0).op is not cr.sum(t, 0, keepdims=True).op
    assert cr.astype(t, "float32").op == cr.astype(t, np.float32).op
    assert t[0].op is t[np.int64(0)].op
    assert t[:1].op is not t[1:].op


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_a_tensor_that_was_computed_can_be_copied(copied: Any) -> None:
    t = cr.exp(cr.sum(cr.tensor([1.0, 2.0]), 0))
    again = copied(t)
    assert (again.op, again.inputs[0].op) == (t.op, t.inputs[0].op)
    again.backward()
    same(again.inputs[0].inputs[0].grad, np.exp([3.0, 3.0]))


def test_public_names_are_looked_up_once() -> None:
    assert cr.tanh is vars(cr)["tanh"]
