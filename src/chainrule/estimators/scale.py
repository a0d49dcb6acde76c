"""The scales of columns and targets: networks train on (x - mean) / unit and (y - mean) / unit.

A network begins with weights that suit columns of about unit size, and takes steps of a thousandth:
it is long on its way to targets in hundreds, and of several columns it hears only the one in
thousands. So both are shifted and shrunk before training, and that is folded into the first and the
last layer afterwards, which is exact:

    ((x - mean) / unit) W + b  =  x (W / unit) + (b - (mean / unit) W)
    (h W + b) unit + mean      =  h (W unit) + (b unit + mean)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.estimators.build import dense_names
from chainrule.graph.op import Array
from chainrule.nn.sequential import Sequential
from chainrule.train.history import History

#: A spread of less than this part of the mean is rounding, and no scale.
LEAST_SPREAD = 1e-12

#: Between these lies the largest number of a column, but for its sign, that needs no scale: one
#: that was standardised, or shrunk to between 0 and 1, or is 0 and 1; lengths in suitable units.
ORDINARY = (0.1, 10.0)

#: So many of its units a column may lie away from 0 before it needs to be shifted.
FAR = 20.0

#: How far from 0 the mean may be, and between what the unit, of a column that is standardised, or
#: was with some more rows: then its largest number may be any.
NEAR_MEAN, NEAR_UNIT = 0.5, (0.5, 2.0)

#: Rows that are looked at in one piece, in double precision.
ROWS = 4096


@dataclass(frozen=True, eq=False)
class Scale:
    """Numbers (n, columns) as training has them: (numbers - mean) / unit."""

    mean: Array | float = 0.0
    unit: Array | float = 1.0

    @staticmethod
    def of_targets(y: Array, w: Array | None) -> Scale:
        """Their means and standard deviation, each row counted w times.

        The unit is one for all outputs, so that none counts for more or less in the loss.
        """
        mean = np.average(y, axis=0, weights=w)
        unit = float(np.sqrt(np.average(np.square(y - mean), axis=0, weights=w).mean()))
        known = unit > LEAST_SPREAD * np.abs(mean).max() and np.isfinite(unit)
        return Scale(mean, unit if known else 1.0)

    @staticmethod
    def of_columns(x: Array, w: Array | None) -> Scale:
        """The mean and the standard deviation of each column, each row counted w times.

        A constant column has the unit 1.
        """
        w = np.ones(len(x)) if w is None else w
        mean, square = np.zeros(x.shape[1]), np.zeros(x.shape[1])
        with np.errstate(over="ignore", invalid="ignore"):
            for part, weights in _pieces(x, w):
                mean += weights @ part
            mean /= w.sum()
            for part, weights in _pieces(x, w):
                square += weights @ np.square(part - mean)
            unit = np.sqrt(square / w.sum())
        known = (unit > LEAST_SPREAD * np.abs(mean)) & np.isfinite(unit)
        return Scale(np.where(np.isfinite(mean), mean, 0.0), np.where(known, unit, 1.0))

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


@dataclass(frozen=True, eq=False)
class Scales:
    """The scales of what a network takes in and of what it answers."""

    inputs: Scale = field(default_factory=Scale)
    targets: Scale = field(default_factory=Scale)

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

    @property
    def square(self) -> float:
        """What a loss of training, of squares, is multiplied by to be in y's units."""
        return float(self.targets.unit**2)

    def losses(self, losses: Sequence[float]) -> list[float]:
        """Losses in y's units."""
        return [float(loss * self.square) for loss in losses]

    def stretch_losses(self, history: History) -> None:
        """Let a history tell losses in y's units."""
        for name in ("loss", "validation_loss"):
            if name in history:
                history.columns[name] = self.losses(history[name])


def ordinary(x: Array, scale: Scale) -> bool:
    """Whether all columns are of ordinary size, those of 0 alone aside, and none is far from 0."""
    largest = np.maximum(x.max(axis=0), -x.min(axis=0))
    standardised = (np.abs(scale.mean) <= NEAR_MEAN) & _within(scale.unit, NEAR_UNIT)
    varies = x.max(axis=0) > x.min(axis=0)
    is_near = ~varies | (np.abs(scale.mean) <= FAR * np.asarray(scale.unit))
    return bool(np.all((largest == 0) | (_within(largest, ORDINARY) & is_near) | standardised))


def _within(numbers: Any, limits: tuple[float, float]) -> Any:
    return (numbers >= limits[0]) & (numbers <= limits[1])


def _pieces(x: Array, w: Array) -> Iterator[tuple[Array, Array]]:
    """Some rows at a time, in double precision, and their weights."""
    for i in range(0, len(x), ROWS):
        yield x[i : i + ROWS].astype(np.float64), w[i : i + ROWS]


def _layer(net: Sequential, which: int) -> tuple[Array, Array]:
    """The weights and biases of the first or the last Dense layer."""
    weights, biases = dense_names(net)[which]
    return net.parameters[weights], net.parameters[biases]


def _put(net: Sequential, which: int, *arrays: Array) -> None:
    """Give that layer these weights and biases."""
    for name, array in zip(dense_names(net)[which], arrays, strict=True):
        net.parameters[name] = array.astype(net.dtype)
