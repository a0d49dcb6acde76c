"""The scales of columns and targets: networks train on (x - mean) / unit and (y - mean) / unit.

A network begins with weights that suit columns of about unit size, and takes steps of a thousandth:
it is long on its way to targets in hundreds, and of several columns it hears only the one in
thousands. So both are shifted and shrunk before training, and that is folded into the first and the
last layer afterwards, which is exact:

    ((x - mean) / unit) W + b  =  x (W / unit) + (b - (mean / unit) W)
    (h W + b) unit + mean      =  h (W unit) + (b unit + mean)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from chainrule.estimators.build import dense_names
from chainrule.graph.op import Array
from chainrule.nn.losses import huber_loss
from chainrule.nn.sequential import Sequential
from chainrule.train.history import History

#: Scales whose units differ by no more than this, and means by no more units, are alike.
ALIKE = 4.0


@dataclass(frozen=True, eq=False)
class Scale:
    """Numbers (n, columns) as training has them: (numbers - mean) / unit."""

    mean: Array | float = 0.0
    unit: Array | float = 1.0

    @property
    def is_none(self) -> bool:
        """Whether all stays as it is, to the last bit."""
        return not np.any(self.mean) and bool(np.all(np.equal(self.unit, 1)))

    def shrink(self, numbers: Array) -> Array:
        """Numbers as training has them."""
        if self.is_none:
            return numbers
        shrunk: Array = numbers - self.mean
        shrunk /= self.unit
        return shrunk

    def stretch(self, outputs: Array) -> Array:
        """What training has, in the numbers' own units."""
        return outputs if self.is_none else outputs * self.unit + self.mean


@dataclass(frozen=True)
class Growth:
    """How a loss grows with the targets' unit.

    Attributes:
        degree: by which power of it: 2 for squares, 1 for distances.
        bend: the distance, in y's units, from which squares go on as straight lines: Huber's delta,
            one for all outputs or one for each. NaN for one that the targets at hand do not show:
            then it is their scale's unit.
        rows: of how many rows the bend was taken; inf for one that the user chose.
    """

    degree: float = 2.0
    bend: Array | float = math.inf
    rows: float = math.inf

    def bent_by(self, targets: Scale) -> Array | float:
        """The bend, for targets of this scale."""
        known = ~np.isnan(self.bend)
        return self.bend if np.all(known) else np.where(known, self.bend, targets.unit)


@dataclass(frozen=True, eq=False)
class Scales:
    """The scales of what a network takes in and of what it answers.

    For ``degree`` and ``bend`` see ``Growth``; a bent loss is trained as ``losses.bent`` has it.
    """

    inputs: Scale = field(default_factory=Scale)
    targets: Scale = field(default_factory=Scale)
    degree: float = 2.0
    bend: Array | float = math.inf

    @property
    def is_bent(self) -> bool:
        """Whether the loss is Huber's."""
        return bool(np.all(np.isfinite(self.bend)))

    def stretch_network(self, net: Sequential) -> None:
        """Let a network of training take and answer numbers in their own units."""
        if not self.targets.is_none:
            weights, biases = _layer(net, -1)
            _put(net, -1, weights * self.targets.unit, self.targets.stretch(biases))
        if not self.inputs.is_none:
            weights, biases = _layer(net, 0)
            weights = weights / np.reshape(self.inputs.unit, (-1, 1))
            _put(net, 0, weights, biases - self.inputs.mean @ weights)

    @contextmanager
    def shrunk(self, net: Sequential) -> Iterator[None]:
        """Inside, the network takes and answers what training has; outside, the numbers themselves.

        Its arrays from before are left as they are: they still answer as they did.
        """
        if not self.inputs.is_none:
            weights, biases = _layer(net, 0)
            shifted = biases + self.inputs.mean @ weights
            _put(net, 0, weights * np.reshape(self.inputs.unit, (-1, 1)), shifted)
        if not self.targets.is_none:
            weights, biases = _layer(net, -1)
            _put(net, -1, weights / self.targets.unit, self.targets.shrink(biases))
        try:
            yield
        finally:
            self.stretch_network(net)

    def stretch_loss(self, net: Sequential) -> None:
        """Let a network know a bent loss as it is in y's units, which are those of its answers."""
        if self.is_bent:
            bend = np.ravel(self.bend).tolist()
            net.loss = huber_loss(bend if len(bend) > 1 else bend[0])

    @property
    def loss_unit(self) -> float:
        """What a loss of training is multiplied by to be in y's units, in the mean over outputs."""
        unit = np.asarray(self.targets.unit)
        return float(np.mean(unit**self.degree * np.minimum(1.0, self.bend / unit)))

    def losses(self, losses: Sequence[float]) -> list[float]:
        """Losses in y's units."""
        return [float(loss * self.loss_unit) for loss in losses]

    def stretch_losses(self, history: History) -> None:
        """Let a history tell losses in y's units."""
        for name in ("loss", "validation_loss"):
            if name in history:
                history.columns[name] = self.losses(history[name])


@dataclass(frozen=True, eq=False)
class Move:
    """From one pair of scales to another, in the middle of a training.

    ``columns`` and ``targets`` say which of them had not varied so far: of these nothing was
    learnt, and in a far larger unit their first weights would be far too large. So they keep the
    weights that training has, and answers change only for numbers that were not seen yet, or go
    along with the targets. By all others the network answers as it did.
    """

    before: Scales
    after: Scales
    columns: Array | bool = False
    targets: Array | bool = False

    @property
    def forgets(self) -> bool:
        """Whether an optimizer's memory no longer holds, as gradients are of another size now."""
        columns = _alike(self.before.inputs, self.after.inputs) | self.columns
        targets = _alike(self.before.targets, self.after.targets) | self.targets
        return not (np.all(columns) and np.all(targets))

    def apply(self, net: Sequential) -> None:
        """Keep those weights of a network."""
        was, now = self.before.inputs, self.after.inputs
        if np.any(self.columns):
            weights, biases = _layer(net, 0)
            factor = np.where(self.columns, was.unit / np.asarray(now.unit), 1.0)
            kept = weights * np.reshape(factor, (-1, 1))
            mean = np.broadcast_to(was.mean, (len(weights),))
            _put(net, 0, kept, biases + mean @ (weights - kept))
        if np.any(self.targets):
            weights, biases = _layer(net, -1)
            to_be = self.after.targets
            factor = np.where(self.targets, to_be.unit / np.asarray(self.before.targets.unit), 1.0)
            moved = to_be.stretch(self.before.targets.shrink(biases))
            _put(net, -1, weights * factor, np.where(self.targets, moved, biases))


def _alike(was: Scale, now: Scale) -> Array:
    """Which columns have scales so alike that an optimizer need not begin anew."""
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = np.asarray(now.unit) / was.unit
        apart = np.abs(np.asarray(now.mean) - was.mean) / was.unit
    alike: Array = (ratio <= ALIKE) & (ratio >= 1 / ALIKE) & (apart <= ALIKE)
    return alike


def _layer(net: Sequential, which: int) -> tuple[Array, Array]:
    """The weights and biases of the first or the last Dense layer."""
    weights, biases = dense_names(net)[which]
    return net.parameters[weights], net.parameters[biases]


def _put(net: Sequential, which: int, *arrays: Array) -> None:
    """Give that layer these weights and biases."""
    for name, array in zip(dense_names(net)[which], arrays, strict=True):
        net.parameters[name] = array.astype(net.dtype)
