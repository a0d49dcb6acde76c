"""Textbook losses at logits where exp overflows: finite, right to rounding, right derivatives.

The judge is mpmath with 50 digits (``oracles/precise.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import precise
import pytest

import chainrule as cr

LABELS = np.array([1, 0, 2, 2])
SHAPES = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -0.5], [-1.0, 1.0, 0.25], [0.5, 0.5, 0.5]])
SCALES = [1.0, 30.0, 1000.0, 1e4]
DTYPES = ["float32", "float64"]
HOW = ["eager", "traced"]

Function = Callable[[Any], Any]


def _exp_over_sum(z: Any) -> Any:
    e = np.exp(z)
    return e / np.sum(e, axis=1, keepdims=True)


def _shifted(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _written_twice(z: Any) -> Any:
    return np.exp(z) / np.sum(np.exp(z), axis=-1, keepdims=True)


def _column_by_reshape(z: Any) -> Any:
    e = np.exp(z - z.max(axis=1).reshape(-1, 1))
    return e / e.sum(axis=1).reshape(-1, 1)


def _column_by_new_axis(z: Any) -> Any:
    e = np.exp(z)
    return e / e.sum(axis=1)[:, None]


def _transposed(z: Any) -> Any:
    z = z.T
    z = z - np.max(z, axis=0)
    y = np.exp(z) / np.sum(np.exp(z), axis=0)
    return y.T


SOFTMAX: dict[str, Function] = {
    "cr.softmax": cr.softmax,
    "e / sum e": _exp_over_sum,
    "shifted": _shifted,
    "exp written twice": _written_twice,
    "column by reshape": _column_by_reshape,
    "column by new axis": _column_by_new_axis,
    "transposed": _transposed,
}


def _hot(p: Any) -> Any:
    return np.eye(3, dtype=p.dtype)[LABELS]


CROSS_ENTROPY: dict[str, Function] = {
    "whole rows": lambda p: -np.sum(_hot(p) * np.log(p)) / len(LABELS),
    "picked, then log": lambda p: -np.mean(np.log(p[np.arange(4), LABELS])),
    "log, then picked": lambda p: -np.mean(np.log(p)[np.arange(4), LABELS]),
    "rows of sums": lambda p: np.mean(-np.sum(_hot(p) * np.log(p), axis=1)),
    "reshaped": lambda p: -np.mean(np.log(p.reshape(-1)[np.arange(4) * 3 + LABELS])),
}


def _ratio(z: Any) -> Any:
    e = np.exp(z)
    return e / (1 + e)


SIGMOID: dict[str, Function] = {
    "cr.sigmoid": cr.sigmoid,
    "1 / (1 + e^-z)": lambda z: 1 / (1 + np.exp(-z)),
    "1.0 / (1.0 + e^-z)": lambda z: 1.0 / (1.0 + np.exp(-z)),
    "NumPy's ones": lambda z: z.dtype.type(1) / (z.dtype.type(1) + np.exp(-z)),
    "e^-z first": lambda z: 1 / (np.exp(-z) + 1),
    "e^z / (1 + e^z)": _ratio,
    "NumPy's functions": lambda z: np.divide(1, np.add(1, np.exp(np.negative(z)))),
}


TARGETS = np.array([0.0, 1.0, 1.0, 0.0, 0.25, 0.5])
LOGITS = np.array([1.0, -1.0, 1.0, -1.0, 0.5, -0.25])


def _picked(p: Any) -> Any:
    t = TARGETS.astype(p.dtype)
    every = np.arange(6)
    return -np.mean(t * np.log(p[every]) + (1 - t) * np.log(1 - p[every]))


def _column(p: Any) -> Any:
    t = TARGETS.astype(p.dtype).reshape(-1, 1)
    p = p.reshape(-1, 1)
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


def _plain(p: Any) -> Any:
    t = TARGETS.astype(p.dtype)
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


def _log1p(p: Any) -> Any:
    t = TARGETS.astype(p.dtype)
    return -np.mean(t * np.log(p) + (1 - t) * np.log1p(-p))


def _log1p_picked(p: Any) -> Any:
    t = TARGETS.astype(p.dtype)
    return -np.mean(t * np.log(p) + (1 - t) * np.log1p(-p.reshape(2, 3)).reshape(6))


def _one_last(p: Any) -> Any:
    t = TARGETS.astype(p.dtype)
    return -np.mean(np.log(p) * t + np.log(-p + 1) * (1 - t))


def _one_first(p: Any) -> Any:
    t = TARGETS.astype(p.dtype)
    return -np.mean(np.log(p) * t + np.log(1 + -p) * (1 - t))


BINARY: dict[str, Function] = {
    "plain": _plain, "picked": _picked, "as a column": _column, "log1p": _log1p,
    "log1p, picked": _log1p_picked, "-p + 1": _one_last, "1 + -p": _one_first,
}  # fmt: skip


def computed(loss: Function, z: Any, how: str) -> tuple[Any, Any, Any]:
    """Value, gradient, and the gradient of a weighed sum of the gradient."""
    weight = np.linspace(-1.0, 1.0, z.size).reshape(z.shape).astype(z.dtype)

    def second(z: Any) -> Any:
        return cr.sum(cr.grad(loss)(z) * weight)

    if how == "eager":
        return (*cr.value_and_grad(loss)(z), cr.grad(second)(z))
    graph = cr.trace(loss, z)
    again = cr.trace(second, z)
    return graph.evaluate(z), graph.backward().evaluate(z), again.backward().evaluate(z)


def _tolerance(dtype: str) -> float:
    return 64 * float(np.finfo(dtype).eps)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("entropy", CROSS_ENTROPY.values(), ids=CROSS_ENTROPY)
@pytest.mark.parametrize("softmax", SOFTMAX.values(), ids=SOFTMAX)
def test_cross_entropy(
    softmax: Function, entropy: Function, scale: float, dtype: str, how: str
) -> None:
    z = (SHAPES * scale).astype(dtype)
    value, g, second = computed(lambda z: entropy(softmax(z)), z, how)
    near = _tolerance(dtype)
    right = precise.cross_entropy(z, LABELS).mean()
    np.testing.assert_allclose(value, right, rtol=near)
    slopes = precise.cross_entropy_gradient(z, LABELS) / len(LABELS)
    np.testing.assert_allclose(g, slopes, rtol=0, atol=near)
    assert value.dtype == g.dtype == dtype
    assert np.all(np.isfinite(second))


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("entropy", BINARY.values(), ids=BINARY)
@pytest.mark.parametrize("sigmoid", SIGMOID.values(), ids=SIGMOID)
def test_binary_cross_entropy(
    sigmoid: Function, entropy: Function, scale: float, dtype: str, how: str
) -> None:
    z = (LOGITS * scale).astype(dtype)
    t = TARGETS.astype(dtype)
    value, g, second = computed(lambda z: entropy(sigmoid(z)), z, how)
    near = _tolerance(dtype)
    np.testing.assert_allclose(value, precise.binary_cross_entropy(z, t).mean(), rtol=near)
    slopes = precise.binary_cross_entropy_gradient(z, t) / 6
    np.testing.assert_allclose(g, slopes, rtol=0, atol=near)
    assert value.dtype == g.dtype == dtype
    assert np.all(np.isfinite(second))


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("scale", SCALES)
def test_the_ops_themselves_in_fifty_digits(scale: float, how: str) -> None:
    z = SHAPES * scale
    ops: dict[Function, list[Any]] = {
        cr.softmax: [precise.softmax(row) for row in z],
        cr.log_softmax: [list(map(float, precise.log_softmax(row))) for row in z],
    }
    for op, right in ops.items():
        found = op(cr.tensor(z)).value if how == "eager" else cr.trace(op, z).evaluate(z)
        # The logarithm of a probability near 1 is near 0, and right to the last bit of a 1.
        near = 1e-300 if op is cr.softmax else 2e-16
        np.testing.assert_allclose(found, right, rtol=1e-12, atol=near)
    direct = cr.softmax_cross_entropy(z, LABELS)
    np.testing.assert_allclose(direct, precise.cross_entropy(z, LABELS), rtol=1e-13, atol=2e-16)
    logits = LOGITS * scale
    binary = cr.sigmoid_cross_entropy(logits, TARGETS)
    np.testing.assert_allclose(
        binary, precise.binary_cross_entropy(logits, TARGETS), rtol=1e-13, atol=1e-300
    )


def test_a_small_probability_keeps_its_digits() -> None:
    """1 - σ(40) is 0 in float64, and its logarithm is -40 all the same."""
    z = np.array(40.0)
    found = np.log(1 - 1 / (1 + np.exp(-cr.tensor(z))))
    np.testing.assert_allclose(found.value, -40.0, rtol=1e-15)


@pytest.mark.parametrize("z", [-1e4, -1000.0, -40.0, 0.0, 40.0, 1000.0, 1e4])
@pytest.mark.parametrize("form", [lambda z: np.log(1 + np.exp(z)), lambda z: np.log1p(np.exp(z))])
def test_log_of_one_plus_exp(z: float, form: Function) -> None:
    value, g = cr.value_and_grad(form)(z)
    np.testing.assert_allclose(value, precise.binary_cross_entropy([z], [0.0])[0], rtol=1e-14)
    np.testing.assert_allclose(g, precise.sigmoid(z), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(("a", "k"), [(None, 1.0), (2.0, 2.0), (-0.75, 0.5)])
@pytest.mark.parametrize("z", [-1e4, -1000.0, -40.0, -0.3, 0.0, 2.0, 1000.0, 1e4])
def test_any_quotient_by_one_plus_exp(z: float, a: float | None, k: float) -> None:
    """z / (1 + e^-z) is silu and 2 / (1 + e^-2z) - 1 is tanh: no NaN in their gradients."""
    value, g = cr.value_and_grad(lambda z: (z if a is None else a) / (1 + np.exp(-k * z)))(z)
    p = float(precise.sigmoid(k * z))
    slope = k * p * float(precise.sigmoid(-k * z))
    np.testing.assert_allclose(value, (z if a is None else a) * p, rtol=1e-13, atol=1e-300)
    wanted = p + z * slope if a is None else a * slope
    np.testing.assert_allclose(g, wanted, rtol=1e-12, atol=1e-15)


def test_log_of_a_sum_of_exps() -> None:
    z = np.array([[1e4, 1e4 - 1.0], [-1e4, -1e4]])
    value, g = cr.value_and_grad(lambda z: cr.sum(np.log(np.sum(np.exp(z), axis=1))))(z)
    np.testing.assert_allclose(value, 1e4 + np.log1p(np.exp(-1.0)) - 1e4 + np.log(2.0), rtol=1e-11)
    np.testing.assert_allclose(g, [precise.softmax(row) for row in z], rtol=1e-12)


def test_one_row_without_an_axis() -> None:
    z = np.array([1e4, 0.0, 1e4])
    for softmax in (
        lambda z: np.exp(z) / np.sum(np.exp(z)),
        lambda z: np.exp(z) / np.exp(z).sum(axis=0),
        lambda z: np.exp(z) / np.exp(z).sum(axis=(0,), keepdims=True),
    ):
        np.testing.assert_array_equal(softmax(cr.tensor(z)).value, [0.5, 0.0, 0.5])


NOT_SOFTMAX: dict[str, Function] = {
    "the wrong axis of a square": lambda z: np.exp(z) / np.sum(np.exp(z), axis=1),
    "the whole array": lambda z: np.exp(z) / np.sum(np.exp(z)),
    "the whole array, kept": lambda z: np.exp(z) / np.sum(np.exp(z), axis=(0, 1), keepdims=True),
    "a row of totals": lambda z: np.exp(z) / np.sum(np.exp(z), axis=1).reshape(1, -1),
    "totals in reverse": lambda z: np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)[::-1],
    "one total": lambda z: np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)[:1],
    "other exponents": lambda z: np.exp(z) / np.sum(np.exp(-z), axis=1, keepdims=True),
    "2 + e^-z": lambda z: 1 / (2 + np.exp(-z)),
    "2 / (1 + e^-z)": lambda z: 2 / (1 + np.exp(-z)),
    "e^z / (1 + e^-z)": lambda z: np.exp(z) / (1 + np.exp(-z)),
    "log(2 - σ)": lambda z: np.log(2 - cr.sigmoid(z)),
    "log(1 + σ)": lambda z: np.log(1 + cr.sigmoid(z)),
    "log(1 - softmax)": lambda z: np.log(1 - cr.softmax(z)),
    "log1p(-softmax)": lambda z: np.log1p(-cr.softmax(z)),
    "log1p(σ)": lambda z: np.log1p(cr.sigmoid(z)),
    "log(2 + -σ)": lambda z: np.log(-cr.sigmoid(z) + 2),
    "log1p(-e^z)": lambda z: np.log1p(-np.exp(z - 2)),
    "log of a product": lambda z: np.log(cr.softmax(z) * 2.0),
    "log of a sum of logs": lambda z: np.log(np.sum(np.square(z), axis=1)),
}


@pytest.mark.parametrize("function", NOT_SOFTMAX.values(), ids=NOT_SOFTMAX)
def test_what_only_looks_like_a_stable_form_is_left_alone(function: Function) -> None:
    z = np.array([[0.3, -0.7, 1.1], [0.9, 0.2, -0.4], [-1.2, 0.5, 0.8]])
    on_arrays = np.asarray(function(z))
    np.testing.assert_allclose(function(cr.tensor(z)).value, on_arrays, rtol=1e-14)
    np.testing.assert_allclose(cr.trace(function, z).evaluate(z), on_arrays, rtol=1e-14)


def test_moves_are_replayed_on_the_logarithm() -> None:
    z = np.array([[0.3, -0.7, 1.1], [0.9, 0.2, -0.4]])
    for move in (
        lambda p: p.T, lambda p: p[1:, ::2], lambda p: p.reshape(-1), lambda p: p[np.array([1, 0])],
        lambda p: p[:, None, 1:].reshape(4).T[::-1], lambda p: cr.broadcast_to(p, (2, 2, 3)),
        lambda p: np.expand_dims(p, 0), lambda p: np.take(p, np.array([2, 0]), axis=1),
    ):  # fmt: skip
        found = np.log(move(cr.softmax(cr.tensor(z))))
        np.testing.assert_allclose(found.value, np.log(move(cr.softmax(z))), rtol=1e-14)
        found = np.log(1 - move(cr.sigmoid(cr.tensor(z))))
        np.testing.assert_allclose(found.value, np.log(1 - move(cr.sigmoid(z))), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("entries", "expected"), [
    ([np.inf, 0.0], np.inf), ([-np.inf, -np.inf], -np.inf), ([-np.inf, 1.0], 1.0),
    ([np.nan, 1.0], np.nan),
])  # fmt: skip
def test_infinite_entries_of_a_log_of_sums_are_what_numpy_has(
    entries: list[float], expected: float, dtype: str
) -> None:
    x = np.array(entries, dtype)
    with np.errstate(all="ignore"):
        recorded = np.log(np.sum(np.exp(cr.tensor(x))))
        assert recorded.op.name == "logsumexp"
        graph = cr.trace(lambda x: cr.logsumexp(x), x)
        found = [recorded.value, graph.compile("numpy")(x), graph.compile("reference")(x)]
    np.testing.assert_array_equal(found, [expected] * 3)
