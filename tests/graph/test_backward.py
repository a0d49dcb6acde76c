"""backward(), grad and value_and_grad: what arrives where, and second derivatives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from steps import central

import chainrule as cr
from chainrule.errors import RecordingError
from chainrule.graph.tensor import Tensor

RNG = np.random.default_rng(9)


def leaf(*shape: int) -> Tensor:
    return cr.tensor(RNG.standard_normal(shape))


def test_every_float_on_the_way_gets_a_gradient() -> None:
    x, w, n = leaf(4, 3), leaf(3), cr.tensor([1, 2, 3, 4])
    h = x @ w
    y = cr.sum(h * n)
    y.backward()
    np.testing.assert_array_equal(y.grad, 1.0)
    np.testing.assert_array_equal(h.grad, n.value)
    np.testing.assert_allclose(w.grad, x.value.T @ n.value)
    np.testing.assert_allclose(x.grad, np.outer(n.value, w.value))


def test_without_an_influence_the_gradient_is_zeros() -> None:
    x = leaf(3)
    cr.sum(cr.sign(x)).backward()
    np.testing.assert_array_equal(x.grad, np.zeros(3))
    (x.sum() + cr.sum(cr.where(x > 0, 1.0, 2.0))).backward()
    np.testing.assert_array_equal(x.grad, np.ones(3))


def test_backward_twice_starts_afresh() -> None:
    x = leaf(3)
    y = cr.sum(x * x)
    assert x.grad is None
    y.backward()
    first = x.grad
    y.backward()
    np.testing.assert_array_equal(x.grad, first)
    assert x.grad is not first
    cr.sum(x).backward()
    np.testing.assert_array_equal(x.grad, np.ones(3))


def test_a_gradient_kept_is_not_written_over() -> None:
    x = leaf(3)
    y = x + 0.0
    cr.sum(y).backward()
    kept, other = x.grad, y.grad
    assert kept is not None
    assert other is not None
    kept[:] = 7.0
    np.testing.assert_array_equal(other, np.ones(3))


def test_a_gradient_stays_what_it_was_when_asked_for_late() -> None:
    x = leaf(3)
    v = RNG.standard_normal(3)
    y = x + 0.0
    y.backward(v)
    expected = v.copy()
    v[:] = 7.0
    x.value[:] = 9.0
    np.testing.assert_array_equal(x.grad, expected)
    np.testing.assert_array_equal(y.grad, expected)
    assert x.grad is x.grad


def test_sums_of_cotangents_leave_those_alone_that_are_shared() -> None:
    x, *others = (cr.tensor(np.arange(3.0) + i) for i in range(5))
    nodes = [x]
    for other in others:
        nodes.append(nodes[-1] + x + other)
    v = np.array([1.0, -2.0, 0.5])
    nodes[-1].backward(v)
    np.testing.assert_array_equal(x.grad, 5.0 * v)
    for node in (*nodes[1:], *others):  # they all share one array: none was added into
        np.testing.assert_array_equal(node.grad, v)


def test_a_backward_that_fails_leaves_the_gradients_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = leaf(3)
    y = cr.sum(cr.tanh(x))
    y.backward()
    before = x.grad

    def broken(*given: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(cr.ops.activation.Tanh, "pull", broken)
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert x.grad is before
    np.testing.assert_array_equal(y.grad, 1.0)


def test_gradients_of_values_record_nothing() -> None:
    def f(x: Any) -> Any:
        return cr.sum(cr.tanh(x) ** 2)

    def recorded(code: Any) -> int:
        first = cr.tensor(0.0).index
        code()
        return cr.tensor(0.0).index - first - 1

    x = leaf(3)
    y = f(x)
    assert recorded(y.backward) == 0
    assert recorded(lambda: cr.grad(f)(x.value)) == 4  # the variable and the three ops
    assert recorded(lambda: cr.grad(f)(x)) > 4


def test_numbers_behind_integers_get_zeros() -> None:
    x = leaf(3)
    w = leaf(3)
    (cr.sum(cr.one_hot(cr.argmax(x), 3) * w)).backward()
    np.testing.assert_array_equal(x.grad, np.zeros(3))
    assert np.sum(w.grad) == 1.0  # type: ignore[arg-type]


def test_threads_differentiate_side_by_side() -> None:
    w = leaf(4, 4)
    inputs = [RNG.standard_normal((4, 4)) for _ in range(8)]

    def gradient(x: Any) -> Any:
        found = []
        for _ in range(30):
            h = cr.tanh(cr.exp(x @ w * 0.1))
            loss = cr.sum(h * h)
            loss.backward()
            found.append(h.grad)
        np.testing.assert_array_equal(found[0], found[-1])
        return cr.grad(lambda w: cr.sum(cr.tanh(cr.exp(x @ w * 0.1)) ** 2))(w.value)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(gradient, inputs))
    for x, g in zip(inputs, together, strict=True):
        np.testing.assert_array_equal(g, gradient(x))


def test_a_cotangent_weighs_the_entries() -> None:
    x = leaf(2, 3)
    v = RNG.standard_normal((2, 3))
    cr.sin(x).backward(v)
    np.testing.assert_allclose(x.grad, v * np.cos(x.value))


def test_shared_and_reused_nodes_add_up() -> None:
    x = cr.tensor(3.0)
    a = x * x
    b = a + a
    (a * b + x).backward()  # 2 x⁴ + x
    assert x.grad == 8 * 27.0 + 1
    assert a.grad == 4 * 9.0
    assert b.grad == 9.0


def test_a_node_that_doubles_at_each_step_takes_one_visit_each() -> None:
    x = y = cr.tensor(1.0)
    for _ in range(60):  # 2^60 ways from y to x
        y = y + y
    y.backward()
    assert x.grad == 2.0**60


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (1, 3), (1, 1), (1, 2, 1)])
@pytest.mark.parametrize("operation", ["add", "subtract", "multiply", "divide", "maximum", "power"])
def test_broadcasting_is_undone(shape: tuple[int, ...], operation: str) -> None:
    a, b = RNG.uniform(0.5, 2.0, (4, 2, 3)), RNG.uniform(0.5, 2.0, shape)
    v = RNG.standard_normal((4, 2, 3))
    function = getattr(cr, operation)
    for places in ((a, b), (b, a)):
        gradients = cr.grad(lambda p, q: cr.sum(v * function(p, q)), (0, 1))(*places)
        for place, g in enumerate(gradients):
            assert g.shape == places[place].shape
            u = RNG.standard_normal(g.shape)
            by_steps = central(function, list(places), place, u, v)
            np.testing.assert_allclose(np.sum(g * u), by_steps, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 4), (4, 1), (1, 1), (1, 4, 1), (2, 1, 3)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_a_reduction_is_spread_back(shape: tuple[int, ...], keepdims: bool) -> None:
    axes: list[Any] = [None, *range(len(shape)), tuple(range(len(shape)))]
    for axis in axes:
        x = leaf(*shape)
        v = np.asarray(RNG.standard_normal(np.sum(x.value, axis=axis, keepdims=keepdims).shape))
        expected = np.sum(x.value, axis=axis, keepdims=True)
        expected = np.broadcast_to(v.reshape(expected.shape), shape)
        y = x.sum(axis, keepdims)
        y.backward(v)
        np.testing.assert_array_equal(x.grad, expected)
        (g,) = cr.differentiate(y, [x], cr.tensor(v))
        np.testing.assert_array_equal(g.value, expected)


def test_mixed_precision_gives_each_its_own_dtype() -> None:
    a, b = cr.tensor(np.ones(3, np.float32)), cr.tensor(np.ones(3))
    cr.sum(a * b).backward()
    assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)  # type: ignore[union-attr]


def test_second_and_third_derivatives() -> None:
    def f(x: Any) -> Any:
        return np.exp(2 * x) * np.sin(x)

    x = 0.7
    first, second = cr.grad(f), cr.grad(cr.grad(f))
    third = cr.grad(second)
    e, s, c = np.exp(1.4), np.sin(x), np.cos(x)
    np.testing.assert_allclose(first(x), e * (2 * s + c), rtol=1e-14)
    np.testing.assert_allclose(second(x), e * (3 * s + 4 * c), rtol=1e-14)
    np.testing.assert_allclose(third(x), e * (2 * s + 11 * c), rtol=1e-14)


def test_the_hessian_times_a_vector() -> None:
    x, u = RNG.standard_normal(4), RNG.standard_normal(4)
    a = RNG.standard_normal((4, 4))
    product = cr.grad(lambda x: cr.sum(cr.grad(lambda z: z @ a @ z)(x) * u))(x)
    np.testing.assert_allclose(product, (a + a.T) @ u, rtol=1e-12)


def test_nested_gradients_do_not_mix_their_variables() -> None:
    """The perturbations of an inner and an outer derivative must stay apart."""
    outer = cr.grad(lambda x: x * cr.grad(lambda y: x + y)(1.0))
    assert outer(2.0) == 1.0
    assert cr.grad(lambda x: x * cr.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    # The same Tensor by closure and as the argument: d/dx of (2 x y at y = x) is 4 x.
    assert cr.grad(lambda x: cr.grad(lambda y: x * y * y)(x))(3.0) == 12.0
    assert cr.grad(lambda x: cr.grad(lambda y: x * y)(x) * x)(3.0) == 6.0
    t = cr.tensor(3.0)
    inner = cr.grad(lambda y: t * y)(t)
    assert inner.value == 3.0
    (inner * t).backward()
    assert t.grad == 6.0


def test_a_tensor_in_gives_a_tensor_out() -> None:
    x = cr.tensor([1.0, 2.0])
    value, g = cr.value_and_grad(lambda x: cr.sum(x**3))(x)
    assert isinstance(value, Tensor)
    assert isinstance(g, Tensor)
    cr.sum(g).backward()
    np.testing.assert_allclose(x.grad, 6 * x.value)


def test_an_array_in_gives_an_array_out() -> None:
    value, g = cr.value_and_grad(lambda x: cr.sum(x**3))(np.array([1.0, 2.0]))
    assert value == 9.0
    assert type(g) is np.ndarray
    np.testing.assert_array_equal(g, [3.0, 12.0])


def test_lists_tuples_and_dicts_of_arguments() -> None:
    def f(parameters: Any, others: Any, scale: Any) -> Any:
        return scale * (parameters["w"] @ others[0] + parameters["b"] * others[1][0])

    parameters = {"w": np.array([1.0, 2.0]), "b": 3.0}
    others = [np.array([5.0, 7.0]), (11.0,)]
    value, (g, h) = cr.value_and_grad(f, wrt=(0, 1))(parameters, others, scale=2.0)
    assert value == 2 * (5 + 14 + 33)
    assert list(g) == ["w", "b"]
    np.testing.assert_array_equal(g["w"], [10.0, 14.0])
    assert g["b"] == 22.0
    assert isinstance(h, list)
    assert isinstance(h[1], tuple)
    np.testing.assert_array_equal(h[0], [2.0, 4.0])
    assert h[1][0] == 6.0


def test_wrt_chooses_and_orders() -> None:
    def f(a: Any, b: Any) -> Any:
        return a * a * b

    assert cr.grad(f, 1)(3.0, 5.0) == 9.0
    assert cr.grad(f, (1, 0))(3.0, 5.0) == (9.0, 30.0)
    assert cr.grad(f, (0,))(3.0, 5.0) == (30.0,)


def test_other_arguments_may_be_integers_and_words() -> None:
    def f(x: Any, labels: Any, how: str) -> Any:
        assert how == "sum"
        return cr.sum(x[labels])

    np.testing.assert_array_equal(cr.grad(f)(np.zeros(3), np.array([1, 1]), "sum"), [0.0, 2.0, 0.0])


def test_a_constant_function_has_a_zero_gradient() -> None:
    assert cr.grad(lambda x: cr.tensor(5.0))(2.0) == 0.0
    assert cr.grad(lambda x: 5.0)(2.0) == 0.0


def test_a_gradient_can_be_traced() -> None:
    x = RNG.standard_normal(3)
    graph = cr.trace(cr.grad(lambda x: cr.sum(np.sin(x) * x)), x)
    graph.verify()
    np.testing.assert_allclose(graph.evaluate(x), np.cos(x) * x + np.sin(x), rtol=1e-14)


def test_a_traced_tensor_has_no_backward_of_arrays() -> None:
    with pytest.raises(RecordingError, match="has no value: it is being traced"):
        cr.trace(lambda x: (x * x).backward() or x, 2.0)


def test_differentiate_by_what_lies_between() -> None:
    x = leaf(3)
    h = np.tanh(x)
    (g,) = cr.differentiate(cr.sum(h * h), [h])
    np.testing.assert_allclose(g.value, 2 * h.value)
    (same,) = cr.differentiate(x.sum(), [x])
    np.testing.assert_array_equal(same.value, np.ones(3))
    y = x.sum()
    (one,) = cr.differentiate(y, [y])
    assert one.value == 1.0


def test_a_function_keeps_its_name_and_documentation() -> None:
    def energy(x: Any) -> Any:
        """½ x²"""
        return x * x / 2

    assert cr.grad(energy).__name__ == "energy"
    assert cr.value_and_grad(energy).__doc__ == "½ x²"
