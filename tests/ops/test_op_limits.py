"""Kinks, ties, zeros and huge inputs: what the documentation states, number by number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch_opinion import ORACLES

import chainrule as cr

INF, NAN = np.inf, np.nan

# --- kinks, ties and zeros: function, place, its gradient with respect to each argument -------

STATED: list[tuple[str, Callable[..., Any], list[Any], list[Any]]] = [
    ("relu at 0", cr.relu, [0.0], [0.0]),
    ("leaky_relu at 0", lambda x: cr.leaky_relu(x, 0.3), [0.0], [0.3]),
    ("elu at 0", lambda x: cr.elu(x, 0.5), [0.0], [0.5]),
    ("abs at 0", cr.abs, [0.0], [0.0]),
    ("sign at 0", cr.sign, [0.0], [0.0]),
    ("sign elsewhere", cr.sign, [-3.0], [0.0]),
    ("maximum at a tie", cr.maximum, [2.0, 2.0], [0.5, 0.5]),
    ("minimum at a tie", cr.minimum, [2.0, 2.0], [0.5, 0.5]),
    ("maximum of -0 and 0", cr.maximum, [-0.0, 0.0], [0.5, 0.5]),
    ("max of ties", cr.max, [[3.0, 1.0, 3.0]], [[0.5, 0.0, 0.5]]),
    ("max of three ties", cr.max, [[2.0, 2.0, 2.0]], [[1 / 3, 1 / 3, 1 / 3]]),
    ("min of ties", cr.min, [[3.0, 1.0, 1.0]], [[0.0, 0.5, 0.5]]),
    ("max along an axis", lambda x: cr.sum(cr.max(x, 1)), [[[1.0, 1.0], [0.0, 2.0]]],
     [[[0.5, 0.5], [0.0, 1.0]]]),
    ("clip at low", lambda x: cr.clip(x, -1.0, 1.0), [-1.0], [1.0]),
    ("clip at high", lambda x: cr.clip(x, -1.0, 1.0), [1.0], [1.0]),
    ("clip beyond", lambda x: cr.clip(x, -1.0, 1.0), [1.5], [0.0]),
    ("clip from below alone", lambda x: cr.clip(x, low=0.0), [-2.0], [0.0]),
    ("x ** 0 at 0", lambda x: x**0, [0.0], [0.0]),
    ("x ** 0.0 at 0", lambda x: x**0.0, [0.0], [0.0]),
    ("x ** 1 at 0", lambda x: x**1, [0.0], [1.0]),
    ("x ** 2 at 0", lambda x: x**2, [0.0], [0.0]),
    ("x ** 3 at -2", lambda x: x**3, [-2.0], [12.0]),
    ("x ** -1 at 2", lambda x: x**-1, [2.0], [-0.25]),
    ("a ** b at a = 0, b = 2", cr.power, [0.0, 2.0], [0.0, 0.0]),
    ("a ** b at a = 0, b = 0", cr.power, [0.0, 0.0], [0.0, 0.0]),
    ("a ** b at b = 0", cr.power, [3.0, 0.0], [0.0, np.log(3.0)]),
    ("2 ** b", lambda b: 2**b, [3.0], [8 * np.log(2.0)]),
    ("where takes one side", lambda x: cr.where(x > 0, x * 3.0, x * 5.0), [-1.0], [5.0]),
    ("taken twice", lambda x: cr.sum(x[np.array([0, 0, -1])] * np.array([1.0, 2.0, 4.0])),
     [[7.0, 8.0, 9.0]], [[3.0, 0.0, 4.0]]),
    ("var of equals", cr.var, [[2.0, 2.0]], [[0.0, 0.0]]),
    ("sqrt at 4", cr.sqrt, [4.0], [0.25]),
    ("log of a tiny number", cr.log, [1e-300], [1e300]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "at", "expected"), [row[1:] for row in STATED], ids=[row[0] for row in STATED]
)
@pytest.mark.parametrize("how", ["recorded", "backward", "traced"])
def test_stated_derivative(
    function: Callable[..., Any], at: list[Any], expected: list[Any], how: str
) -> None:
    places = tuple(range(len(at)))
    if how == "recorded":
        found = cr.grad(function, places)(*map(np.asarray, at))
    elif how == "backward":
        leaves = [cr.tensor(x) for x in at]
        function(*leaves).backward()
        found = tuple(leaf.grad for leaf in leaves)
    else:
        graph = cr.trace(lambda *x: function(*x), *map(np.asarray, at))
        found = graph.backward().evaluate(*map(np.asarray, at))
        found = found if isinstance(found, tuple) else (found,)
    for g, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(g, right, rtol=1e-15)


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_where_a_derivative_is_infinite_it_says_so() -> None:
    """As NumPy does: with a warning where numbers are computed as they are recorded."""
    assert cr.sqrt(np.array(0.0)) == 0.0
    assert cr.grad(cr.sqrt)(0.0) == INF
    assert cr.log(np.array(0.0)) == -INF
    assert cr.grad(cr.log)(0.0) == INF
    assert np.isnan(cr.log(np.array(-1.0)))
    assert cr.grad(lambda x: x**0.5)(0.0) == INF
    assert np.isnan(cr.grad(cr.power, 1)(-2.0, 2.0))


def test_log_of_zero_warns_as_numpy_does() -> None:
    with pytest.raises(RuntimeWarning, match="divide by zero"):
        cr.log(cr.tensor(0.0))


# --- huge inputs: every warning is an error, by pytest's configuration ------------------------

EXTREMES: dict[str, list[float]] = {
    "float32": [0.0, 1e-45, 1e-30, 16.0, 50.0, 88.0, 89.0, 104.0, 1e3, 1e4, 1e30, 3.4e38],
    "float64": [0.0, 5e-324, 1e-300, 36.0, 50.0, 709.0, 710.0, 745.0, 1e3, 1e4, 1e30, 1.79e308],
}
ACTIVATIONS = ["tanh", "sigmoid", "softplus", "relu", "leaky_relu", "elu", "silu", "gelu"]
LIMITS: dict[str, tuple[float, float, float, float]] = {
    # the value and the slope far to the left, then far to the right; x itself is 1, so NaN: x
    "tanh": (-1.0, 0.0, 1.0, 0.0),
    "sigmoid": (0.0, 0.0, 1.0, 0.0),
    "softplus": (0.0, 0.0, NAN, 1.0),
    "relu": (0.0, 0.0, NAN, 1.0),
    "leaky_relu": (NAN, 0.01, NAN, 1.0),
    "elu": (-1.0, 0.0, NAN, 1.0),
    "silu": (0.0, 0.0, NAN, 1.0),
    "gelu": (0.0, 0.0, NAN, 1.0),
}


def extremes(dtype: str) -> Any:
    return np.array([sign * x for x in EXTREMES[dtype] for sign in (1.0, -1.0)], dtype)


@pytest.mark.parametrize("dtype", EXTREMES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_finite_everywhere(name: str, dtype: str) -> None:
    x = extremes(dtype)
    small = np.dtype(dtype).type(1e-3)  # so that the total of huge values stays in range
    function = getattr(cr, name)

    def total(t: Any) -> Any:
        return cr.sum(function(t) * small)

    y, g = function(x), cr.grad(total)(x)
    second = cr.grad(lambda t: cr.sum(cr.grad(total)(t)))(x)
    leaf = cr.tensor(x)
    function(leaf).backward(np.full_like(x, small))
    traced = cr.trace(total, x).backward().evaluate(x)
    for array in (y, g, second, leaf.grad, traced):
        assert np.all(np.isfinite(array))
        assert array.dtype == dtype
    np.testing.assert_array_equal(leaf.grad, g)
    np.testing.assert_allclose(traced, g, rtol=1e-6)


@pytest.mark.parametrize("dtype", EXTREMES)
@pytest.mark.parametrize("size", [1000.0, 1e4, 1e30])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_reach_their_limits(name: str, dtype: str, size: float) -> None:
    x = np.array([-size, size], dtype)
    low, low_slope, high, high_slope = LIMITS[name]
    expected = [x[0] * np.dtype(dtype).type(0.01) if np.isnan(low) else low,
                x[1] if np.isnan(high) else high]  # fmt: skip
    y = getattr(cr, name)(x)
    np.testing.assert_allclose(y, np.array(expected, dtype), rtol=1e-7)
    g = cr.grad(lambda t: cr.sum(getattr(cr, name)(t)))(x)
    np.testing.assert_allclose(g, np.array([low_slope, high_slope], dtype), rtol=1e-6)


def test_limits_in_exact_numbers() -> None:
    x = np.array([-1000.0, 1000.0])
    np.testing.assert_array_equal(cr.sigmoid(x), [0.0, 1.0])
    np.testing.assert_array_equal(cr.softplus(np.array([-1e4, 1e4])), [0.0, 1e4])
    np.testing.assert_array_equal(cr.softplus(np.array([-1e308, 1e308])), [0.0, 1e308])
    # Full relative precision where 1 - σ would have rounded to 0.
    np.testing.assert_allclose(cr.sigmoid(np.array(-700.0)), np.exp(-700.0), rtol=1e-15)
    np.testing.assert_allclose(cr.softplus(np.array(-700.0)), np.exp(-700.0), rtol=1e-15)


def test_ties_agree_with_another_library() -> None:
    import torch

    for name in ("maximum", "minimum"):
        a = torch.tensor([1.0, 2.0], requires_grad=True)
        b = torch.tensor([1.0, 3.0], requires_grad=True)
        ORACLES[name](None, a, b).sum().backward()
        ours = cr.grad(lambda p, q, name=name: cr.sum(getattr(cr, name)(p, q)), (0, 1))
        for g, other in zip(
            ours(np.array([1.0, 2.0]), np.array([1.0, 3.0])), (a.grad, b.grad), strict=True
        ):
            np.testing.assert_array_equal(g, other.numpy())


def rows(dtype: str) -> list[Any]:
    half = float(np.finfo(dtype).max) / 2
    spread = [[1e3, -1e3, 0.0], [1e4, -1e4, 0.0], [1e30, -1e30, 0.0], [half, -half, 0.0],
              [2 * half, 2 * half, 2 * half], [-2 * half, -2 * half, -2 * half],
              [0.0, -2 * half, 0.0], [0.0, 0.0, 0.0]]  # fmt: skip
    return [np.array([row], dtype) for row in spread]


def _probabilities(z: Any) -> Any:
    return cr.sum(cr.softmax(z) * np.array([0.3, 0.5, 0.2], z.dtype))


def _logs(z: Any) -> Any:
    return cr.sum(cr.log_softmax(z) * np.array([3e-4, 5e-4, 2e-4], z.dtype))


def _one_label(z: Any) -> Any:
    return cr.sum(cr.softmax_cross_entropy(z, np.array([1])))


def _soft_labels(z: Any) -> Any:
    return cr.sum(cr.softmax_cross_entropy(z, np.array([[0.5, 0.5, 0.0]], z.dtype)))


def _binary(z: Any) -> Any:
    return cr.sum(cr.sigmoid_cross_entropy(z, np.array([[0.0, 1.0, 0.5]], z.dtype)) * 0.125)


def _logsumexp(z: Any) -> Any:
    return cr.sum(cr.logsumexp(z, 1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "function", [_probabilities, _logs, _one_label, _soft_labels, _binary, _logsumexp]
)
def test_losses_are_finite_while_the_spread_of_the_logits_is(
    function: Callable[..., Any], dtype: str
) -> None:
    for z in rows(dtype):
        value, g = cr.value_and_grad(function)(z)
        weight = np.array([[0.3, -0.2, 0.5]], dtype)

        def again(t: Any, weight: Any = weight) -> Any:
            return cr.sum(cr.grad(function)(t) * weight)

        traced = cr.trace(function, z).backward().evaluate(z)
        for array in (value, g, cr.grad(again)(z), traced):
            assert np.all(np.isfinite(array))
            assert array.dtype == dtype
        np.testing.assert_allclose(traced, g, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_is_right_even_where_the_spread_overflows(dtype: str) -> None:
    huge = np.finfo(dtype).max
    z = np.array([[huge, -huge, 0.0], [-huge, huge, huge]], dtype)
    np.testing.assert_array_equal(cr.softmax(z), [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    assert np.all(cr.grad(_probabilities)(z[:1]) == 0.0)


# --- integers ---------------------------------------------------------------------------------

FLOATING: list[Callable[..., Any]] = [
    cr.exp, cr.expm1, cr.log, cr.log1p, cr.sqrt, cr.sin, cr.cos, cr.tanh, cr.sigmoid, cr.softplus,
    cr.silu, cr.gelu, cr.elu, cr.leaky_relu, cr.softmax, cr.log_softmax, cr.logsumexp, cr.mean,
    cr.var, cr.std,
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint32", "int64", "bool"])
@pytest.mark.parametrize("function", FLOATING)
def test_integers_of_any_width_count_as_floats(function: Callable[..., Any], dtype: str) -> None:
    """-x of a uint8 wraps around, and NumPy's exponential of one has the precision of a half."""
    x = np.array([[1, 3, 2], [5, 4, 1]]).astype(dtype)
    expected = function(x.astype(np.float64))
    np.testing.assert_array_equal(function(x), expected)
    graph = cr.trace(lambda t: function(t), x)
    np.testing.assert_array_equal(graph.evaluate(x), expected)
    assert graph.outputs[0].dtype == expected.dtype == np.float64
    if dtype == "uint8":
        labels = np.array([0, 2])
        np.testing.assert_array_equal(
            cr.softmax_cross_entropy(x, labels), cr.softmax_cross_entropy(x * 1.0, labels)
        )


def test_a_zero_over_next_to_nothing_has_a_gradient_by_its_divisor() -> None:
    """-g y / b is 0 there; written as -(g / b) y it would be infinity times 0."""
    a, b = cr.tensor([0.0]), cr.tensor([1e-310])
    cr.sum(a / b).backward()
    np.testing.assert_array_equal(b.grad, [0.0])
