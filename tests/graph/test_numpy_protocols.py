"""Plain NumPy code on Tensors: the same numbers as on arrays, eager and traced, and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from steps import central

import chainrule as cr

RNG = np.random.default_rng(7)
X = RNG.uniform(0.3, 2.0, (4, 3))
W = RNG.standard_normal((3, 5))
B = RNG.standard_normal(5)
ROWS = np.array([0, 3, 3, 1])
COLUMNS = np.array([2, 0, 0, 1])

Code = Callable[[Any, Any, Any], Any]

CODE: dict[str, Code] = {
    # functions
    "np.exp": lambda x, w, b: np.exp(x),
    "np.expm1, np.log1p": lambda x, w, b: np.log1p(x) * np.expm1(x),
    "np.log": lambda x, w, b: np.log(x),
    "np.sqrt": lambda x, w, b: np.sqrt(x),
    "np.sin, np.cos, np.tanh": lambda x, w, b: np.sin(w) * np.cos(w) + np.tanh(w),
    "np.abs, np.negative, np.sign": lambda x, w, b: np.abs(w) + np.negative(w) * np.sign(w),
    "np.square": lambda x, w, b: np.square(w),
    "np.power": lambda x, w, b: np.power(x, 3) + np.power(x, 0.5) + np.power(2.0, w[0, 0]),
    "np.power of arrays": lambda x, w, b: np.power(x, x),
    "np.add, np.subtract": lambda x, w, b: np.add(w, b) - np.subtract(1, w),
    "np.multiply, np.divide": lambda x, w, b: np.divide(np.multiply(w, b), 3),
    "np.true_divide": lambda x, w, b: np.true_divide(1.0, x),
    "np.maximum, np.minimum": lambda x, w, b: np.maximum(0, w) + np.minimum(w, b),
    "np.clip": lambda x, w, b: np.clip(w, -0.5, 0.5),
    "np.clip, by name": lambda x, w, b: np.clip(w, a_min=-0.5, a_max=None) + w.clip(-1, 1),
    "np.shape, np.ndim, np.size": (
        lambda x, w, b: (x @ w + b) / np.shape(x)[0] ** np.ndim(w) * np.size(b) / np.size(w, -1)
    ),
    "np.expand_dims at two places": lambda x, w, b: np.expand_dims(w, (0, -1)) * b[:, None],
    "np.concatenate of all": lambda x, w, b: np.concatenate([x, w * w], axis=None),
    "np.where": lambda x, w, b: np.where(w > 0, w, 0.01 * w),
    "np.where over arrays": lambda x, w, b: np.where(W > 0, b, w),
    # products
    "np.dot": lambda x, w, b: np.dot(x, w) + b,
    "np.matmul": lambda x, w, b: np.matmul(x, w) + b,
    "np.outer": lambda x, w, b: np.outer(x[:, 0], b),
    "vector dot vector": lambda x, w, b: np.dot(w[0], b),
    "number dot vector": lambda x, w, b: np.dot(2.0, b),
    "@": lambda x, w, b: x @ w + b,
    "array @": lambda x, w, b: X @ w,
    "@ array": lambda x, w, b: x @ W,
    "w.T @ x": lambda x, w, b: w.T @ x.T,
    ".dot": lambda x, w, b: x.dot(w),
    # arithmetic
    "array +": lambda x, w, b: W + w,
    "array - * /": lambda x, w, b: (W - w) * (W * w) / (B / (2 + w**2)),
    "number + - * / **": lambda x, w, b: 1 + (2 - w) * 3 / 4 + 2**w,
    "+ - * / ** number": lambda x, w, b: ((w + 1 - 2) * 3 / 4) ** 2,
    "NumPy number": lambda x, w, b: np.float64(2.0) * w + w / np.float64(3.0),
    "-x, +x, abs": lambda x, w, b: -w + +w + abs(w),
    "broadcasting": lambda x, w, b: x[:, :, None] * w[None] + b,
    "sigmoid": lambda x, w, b: 1 / (1 + np.exp(-(x @ w + b))),
    "softmax": lambda x, w, b: np.exp(w) / np.sum(np.exp(w), axis=1, keepdims=True),
    # reductions
    "np.sum": lambda x, w, b: np.sum(w),
    "np.sum, axis": lambda x, w, b: np.sum(w, axis=0) * np.sum(w, axis=(0, 1)),
    "np.sum, keepdims": lambda x, w, b: np.sum(w, axis=1, keepdims=True),
    "np.sum, axis=-1": lambda x, w, b: np.sum(w, axis=-1),
    "np.add.reduce": lambda x, w, b: np.add.reduce(w),
    "np.mean": lambda x, w, b: np.mean(w) + np.mean(w, axis=0),
    "np.var": lambda x, w, b: np.var(w, axis=0),
    "np.std": lambda x, w, b: (w - np.mean(w, axis=0)) / np.std(w, axis=0),
    "np.max, np.min": lambda x, w, b: np.max(w, axis=1) - np.min(w),
    "np.amax, np.amin": lambda x, w, b: np.amax(w, axis=0) + np.amin(w),
    "methods": lambda x, w, b: w.sum() + w.mean(0) + w.max(axis=0) - w.min(0) + w.std() + w.var(0),
    ".sum(axis=0)": lambda x, w, b: w.sum(axis=0),
    ".sum(keepdims)": lambda x, w, b: w.sum(axis=1, keepdims=True) * w,
    ".mean()": lambda x, w, b: ((w - 1) ** 2).mean(),
    # shapes
    ".T": lambda x, w, b: w.T,
    ".mT": lambda x, w, b: (w * b[:, None, None]).mT,
    ".reshape": lambda x, w, b: w.reshape(5, 3) + w.reshape((5, -1)),
    "np.reshape": lambda x, w, b: np.reshape(w, (1, 15)),
    "np.transpose": lambda x, w, b: np.transpose(w) + np.transpose(w, (1, 0)) + w.transpose(1, 0),
    "np.swapaxes": lambda x, w, b: np.swapaxes(w, 0, 1) + w.transpose(),
    "np.ravel": lambda x, w, b: np.ravel(w) + w.flatten() + w.ravel(),
    "np.expand_dims, np.squeeze": lambda x, w, b: np.squeeze(np.expand_dims(b, 0), 0) * b,
    "np.concatenate": lambda x, w, b: np.concatenate([w, x @ w, b[None]], axis=0),
    "np.concatenate with an array": lambda x, w, b: np.concatenate((x, np.ones((4, 1))), axis=1),
    "np.stack": lambda x, w, b: np.stack([b, w[0], w[1]], axis=1),
    "np.broadcast_to": lambda x, w, b: np.broadcast_to(b, (3, 5)) * w,
    "indexing": lambda x, w, b: w[1:, ::2] + w[0, 0] + w[-1, None, :1],
    "rows and columns": lambda x, w, b: x[ROWS, COLUMNS],
    "np.take": lambda x, w, b: np.take(x, COLUMNS, axis=1) + np.take(x, 5),
    "a mask": lambda x, w, b: w[W > 0],
    "iteration": lambda x, w, b: sum(row for row in w),
    # comparisons give booleans, which count as 0 and 1
    "comparisons": lambda x, w, b: (w > 0) * w + (w <= b) * 2.0,
    "more comparisons": lambda x, w, b: (w >= 0) * 1.0 + (w > 0) * w + (w == W) * 1.0 + (w != b),
    "& | ~": lambda x, w, b: (((w > 0) & (w < 1)) | ~(w > -1)) * w,
    "np.logical": lambda x, w, b: np.logical_and(w > 0, np.logical_not(w > 1)) * w,
    "np.greater": lambda x, w, b: np.greater(w, 0) * w + np.equal(w, W),
    "relu by mask": lambda x, w, b: w * (w > 0),
}

every = pytest.mark.parametrize("code", CODE.values(), ids=CODE)


@every
def test_values_eager(code: Code) -> None:
    on_arrays = code(X, W, B)
    on_tensors = code(cr.tensor(X), cr.tensor(W), cr.tensor(B))
    assert isinstance(on_tensors, cr.Tensor)
    np.testing.assert_allclose(on_tensors.value, on_arrays, rtol=1e-14, atol=1e-15)
    assert on_tensors.shape == np.shape(on_arrays)
    assert on_tensors.dtype == np.asarray(on_arrays).dtype


@every
def test_values_traced(code: Code) -> None:
    graph = cr.trace(code, X, W, B)
    graph.verify()
    found = graph.evaluate(X, W, B)
    np.testing.assert_allclose(found, code(X, W, B), rtol=1e-14, atol=1e-15)
    # Recorded from shapes alone, the graph must hold for other numbers as well.
    x, w, b = X[::-1] + 0.1, W[::-1] * 1.5, B[::-1]
    constants = {"array +", "array - * /", "np.where over arrays", "a mask", "more comparisons"}
    if not any(CODE[name] is code for name in constants):
        np.testing.assert_allclose(graph.evaluate(x, w, b), code(x, w, b), rtol=1e-13, atol=1e-14)


@every
def test_float32_stays_float32(code: Code) -> None:
    on_tensors = code(*[cr.tensor(a.astype(np.float32)) for a in (X, W, B)])
    on_arrays = code(*[a.astype(np.float32) for a in (X, W, B)])
    # np.dot promotes a Python number that every other function leaves weak.
    promoted = np.float32 if code is CODE["number dot vector"] else np.asarray(on_arrays).dtype
    assert on_tensors.dtype == promoted
    np.testing.assert_allclose(on_tensors.value, on_arrays, rtol=2e-5, atol=2e-6)


@every
def test_gradients(code: Code) -> None:
    rng = np.random.default_rng(8)
    v = rng.standard_normal(np.shape(code(X, W, B)))

    def weighed(x: Any, w: Any, b: Any) -> Any:
        return cr.sum(v * code(x, w, b))

    for place, g in enumerate(cr.grad(weighed, (0, 1, 2))(X, W, B)):
        u = rng.standard_normal(g.shape)
        by_steps = central(code, [X, W, B], place, u, v)
        np.testing.assert_allclose(np.sum(g * u), by_steps, rtol=1e-8, atol=1e-8)


def test_functions_without_tensors_compute_arrays() -> None:
    found = cr.softmax(X @ W)
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found.sum(1), np.ones(4))


def test_argmax_speaks_numpy() -> None:
    for axis in (None, 0, 1, -1):
        expected = np.argmax(W, axis=axis)
        np.testing.assert_array_equal(np.argmax(cr.tensor(W), axis=axis).value, expected)
        np.testing.assert_array_equal(cr.tensor(W).argmax(axis).value, expected)


def test_a_tensor_answers_as_an_array_does() -> None:
    t = cr.tensor(W)
    assert (t.shape, t.ndim, t.size, len(t), t.dtype) == (W.shape, 2, 15, 3, W.dtype)
    assert float(cr.tensor([2.5])) == 2.5
    assert int(cr.tensor(3)) == 3
    assert [1, 2, 3][cr.tensor(1)] == 2
    assert cr.tensor(2.5).item() == 2.5
    assert bool(cr.tensor(1.0) > 0)
    assert t.copy().value is not None
    assert t.astype("float32").dtype == np.float32
    assert hash(t) == hash(t)
    with pytest.raises(TypeError, match="a Tensor without axes has no length"):
        len(cr.tensor(1.0))


def test_an_array_given_is_copied() -> None:
    given = np.ones(3)
    t = cr.tensor(given)
    given[0] = 9.0
    np.testing.assert_array_equal(t.value, np.ones(3))


@pytest.mark.parametrize(
    ("data", "dtype"),
    [(1, "int64"), (1.0, "float64"), ([1, 2.0], "float64"), (True, "bool"),
     (np.float32(1), "float32"), (np.array([1], np.int8), "int8")],
)  # fmt: skip
def test_dtypes_of_what_is_given(data: Any, dtype: str) -> None:
    assert cr.tensor(data).dtype == dtype
    assert cr.tensor(data, dtype="float32").dtype == np.float32
    assert cr.tensor(cr.tensor(data)).dtype == dtype
