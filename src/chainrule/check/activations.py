"""Activations: found in a recorded loss by what they compute, however they were written.

1 / (1 + np.exp(-z)), np.where(z > 0, z, 0), z * (z > 0), e / e.sum(...): each is a group of nodes.
A node is the activation of another if all that it depends on goes through that other, and if its
numbers are the known function of that other's numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.check.anatomy import MOVES, Anatomy
from chainrule.check.evidence import Array
from chainrule.check.replay import Replay
from chainrule.graph import Tensor
from chainrule.graph.origin import came_from

#: An activation was recognised if its numbers agree to this, relative to the largest.
AGREES = 1e-9
#: So many nodes back, each the only way to the next, is the input of an activation looked for.
STEPS = 12


@dataclass(frozen=True, eq=False)
class Known:
    """An activation a = f(z) and its derivative, both ways in which people write it.

    ``of_output`` takes a, ``of_input`` takes z; where they are handed the wrong one, they compute
    the mistake. ``text`` is the derivative in NumPy, with ``a`` for the output.
    """

    name: str
    value: Callable[[Array], Any]
    of_output: Callable[[Array], Any]
    of_input: Callable[[Array], Any]
    text: str


def _sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def _leaky(slope: float) -> Known:
    return Known(
        "leaky ReLU",
        lambda z: np.where(z > 0, z, slope * z),
        lambda a: np.where(a > 0, 1.0, slope),
        lambda z: np.where(z > 0, 1.0, slope),
        f"np.where(z > 0, 1, {slope:.6g})",
    )


SIGMOID = Known(
    "sigmoid", _sigmoid, lambda a: a * (1 - a), lambda z: _sigmoid(z) * (1 - _sigmoid(z)),
    "a * (1 - a)",
)  # fmt: skip
TANH = Known("tanh", np.tanh, lambda a: 1 - a * a, lambda z: 1 - np.tanh(z) ** 2, "(1 - a**2)")
RELU = Known(
    "ReLU", lambda z: np.maximum(z, 0), lambda a: (a > 0) * 1.0, lambda z: (z > 0) * 1.0, "(z > 0)"
)
SOFTPLUS = Known(
    "softplus", lambda z: np.logaddexp(z, 0), lambda a: 1 - np.exp(-a), _sigmoid,
    "1 / (1 + np.exp(-z))",
)  # fmt: skip
ELU = Known(
    "ELU", lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    lambda a: np.where(a > 0, 1.0, a + 1), lambda z: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0))),
    "np.where(z > 0, 1, a + 1)",
)  # fmt: skip
ENTRYWISE = (SIGMOID, TANH, RELU, SOFTPLUS, ELU)


@dataclass(frozen=True, eq=False)
class Site:
    """One activation in the graph: from node ``z`` to node ``a``.

    ``a`` is None where the output's activation was recorded together with the loss (the log of a
    softmax); ``output`` then has its numbers. ``known`` is None for softmax, whose ``axis`` is
    given, and for an entrywise function that nobody knows. ``inside`` are the nodes through which
    it reads z. ``name`` is "linear" where there is no activation at all.
    """

    name: str
    z: Tensor
    a: Tensor | None
    output: Array
    known: Known | None
    axis: int | None
    inside: tuple[Tensor, ...]
    is_last: bool
    layer: str

    def backward(self, g: Array, a: Array, z: Array) -> Array:
        """The right cotangent of z, for that of a."""
        if self.axis is not None:
            return np.asarray(a * (g - np.sum(g * a, axis=self.axis, keepdims=True)))
        return np.asarray(g * self.known.of_input(z)) if self.known else g

    @property
    def place(self) -> Tensor:
        """The node whose line of code this is."""
        return self.a if self.a is not None else self.z


def activations(anatomy: Anatomy) -> tuple[Site, ...]:
    """Every activation, in the order of the forward pass, the output's own last."""
    replay = anatomy.replay
    above = _dominators(replay)
    candidates: dict[Tensor, list[Site]] = {}
    for a in replay.nodes:
        if a in anatomy.data and not came_from(a, *MOVES, "matmul", "sum", "mean"):
            site = _recognised(a, above, anatomy)
            if site is not None:
                candidates.setdefault(site.z, []).append(site)
    found = _outermost([_chosen(sites, anatomy) for sites in candidates.values()], replay)
    if anatomy.logits is None:
        return tuple(found)
    # What looks like one inside the loss (a softplus) is none.
    hidden = [site for site in found if site.a in anatomy.inner]
    return (*_linear(anatomy, hidden), *hidden, _last(anatomy, anatomy.logits, found))


def _chosen(sites: list[Site], anatomy: Anatomy) -> Site:
    """Of several results of one z the first through which all uses of z go, else the first.

    Two branches joined by np.where are each the activation, and so is what joins them.
    """
    users = sum(user in anatomy.data for user in anatomy.replay.users[sites[0].z])
    return next((site for site in sites if len(site.inside) == users), sites[0])


def _outermost(sites: list[Site], replay: Replay) -> list[Site]:
    """Without those that are part of another: the tanh in 0.5 * (np.tanh(z / 2) + 1)."""
    within: set[Tensor] = set()
    for site in sites:
        assert site.a is not None
        inner = replay.descendants(site.z) & replay.ancestors(site.a)
        within |= inner - {site.z, site.a}
    kept = [site for site in sites if site.a not in within]
    return sorted(kept, key=lambda site: site.z.index)


def _dominators(replay: Replay) -> Mapping[Tensor, Tensor | None]:
    """For each node the nearest one through which all that it gets from parameters must come."""
    nearest: dict[Tensor, Tensor | None] = {}
    for node in replay.nodes:
        if node not in replay.leads:
            continue
        before = [x for x in dict.fromkeys(node.inputs) if x in replay.leads]
        common: Tensor | None = before[0] if before else None
        for other in before[1:]:
            common = _common(common, other, nearest)
        nearest[node] = common
    return nearest


def _common(
    a: Tensor | None, b: Tensor | None, nearest: Mapping[Tensor, Tensor | None]
) -> Tensor | None:
    while a is not b:
        if a is None or b is None:
            return None
        if a.index > b.index:
            a = nearest[a]
        else:
            b = nearest[b]
    return a


def _recognised(a: Tensor, above: Mapping[Tensor, Tensor | None], anatomy: Anatomy) -> Site | None:
    """The activation that ``a`` is the result of, seen as far back as it goes."""
    values = anatomy.replay.values
    found: Site | None = None
    z = above[a]
    for _ in range(STEPS):
        if z is None or z not in anatomy.data:
            break
        if z.shape == a.shape:
            for name, known, axis in _functions(values[z], values[a]):
                inside = _inside(z, a, anatomy.replay)
                layer = anatomy.after(z)
                found = Site(name, z, a, values[a], known, axis, inside, False, layer)
                break
        if came_from(z, "matmul"):
            break
        z = above[z]
    return found


def _functions(z: Array, a: Array) -> Iterator[tuple[str, Known | None, int | None]]:
    """The known functions that take ``z`` to ``a``."""
    with np.errstate(all="ignore"):
        if z.size == 0 or _agree(a, z):
            return
        for known in ENTRYWISE:
            if _agree(a, known.value(z)):
                yield known.name, known, None
        below = z < 0
        if below.any() and _agree(a[~below], z[~below]):
            slope = float(np.median(a[below] / z[below]))
            if 0 < slope < 1 and _agree(a[below], slope * z[below]):
                yield "leaky ReLU", _leaky(slope), None
        for axis in range(z.ndim):
            e = np.exp(z - np.max(z, axis=axis, keepdims=True))
            if _agree(a, e / e.sum(axis=axis, keepdims=True)):
                yield "softmax", None, axis


def _agree(a: Array, b: Array) -> bool:
    scale = float(np.max(np.abs(a), initial=0.0))
    return bool(np.max(np.abs(a - b), initial=0.0) <= AGREES * scale)


def _inside(z: Tensor, a: Tensor, replay: Replay) -> tuple[Tensor, ...]:
    """The nodes that read z on the way to a."""
    before = replay.ancestors(a)
    return tuple(user for user in replay.users[z] if user in before)


#: Losses that were recorded together with the activation before them.
_FUSED = {
    "softmax": ("log_softmax", "softmax_cross_entropy", "logsumexp"),
    "sigmoid": ("softplus", "sigmoid_cross_entropy"),
}


def _last(anatomy: Anatomy, z: Tensor, found: list[Site]) -> Site:
    """The activation of the output: recognised, recorded together with the loss, or none."""
    replay = anatomy.replay
    layer = anatomy.after(z)
    users = tuple(user for user in replay.users[z] if user in anatomy.data)
    values = replay.values[z]
    after = replay.descendants(z) & anatomy.data
    for node in after:
        if came_from(node, *_FUSED["softmax"]) and node.inputs[0].shape == z.shape:
            axis = _axis(node)
            e = np.exp(values - values.max(axis=axis, keepdims=True))
            a = e / e.sum(axis=axis, keepdims=True)
            return Site("softmax", z, None, a, None, axis, users, True, layer)
    for site in found:
        if site.z is z and site.name != "softplus":
            return replace(site, is_last=True)
    if any(came_from(node, *_FUSED["sigmoid"]) and node.shape == z.shape for node in after):
        return Site("sigmoid", z, None, _sigmoid(values), SIGMOID, None, users, True, layer)
    return Site("linear", z, z, values, None, None, (), True, layer)


def _axis(node: Tensor) -> int:
    axis = node.op.settings().get("axis", -1) if node.op is not None else -1
    axis = axis[0] if isinstance(axis, tuple) else axis
    return -1 if axis is None else int(axis)


def _linear(anatomy: Anatomy, found: list[Site]) -> Iterator[Site]:
    """The inputs of products that are themselves sums of products: layers without activation."""
    taken = {site.z for site in found} | {site.a for site in found}
    seen = set()
    for product in anatomy.products:
        node = anatomy.source(product.input)
        if node in anatomy.data and node not in taken and node not in seen:
            seen.add(node)
            if came_from(node, "add", "matmul"):
                values = anatomy.replay.values[node]
                yield Site("linear", node, node, values, None, None, (), False, anatomy.after(node))
