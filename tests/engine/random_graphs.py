"""Random graphs for the engines' tests: a strategy that grows a graph op by op.

Operands are drawn with a liking for what was made last, so that chains die and are written over in
place; old nodes come back often enough to be read after that, through views as well.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import chainrule as cr
from chainrule.graph.apply import constant
from chainrule.graph.graph import Graph
from chainrule.graph.op import FUNCTIONS

#: Sizes above 8 make the order of adding matter; 0 and 1 are where rules go wrong.
SHAPES = [(), (1,), (11,), (3, 4), (12, 12), (12, 9), (9, 12), (2, 12, 3), (1, 12), (12, 1), (0, 3)]
LARGEST = 600
UNARY = [
    "exp", "tanh", "sigmoid", "softplus", "relu", "silu", "gelu", "elu", "leaky_relu", "negative",
    "square", "abs", "sign", "sqrt", "sin", "cos", "expm1", "log1p", "log", "identity",
]  # fmt: skip
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "sigmoid_cross_entropy"]
COMPARE = ["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"]
REDUCE = ["sum", "mean", "max", "min", "var", "logsumexp", "std"]


@dataclass
class Case:
    """A graph, arrays for its inputs, and outputs that may replace inputs."""

    graph: Graph
    arrays: list[np.ndarray]
    replaces: dict[int, str]

    def __repr__(self) -> str:
        return f"{self.graph}\nreplaces {self.replaces}"


class Grower:
    """Makes one node after the other from ``pool``, each choice drawn by hypothesis."""

    def __init__(self, draw: Callable[..., Any], pool: list[Any]) -> None:
        self.draw = draw
        self.pool = pool

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def one(self, choices: Any) -> Any:
        choices = list(choices)
        return choices[self.number(0, len(choices) - 1)]

    def node(self, fits: Callable[[Any], bool] = lambda node: True, kinds: str = "f") -> Any:
        """A node of the pool that fits, the last ones liked best; or None."""
        found = [n for n in self.pool if n.dtype.kind in kinds and fits(n)]
        if not found:
            return None
        return self.one(found if self.number(0, 2) == 0 else found[-3:])

    def grow(self) -> None:
        steps = [
            self.unary, self.unary, self.binary, self.binary, self.binary, self.number_beside,
            self.transpose, self.reshape, self.slice, self.slice, self.broadcast, self.reduce,
            self.reduce, self.product, self.where, self.join, self.join, self.pick, self.cast,
            self.compared, self.softmax, self.labels, self.known, self.clipped,
        ]  # fmt: skip
        made = self.one(steps)()
        if made is not None and made.size <= LARGEST:
            self.pool.append(made)

    # --- entry by entry ------------------------------------------------------------------------

    def unary(self) -> Any:
        return FUNCTIONS[self.one(UNARY)](self.node())

    def binary(self) -> Any:
        a = self.node()
        b = self.node(lambda node: _broadcast(a, node))
        a, b = (a, b) if self.number(0, 1) else (b, a)
        return FUNCTIONS[self.one(BINARY)](a, b)

    def number_beside(self) -> Any:
        a, number = self.node(), self.one([2.0, -0.5, 1, 0.25])
        pair = (a, number) if self.number(0, 1) else (number, a)
        return FUNCTIONS[self.one([*BINARY, "power"])](*pair)

    def where(self) -> Any:
        a = self.node()
        b = self.node(lambda node: _broadcast(a, node))
        condition = self.node(lambda node: _broadcast(a, node, b), kinds="b")
        return cr.where(a > b if condition is None else condition, a, b)

    def compared(self) -> Any:
        a = self.node()
        b = self.node(lambda node: _broadcast(a, node))
        held = FUNCTIONS[self.one(COMPARE)](a, b)
        self.pool.append(held)
        other = self.node(lambda node: node.shape == held.shape, kinds="b")
        held = self.one([held, ~held, held & other, held | other])
        return cr.astype(held, self.one(["float32", "float64"]))

    def cast(self) -> Any:
        return cr.astype(self.node(kinds="fbi"), self.one(["float32", "float64"]))

    def clipped(self) -> Any:
        return cr.clip(self.node(), *self.one([(-1.0, 0.5), (None, 0.25), (0.1, None)]))

    # --- views ---------------------------------------------------------------------------------

    def transpose(self) -> Any:
        x = self.node(lambda node: node.ndim > 1)
        return (
            None if x is None else cr.transpose(x, self.one(itertools.permutations(range(x.ndim))))
        )

    def reshape(self) -> Any:
        x = self.node()
        sizes = [x.shape, (x.size,), (x.size, 1), (1, x.size), x.shape[::-1], (1, *x.shape)]
        sizes += [(n, x.size // n) for n in (2, 3, 12) if x.size % n == 0]
        return cr.reshape(x, self.one(sizes))

    def slice(self) -> Any:
        x = self.node(lambda node: node.ndim > 0 and node.size > 0)
        if x is None:
            return None
        key: list[Any] = []
        for size in x.shape[: self.number(1, x.ndim)]:
            slices = [slice(None), slice(None, None, -1), slice(None, None, 2), slice(1, None)]
            key.append(self.one([*slices, slice(0, size // 2), size - 1, -1]))
        if self.number(0, 3) == 0:
            key.insert(self.number(0, len(key)), None)
        return x[tuple([*key, ...] if self.number(0, 3) == 0 else key)]

    def broadcast(self) -> Any:
        x = self.node()
        front = self.one([(), (2,), (12,)])
        return cr.broadcast_to(x, (*front, *[3 if size == 1 else size for size in x.shape]))

    # --- along axes ----------------------------------------------------------------------------

    def axis(self, x: Any) -> Any:
        every = range(x.ndim)
        pairs = [tuple(pair) for pair in itertools.combinations(every, 2)]
        return self.one([None, *every, *every, *pairs])

    def reduce(self) -> Any:
        x = self.node(lambda node: node.size > 0)
        return (
            None
            if x is None
            else FUNCTIONS[self.one(REDUCE)](x, self.axis(x), bool(self.number(0, 1)))
        )

    def softmax(self) -> Any:
        x = self.node(lambda node: node.ndim > 0 and node.size > 0)
        name = self.one(["softmax", "log_softmax"])
        return None if x is None else FUNCTIONS[name](x, self.number(0, x.ndim - 1))

    def product(self) -> Any:
        a = self.node(lambda node: node.ndim > 0)
        if a is None:
            return None
        b = self.node(
            lambda node: 0 < node.ndim < 3 and node.shape[-min(node.ndim, 2)] == a.shape[-1]
        )
        if b is None or self.number(0, 3) == 0:
            b = cr.swapaxes(a, -1, -2) if a.ndim > 1 else a
        return cr.matmul(a, b)

    def labels(self) -> Any:
        x = self.node(lambda node: node.ndim > 0 and node.size > 0)
        if x is None:
            return None
        places = cr.argmax(x, x.ndim - 1)
        self.pool.append(places)
        hot = cr.one_hot(places, x.shape[-1], x.dtype)
        return self.one([hot, cr.softmax_cross_entropy(x, places), hot * x])

    # --- several into one, and the ops that are not opened -------------------------------------

    def join(self) -> Any:
        x = self.node(lambda node: node.ndim > 0)
        if x is None:
            return None
        axis = 0 if self.number(0, 3) else self.number(0, x.ndim - 1)
        parts = [x]
        for _ in range(self.number(1, 2)):
            parts.append(self.node(lambda node: _joins(x, node, axis)))
        if self.number(0, 2) == 0:
            parts.append(self.one([x[::-1], x * 2.0, cr.reshape(x, (-1,)).reshape(x.shape)]))
        return cr.concatenate(parts, axis)

    def pick(self) -> Any:
        x = self.node(lambda node: node.ndim > 0 and node.shape[0] > 0)
        last = x.shape[0] - 1 if x is not None else 0
        return (
            None
            if x is None
            else x[self.one([np.array([0, last, 0]), np.array(last), np.array([[last], [0]])])]
        )

    def known(self) -> Any:
        shape, dtype = self.one([(), (12,), (12, 12), (3, 4)]), self.one(["float32", "float64"])
        if self.number(0, 3) == 0:
            return cr.uniform(constant(np.array([1, 2], np.uint32)), shape, dtype=dtype)
        return constant(np.linspace(-1, 2, int(np.prod(shape)), dtype=dtype).reshape(shape))


def _broadcast(*nodes: Any) -> bool:
    try:
        return np.prod(np.broadcast_shapes(*[node.shape for node in nodes])) <= LARGEST
    except ValueError:
        return False


def _joins(a: Any, b: Any, axis: int) -> bool:
    def others(node: Any) -> Any:
        return node.shape[:axis] + node.shape[axis + 1 :]

    return b.ndim == a.ndim and others(a) == others(b)


@st.composite
def cases(draw: Callable[..., Any], most: int = 30) -> Case:
    """A graph of up to ``most`` grown nodes, with outputs of every kind."""
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kinds = draw(
        st.lists(
            st.tuples(st.sampled_from(SHAPES), st.sampled_from(["float32", "float64"])),
            min_size=1,
            max_size=3,
        )
    )
    arrays = [numbers.standard_normal(shape).astype(dtype) for shape, dtype in kinds]
    replaces: dict[int, str] = {}

    def function(*inputs: Any) -> Any:
        grower = Grower(draw, list(inputs))
        for _ in range(most - draw(st.integers(0, most - 1))):
            grower.grow()
        outputs = [grower.node(kinds="fbi") for _ in range(draw(st.integers(1, 5)))]
        for i, x in enumerate(inputs):
            new = grower.node(lambda node, x=x: (node.shape, node.dtype) == (x.shape, x.dtype))
            if draw(st.booleans()):
                replaces[len(outputs)] = f"x{i}"
                outputs.append(new - 0.125 * x if draw(st.booleans()) else new)
        return outputs

    with np.errstate(all="ignore"):  # what is computed from constants alone is computed here
        return Case(cr.trace(function, *arrays), arrays, replaces)


def same_bits(a: Any, b: Any) -> bool:
    """Equal in shape, dtype and every bit, signs of zero included; any NaN equals any NaN."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    alike = (a == b) & (np.signbit(a) == np.signbit(b))
    return bool(np.all(alike | (np.isnan(a) & np.isnan(b))))
