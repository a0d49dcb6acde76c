"""Head: the output's activation and the loss, read together: outputs a, targets t, and c.

For cross-entropy what arrives before the activation is c (a - t); for squared error that is what
arrives after it. Which of the two it is, and what c and t are, is read off the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.check.activations import Site
from chainrule.check.anatomy import Anatomy
from chainrule.check.evidence import Array
from chainrule.check.replay import Pass
from chainrule.graph import Tensor
from chainrule.graph.op import CONSTANT
from chainrule.graph.origin import came_from

PROPORTIONAL = 1e-7


@dataclass(frozen=True, eq=False)
class Head:
    """The last activation with its loss.

    ``error`` is c (a - t), with the factor c of the loss. ``is_cross_entropy`` says that it
    arrives before the activation, and not after it.
    """

    site: Site
    error: Array
    targets: Array
    factor: float
    is_cross_entropy: bool

    def arriving(self, z: Array) -> Array:
        """What arrives after the activation: the derivative of the loss by the outputs."""
        if not self.is_cross_entropy:
            return self.error
        with np.errstate(all="ignore"):
            a, t = self.site.output, self.targets
            if self.site.axis is not None:
                return np.asarray(
                    -self.factor * np.divide(t, a, where=t != 0, out=np.zeros_like(a))
                )
            return np.asarray(self.error / self.site.backward(np.ones(a.shape), a, z))


def read_head(anatomy: Anatomy, sites: Sequence[Site], current: Pass) -> Head | None:
    """The head, if the loss is a squared error or a cross-entropy; else None."""
    site = next((site for site in sites if site.is_last), None)
    if site is None or site.z not in current.cotangents:
        return None
    before = current.cotangents[site.z]
    after = current.cotangents.get(site.a) if site.a is not None else None
    for targets in _targets(anatomy, site, current):
        difference = site.output - targets
        if after is not None:
            factor = _ratio(after, difference)
            if factor is not None:
                return Head(site, after, targets, factor, False)
        factor = _ratio(before, difference)
        if factor is not None and site.name in ("sigmoid", "softmax"):
            return Head(site, before, targets, factor, True)
    return None


def _ratio(x: Array, y: Array) -> float | None:
    """c, if x = c y; None if not."""
    square = float(np.sum(y * y))
    if square == 0 or not np.all(np.isfinite(x)):
        return None
    c = float(np.sum(x * y)) / square
    fits = np.max(np.abs(x - c * y)) <= PROPORTIONAL * np.max(np.abs(x))
    return c if fits and c != 0 else None


def _targets(anatomy: Anatomy, site: Site, current: Pass) -> Iterator[Array]:
    """Arrays that could be the targets: data of the outputs' shape, and picked classes."""
    replay = anatomy.replay
    for node in replay.nodes:
        if node not in replay.leads and node.size == site.z.size and node.ndim > 0:
            values = np.asarray(replay.values[node])
            if values.dtype.kind in "biuf":
                yield from _shaped(values.astype(np.float64), site.z)
    for node in replay.descendants(site.z):
        if came_from(node, "index") and len(node.inputs) > 1:
            picked = replay.pulled(node, np.ones(node.shape)).get(node.inputs[0])
            if picked is not None and picked.size == site.z.size:
                yield from _shaped(picked, site.z)
        if came_from(node, "softmax_cross_entropy"):
            labels = np.asarray(replay.values[node.inputs[1]])
            yield np.eye(site.z.shape[-1])[labels]
    numbers = {float(x.value) for x in replay.nodes if x.op is CONSTANT and x.size == 1}
    for number in sorted({0.0, 1.0} | numbers):
        yield np.full(site.z.shape, number)


def _shaped(values: Array, like: Tensor) -> Iterator[Array]:
    if values.shape == like.shape:
        yield values
    elif np.squeeze(values).shape == np.squeeze(np.empty(like.shape)).shape:
        yield values.reshape(like.shape)
    elif values.ndim == 2 and values.T.shape == like.shape:
        yield values.T
