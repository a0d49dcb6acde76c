"""The order of an update: gradients that were computed after a parameter was already changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.evidence import Array, Truth
from chainrule.check.recorded import evaluated, gradient_graph
from chainrule.graph import Graph, Tensor, differentiate
from chainrule.graph.differentiate import by_the_op
from chainrule.graph.graph import rewired
from chainrule.graph.tensor import placeholder

#: Two arrays are multiples of each other if what is left is less than this, relatively.
CLOSE = 1e-5
#: A factor is 1, or -1, if it differs by no more.
NEAR = 1e-4


@dataclass(frozen=True)
class Step:
    """One step: the parameters before and after; the update over -η as it was and as it should be.

    ``true`` is the gradient at ``before``; ``graph`` the recorded loss, if there is one.
    """

    before: Mapping[str, Array]
    after: Mapping[str, Array]
    theirs: Mapping[str, Array | None]
    true: Mapping[str, Truth]
    wanted: Mapping[str, Truth]
    graph: Graph | None


def updated_early(name: str, first: Step) -> list[str]:
    """The parameters that were changed too early, if that explains the update of ``name``.

    Their new values may be read by the backward pass alone, the forward pass having been kept, or
    by both, if the forward pass is made again.
    """
    theirs = first.theirs[name]
    assert theirs is not None
    if first.graph is None:
        return []
    names = list(first.before)
    others = [n for n in names if n != name]
    place = names.index(name)
    tried = [others, names[:place], names[place + 1 :], *([n] for n in others)]
    for gradient in (_with_new_in_backward, _with_new_everywhere):
        for used in [list(t) for t in dict.fromkeys(map(tuple, tried)) if t]:
            got = gradient(first, name, used)
            if is_one(theirs, got):
                return _needed_by(first, name, used, gradient, got)
    return []


def _needed_by(
    first: Step, name: str, used: Sequence[str], gradient: Callable[..., Array], got: Array
) -> list[str]:
    """Those of ``used`` whose new value makes a difference."""
    needed = [
        n for n in used
        if not np.allclose(gradient(first, name, [m for m in used if m != n]), got, rtol=1e-9)
    ]  # fmt: skip
    return needed or list(used)


def _with_new_everywhere(first: Step, name: str, used: Sequence[str]) -> Array:
    """The true gradient where the parameters ``used`` are new and the others old."""
    assert first.graph is not None
    point = {n: first.after[n] if n in used else a for n, a in first.before.items()}
    return evaluated(gradient_graph(first.graph), point)[name]


def _with_new_in_backward(first: Step, name: str, used: Sequence[str]) -> Array:
    """The chain rule with the forward pass of before, and ``used`` new where a rule reads them."""
    graph = first.graph
    assert graph is not None
    new = {graph.input(n): placeholder(graph.input(n).shape, np.float64, f"new {n}") for n in used}

    def rule(node: Tensor, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
        return by_the_op(node, g, y, *[_renewed(a, new) for a in x])

    gradient = differentiate(graph.outputs[0], [graph.input(name)], rule=rule)
    whole = Graph([*graph.inputs, *new.values()], gradient)
    arrays = [first.before[n] for n in graph.input_names()] + [first.after[n] for n in used]
    return np.asarray(whole.compile("reference")(*arrays), np.float64)


def _renewed(x: Tensor, new: Mapping[Tensor, Tensor]) -> Tensor:
    """``x`` made of the new parameters, where it is one, or only seen in another arrangement."""
    if x in new:
        return new[x]
    if x.op is not None and x.op.is_view and len(x.inputs) == 1:
        return rewired(x, (_renewed(x.inputs[0], new),))
    return x


def multiple(theirs: Array, true: Array, close: float = CLOSE) -> float | None:
    """c if theirs is c times the other array, else None."""
    known = np.isfinite(true)
    a, b = theirs[known], true[known]
    size = float(np.sum(b * b))
    if size == 0:
        return None
    c = float(np.sum(a * b)) / size
    return c if np.linalg.norm(a - c * b) <= close * np.linalg.norm(a) else None


def is_one(a: Array, b: Array) -> bool:
    """Whether the two are the same."""
    c = multiple(a, b) if a.shape == b.shape else None
    return c is not None and abs(c - 1) < NEAR


def is_close(a: Array, b: Array) -> bool:
    """Whether one is a multiple of the other."""
    return a.shape == b.shape and multiple(a, b) is not None
