"""The scale of targets: networks are trained on (y - mean) / unit, and answer in y's own units.

A network that begins near 0, with steps of a thousandth, is long on its way to targets in hundreds.
So the targets are shifted and shrunk before training, and afterwards the last layer is stretched,
which is exact: (h W + b) unit + mean = h (W unit) + (b unit + mean).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from chainrule.estimators.build import dense_names
from chainrule.graph.op import Array
from chainrule.nn.sequential import Sequential
from chainrule.train.history import History

#: A spread of less than this part of the mean is rounding, and no scale.
LEAST_SPREAD = 1e-12


@dataclass(frozen=True, eq=False)
class Scale:
    """``mean`` has a number for each output; ``unit`` is one for all, so that none counts for more
    or less in the loss than it did."""

    mean: Array | float = 0.0
    unit: float = 1.0

    @staticmethod
    def of(y: Array, w: Array | None) -> Scale:
        """The mean and the standard deviation of numbers (n, outputs), each row counted w times."""
        mean = np.average(y, axis=0, weights=w)
        unit = float(np.sqrt(np.average(np.square(y - mean), axis=0, weights=w).mean()))
        known = unit > LEAST_SPREAD * np.abs(mean).max() and np.isfinite(unit)
        return Scale(mean, unit if known else 1.0)

    @property
    def square(self) -> float:
        """What a loss of training, of squares, is multiplied by to be in y's units."""
        return self.unit**2

    @property
    def is_none(self) -> bool:
        """Whether all stays as it is, to the last bit."""
        return self.unit == 1.0 and not np.any(self.mean)

    def shrink(self, t: Array) -> Array:
        """Targets as training has them."""
        return t if self.is_none else (t - self.mean) / self.unit

    def stretch(self, outputs: Array) -> Array:
        """Outputs of training in y's units."""
        return outputs if self.is_none else outputs * self.unit + self.mean

    def stretch_network(self, net: Sequential) -> None:
        """Let a network of training answer in y's units."""
        if not self.is_none:
            weights, biases = (net.parameters[name] for name in dense_names(net)[-1])
            _put(net, weights * self.unit, self.stretch(biases))

    @contextmanager
    def shrunk(self, net: Sequential) -> Iterator[None]:
        """Inside, the network answers as training has it; outside, in y's units.

        Its arrays from before are left as they are: they still answer in y's units.
        """
        if not self.is_none:
            weights, biases = (net.parameters[name] for name in dense_names(net)[-1])
            _put(net, weights / self.unit, self.shrink(biases))
        try:
            yield
        finally:
            self.stretch_network(net)

    def losses(self, losses: Sequence[float]) -> list[float]:
        """Losses in y's units."""
        return [float(loss * self.square) for loss in losses]

    def stretch_losses(self, history: History) -> None:
        """Let a history tell losses in y's units."""
        for name in ("loss", "validation_loss"):
            if name in history:
                history.columns[name] = self.losses(history[name])


def _put(net: Sequential, *arrays: Array) -> None:
    """Give the last Dense layer these weights and biases."""
    for name, array in zip(dense_names(net)[-1], arrays, strict=True):
        net.parameters[name] = array.astype(net.dtype)
