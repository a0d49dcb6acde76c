"""Planted mistakes: the checker must catch a wrong rule of every family, or it proves nothing.

Each mistake is a subclass of a real op with its pull altered, judged by the functions that judge
the real ones. Shapes are square wherever a mistake would otherwise fail by its shape alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from op_checks import Case, first_order_error, second_order_error

import chainrule as cr
from chainrule.graph.apply import apply
from chainrule.graph.op import FUNCTIONS, OPS, Op
from chainrule.ops import (
    activation,
    arithmetic,
    choice,
    exponential,
    extreme,
    indexing,
    linear,
    loss,
    reduce,
    shape,
    stacking,
)

Pull = Callable[..., tuple[Any, ...]]

RNG = np.random.default_rng(6)
SQUARE, OTHER = RNG.uniform(0.3, 2.0, (3, 3)), RNG.uniform(0.3, 2.0, (3, 3))
ROW = RNG.uniform(0.3, 2.0, 3)
CUBE = RNG.uniform(-1.0, 1.0, (3, 3, 3))
LABELS = np.array([0, 2, 1])
TWICE = np.array([0, 2, 2])


def planted(right: type[Op], pull: Pull, *settings: Any) -> Op:
    """An op like ``right`` with another pull; without a name, so that the table stays as it is."""
    wrong = type(f"Wrong{right.__name__}", (right,), {"name": "", "pull": pull, "__slots__": ()})
    return wrong(*settings)  # type: ignore[no-any-return]


def own(right: type[Op], alter: Callable[[Any], Any], place: int = 0) -> Pull:
    """The right pull with one of its cotangents altered."""

    def pull(self: Any, *given: Any) -> tuple[Any, ...]:
        pulled = list(right.pull(self, *given))
        gx = pulled[place]
        pulled[place] = alter(gx() if callable(gx) else gx)
        return tuple(pulled)

    return pull


def mistakes() -> Iterator[tuple[str, Op, tuple[Any, ...]]]:
    yield from elementwise()
    yield from reductions()
    yield from shapes()
    yield from indices()
    yield from products()
    yield from losses()


def elementwise() -> Iterator[tuple[str, Op, tuple[Any, ...]]]:
    a, e = arithmetic, exponential
    for name, right, x in (
        ("tanh", activation.Tanh, (SQUARE,)), ("divide", a.Divide, (SQUARE, OTHER)),
        ("power", a.Power, (SQUARE, OTHER)), ("log", e.Log, (SQUARE,)),
    ):  # fmt: skip
        for place in range(len(x)):
            yield (
                f"{name}: sign flipped {place}",
                planted(right, own(right, lambda g: -g, place)),
                x,
            )
            yield f"{name}: half {place}", planted(right, own(right, lambda g: 0.5 * g, place)), x
            yield f"{name}: nothing {place}", planted(right, own(right, lambda g: 0 * g, place)), x
    yield "square: the 2 lost", planted(a.Square, lambda self, g, y, x: (g * x,)), (SQUARE,)
    yield "tanh: 1 - y", planted(activation.Tanh, lambda self, g, y, x: (g * (1 - y),)), (SQUARE,)
    yield "sigmoid: 1 - y lost", planted(activation.Sigmoid, lambda self, g, y, x: (g * y,)), (ROW,)
    yield "relu: passes all", planted(activation.Relu, lambda self, g, y, x: (g,)), (-SQUARE,)
    yield "exp: None", planted(e.Exp, lambda self, g, y, x: (None,)), (SQUARE,)
    yield "sin: sin", planted(e.Sin, lambda self, g, y, x: (g * y,)), (SQUARE,)
    swapped = planted(a.Multiply, lambda self, g, y, p, q: (g * p, g * q))
    yield "multiply: inputs swapped", swapped, (SQUARE, OTHER)
    greedy = planted(choice.Maximum, lambda self, g, y, p, q: (g, g))
    yield "maximum: both win", greedy, (SQUARE, OTHER)
    first = planted(a.Add, lambda self, g, y, p, q: (g, g[0]))
    yield "add: broadcast not summed (first row)", first, (SQUARE, ROW)
    mean = planted(a.Add, lambda self, g, y, p, q: (g, cr.mean(g, 0)))
    yield "add: broadcast averaged", mean, (SQUARE, ROW)
    wrong_axis = planted(a.Add, lambda self, g, y, p, q: (g, cr.sum(g, 1)))
    yield "add: broadcast summed over the wrong axis", wrong_axis, (SQUARE, ROW)


def reductions() -> Iterator[tuple[str, Op, tuple[Any, ...]]]:
    r = reduce
    across = planted(r.Sum, lambda self, g, y, x: (cr.broadcast_to(g[:, None], x.shape),), 0)
    yield "sum: spread along the wrong axis", across, (SQUARE,)
    yield "sum: sign", planted(r.Sum, own(r.Sum, lambda g: -g)), (SQUARE,)
    unscaled = planted(r.Mean, lambda self, g, y, x: (self.spread(g, x),))
    yield "mean: n lost", unscaled, (SQUARE,)
    whole = planted(r.Mean, lambda self, g, y, x: (self.spread(g / 9.0, x),), 0)
    yield "mean: n of the whole array", whole, (SQUARE,)
    plain = planted(r.Var, lambda self, g, y, x: (self.spread(g * (2 / 3), x) * x,), 0)
    yield "var: not centred", plain, (SQUARE,)
    everyone = planted(extreme.Max, lambda self, g, y, x: (self.spread(g, x),), 0)
    yield "max: everyone wins", everyone, (SQUARE,)
    even = planted(r.LogSumExp, lambda self, g, y, x: (self.spread(g / 3.0, x),), 0)
    yield "logsumexp: equal shares", even, (SQUARE,)


def shapes() -> Iterator[tuple[str, Op, tuple[Any, ...]]]:
    s = shape
    same = planted(
        s.Transpose, lambda self, g, y, x: (apply(s.Transpose(self.axes), g),), (2, 0, 1)
    )
    yield "transpose: not inverted", same, (CUBE,)
    yield "transpose: left out", planted(s.Transpose, lambda self, g, y, x: (g,), (1, 0)), (SQUARE,)
    columns = planted(s.Reshape, lambda self, g, y, x: (cr.reshape(g, (3, 3)).T,), (9,))
    yield "reshape: column by column", columns, (SQUARE,)
    last = planted(s.BroadcastTo, lambda self, g, y, x: (g[-1],), (3, 3))
    yield "broadcast_to: the last row only", last, (ROW,)
    turned = planted(stacking.Concatenate, lambda self, g, y, p, q: (g[3:], g[:3]), 0)
    yield "concatenate: parts exchanged", turned, (SQUARE, OTHER)


class _Overwrites(indexing.IndexAdd):
    """Where an entry was taken twice, the last cotangent wins."""

    name = ""
    __slots__ = ()

    def value(self, xp: Any, x: Any, *arrays: Any) -> Any:
        total = np.zeros(self.to, x.dtype)
        total[arrays] = x
        return total


def indices() -> Iterator[tuple[str, Op, tuple[Any, ...]]]:
    i, key = indexing, ("array",)
    last = planted(
        i.Index, lambda self, g, y, x, t: (apply(_Overwrites(key, x.shape), g, t), None), key
    )
    yield "index: a repeat overwrites", last, (SQUARE, TWICE)
    yield (
        "index: unmoved",
        planted(i.Index, lambda self, g, y, x, t: (g, None), key),
        (SQUARE, TWICE),
    )
    nothing = planted(i.IndexAdd, lambda self, g, y, x, t: (None, None), key, (3, 3))
    yield "index_add: nothing", nothing, (SQUARE, TWICE)


def products() -> Iterator[tuple[str, Op, tuple[Any, ...]]]:
    m, dot = linear.MatMul, cr.matmul
    pair = (SQUARE, OTHER)
    for name, pull in {
        "b where its transpose belongs": lambda self, g, y, a, b: (dot(g, b), dot(a.T, g)),
        "a where its transpose belongs": lambda self, g, y, a, b: (dot(g, b.T), dot(a, g)),
        "dW transposed": lambda self, g, y, a, b: (dot(g, b.T), dot(g.T, a)),
        "factors exchanged": lambda self, g, y, a, b: (dot(b.T, g), dot(a.T, g)),
        "entry by entry": lambda self, g, y, a, b: (g * b, g * a),
        "nothing to the weights": lambda self, g, y, a, b: (dot(g, b.T), None),
        "averaged": lambda self, g, y, a, b: (dot(g, b.T), dot(a.T, g) / 3.0),
    }.items():
        yield f"matmul: {name}", planted(m, pull), pair
    kept = planted(m, lambda self, g, y, a, b: (dot(g, b.T), dot(a[0].T, g[0])))
    yield "matmul: batch not summed", kept, (CUBE, SQUARE)


SOFTMAX_MISTAKES: dict[str, Pull] = {
    "nothing": lambda self, g, y, x: (0.0 * g,),
    "None": lambda self, g, y, x: (None,),
    "seven times too large": lambda self, g, y, x: (
        7.0 * y * (g - cr.sum(g * y, -1, keepdims=True)),
    ),
    "sign flipped": lambda self, g, y, x: (y * (cr.sum(g * y, -1, keepdims=True) - g),),
}


def losses() -> Iterator[tuple[str, Op, tuple[Any, ...]]]:
    for name, pull in SOFTMAX_MISTAKES.items():
        yield f"softmax: {name}", planted(loss.Softmax, pull, 1), (SQUARE,)
    diagonal = planted(loss.Softmax, lambda self, g, y, x: (g * y * (1 - y),), 1)
    yield "softmax: as if sigmoid", diagonal, (SQUARE,)
    batch = planted(
        loss.Softmax, lambda self, g, y, x: (y * (g - cr.sum(g * y, 0, keepdims=True)),), 1
    )
    yield "softmax: summed over the batch", batch, (SQUARE,)
    lost = planted(loss.LogSoftmax, lambda self, g, y, x: (g,), 1)
    yield "log_softmax: sum forgotten", lost, (SQUARE,)
    entropy = loss.SoftmaxCrossEntropy
    plus = planted(entropy, lambda self, g, y, z, t: (g[:, None] * cr.softmax(z), None))
    yield "softmax_cross_entropy: labels forgotten", plus, (SQUARE, LABELS)
    twice = planted(
        entropy,
        lambda self, g, y, z, t: (
            loss.Softmax(1).pull(entropy.pull(self, g, y, z, t)[0], cr.softmax(z), z)[0], None),
    )  # fmt: skip
    yield "softmax_cross_entropy: the softmax's own Jacobian on top", twice, (SQUARE, LABELS)
    averaged = planted(entropy, own(entropy, lambda g: g / 3.0))
    yield "softmax_cross_entropy: averaged once more", averaged, (SQUARE, LABELS)
    binary = loss.SigmoidCrossEntropy
    flipped = planted(binary, own(binary, lambda g: -g))
    yield "sigmoid_cross_entropy: t - y", flipped, (SQUARE, OTHER / 2)


MISTAKES = list(mistakes())


@pytest.mark.parametrize(("op", "inputs"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_caught(op: Op, inputs: tuple[Any, ...]) -> None:
    case = Case("planted", op, inputs)
    assert first_order_error(case, np.random.default_rng(1)) > 1e-3


@pytest.mark.parametrize(("op", "inputs"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_without_the_mistake_the_same_case_passes(op: Op, inputs: tuple[Any, ...]) -> None:
    """So it is the mistake that was caught, and not the case."""
    right = type(op).__mro__[1]
    case = Case("right", right(*op.settings().values()), inputs)
    assert first_order_error(case, np.random.default_rng(1)) < 1e-9


def test_planting_leaves_the_table_alone() -> None:
    assert "" not in OPS
    assert OPS["tanh"] is activation.Tanh
    assert OPS["index_add"] is indexing.IndexAdd


@pytest.mark.parametrize("name", SOFTMAX_MISTAKES)
def test_ones_as_cotangent_would_miss_softmax(name: str) -> None:
    """Rows of a softmax total 1 whatever its input: weighed by ones, any multiple of 0 is right."""
    case = Case("planted", planted(loss.Softmax, SOFTMAX_MISTAKES[name], 1), (SQUARE,))
    rng = np.random.default_rng(1)
    assert first_order_error(case, rng, cotangent=np.ones((3, 3))) < 1e-12
    assert first_order_error(case, rng) > 1e-3


def test_a_rule_that_is_right_once_is_caught_at_second_order() -> None:
    """A derivative computed outside the graph is right, and constant to whoever asks again."""

    def frozen(self: Any, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g * (1.0 - np.tanh(x.value) ** 2),)

    case = Case("planted", planted(activation.Tanh, frozen), (SQUARE,))
    assert first_order_error(case, np.random.default_rng(1)) < 1e-9
    assert second_order_error(case, np.random.default_rng(1)) > 1e-3


def test_a_cotangent_of_another_shape_is_refused_by_name() -> None:
    op = planted(linear.MatMul, lambda self, g, y, a, b: (cr.matmul(g, b.T)[0, :2], None))
    a, b = cr.tensor(SQUARE), cr.tensor(OTHER)
    with pytest.raises(
        cr.errors.ShapeError,
        match=r"gave a cotangent of shape \(2,\) for an input of shape \(3, 3\)",
    ):
        cr.differentiate(cr.sum(apply(op, a, b)), [a])


def test_a_transposed_cotangent_is_refused_though_its_size_fits() -> None:
    op = planted(linear.MatMul, lambda self, g, y, a, b: (None, cr.matmul(g.T, a)))
    a, b = cr.tensor(np.ones((4, 2))), cr.tensor(np.ones((2, 3)))
    loss = cr.sum(apply(op, a, b))
    told = r"gave a cotangent of shape \(3, 2\) for an input of shape \(2, 3\)"
    with pytest.raises(cr.errors.ShapeError, match=told):
        cr.differentiate(loss, [b])
    with pytest.raises(cr.errors.ShapeError, match=told):
        loss.backward()


class OnePull(arithmetic.Multiply):
    """A product that forgets its right factor."""

    name, pulls = "", (lambda g, y, a, b: g * b,)


@pytest.mark.parametrize(
    "op", [planted(arithmetic.Multiply, lambda self, g, y, a, b: (g * b,)), OnePull()]
)
def test_a_pullback_of_too_few_cotangents_is_refused(op: Op) -> None:
    a = cr.tensor(ROW)
    loss = cr.sum(apply(op, a, a))
    for way in (loss.backward, lambda: cr.differentiate(loss, [a])):
        with pytest.raises(cr.errors.GradientError, match=r"gave 1 cotangents for 2 inputs"):
            way()


def test_a_pullback_counts_before_those_of_the_class_it_overrides() -> None:
    """An op's ``pulls`` are what ``backward`` asks, unless a subclass has a ``pull`` of its own."""
    op = planted(arithmetic.Multiply, lambda self, g, y, a, b: (7.0 * g, None))
    a, b = cr.tensor(ROW), cr.tensor(ROW)
    loss = cr.sum(apply(op, a, b))
    loss.backward()
    for gradient in (a.grad, cr.differentiate(loss, [a])[0].value):
        np.testing.assert_array_equal(gradient, np.full(3, 7.0))
    np.testing.assert_array_equal(b.grad, np.zeros(3))


def test_the_one_door_lets_a_judge_alter_a_rule() -> None:
    """differentiate takes each node's rule through ``rule``."""
    x = cr.tensor(ROW)
    y = cr.sum(cr.tanh(x))

    def lenient(node: Any, g: Any, value: Any, *inputs: Any) -> tuple[Any, ...]:
        return (g,) if node.op.name == "tanh" else node.op.pull(g, value, *inputs)

    (altered,) = cr.differentiate(y, [x], rule=lenient)
    np.testing.assert_array_equal(altered.value, np.ones(3))
    assert FUNCTIONS["tanh"] is cr.tanh
