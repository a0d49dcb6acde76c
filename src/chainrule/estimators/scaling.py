"""The scales of a training that goes on, piece by piece or fit by fit.

A scale that was taken from the first piece of the data may be a poor one: that piece may be tiny,
or sorted, or of other units. So the moments of all pieces are added up, and a column whose scale
has turned out wrong gets a new one. What the network answers is not changed by that, because scales
are folded into its layers: see ``estimators.scale``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.estimators.scale import Growth, Move, Scale, Scales
from chainrule.estimators.seen import Seen, is_standardised
from chainrule.graph.op import Array


@dataclass(frozen=True, eq=False)
class Scaling:
    """Scales, what they are taken from, and what changed by them if they are new ones.

    ``columns`` and ``targets`` are None where no scale is wanted, or nothing was seen;
    ``bend_rows`` says of how many rows the scales' bend was taken (see ``Growth``).
    """

    scales: Scales
    columns: Seen | None
    targets: Seen | None
    move: Move | None = None
    is_new: bool = True
    bend_rows: float = math.inf

    @staticmethod
    def of(wanted: Any, x: Array, t: Array | None, w: Array | None, growth: Growth) -> Scaling:
        """That of the first rows.

        Args:
            wanted: ``scale_inputs``.
            x, t: columns, and targets (n, outputs), None where these need no scale.
            w: how often each row counts.
            growth: of the loss.
        """
        columns, targets = _both(wanted, x, t, w)
        inputs, to_be = _of_columns(wanted, columns), _of_targets(targets)
        scales = Scales(inputs, to_be, growth.degree, growth.bent_by(to_be))
        return Scaling(scales, columns, targets, bend_rows=growth.rows)

    def after(
        self, wanted: Any, x: Array, t: Array | None, w: Array | None, growth: Growth, whole: bool
    ) -> Scaling:
        """That of further rows; ``whole`` says that these are all there are now.

        A bend that a piece showed stays until the targets' scale is a new one, or a piece of more
        than twice as many rows shows another.
        """
        columns, targets = _both(wanted, x, t, w)
        if not whole:
            columns, targets = _added(self.columns, columns), _added(self.targets, targets)
        old = self.scales
        inputs = renewed(old.inputs, _of_columns(wanted, columns))
        to_be = renewed(old.targets, _of_targets(targets))
        bend, rows = growth.bent_by(to_be), growth.rows
        if not whole and to_be is old.targets and rows <= 2 * self.bend_rows < math.inf:
            bend, rows = old.bend, self.bend_rows
        scales = Scales(inputs, to_be, growth.degree, bend)
        same = inputs is old.inputs and to_be is old.targets
        if same and growth.degree == old.degree and np.all(np.equal(bend, old.bend)):
            return Scaling(old, columns, targets, None, False, rows)
        fresh = ~self.columns.varies if self.columns else False
        unvaried = ~self.targets.varies if self.targets else False
        return Scaling(scales, columns, targets, Move(old, scales, fresh, unvaried), bend_rows=rows)


def renewed(old: Scale, new: Scale) -> Scale:
    """The old scale, with the new one for those columns by which the old one is wrong.

    It is right as long as the columns, shrunk by it, would still count as standardised.
    """
    if old.is_none or new.is_none:
        return old if old.is_none and new.is_none else new
    with np.errstate(over="ignore", invalid="ignore"):
        apart = (new.mean - old.mean) / old.unit
        right = is_standardised(Scale(apart, new.unit / np.asarray(old.unit)))
    if np.all(right):
        return old
    return Scale(np.where(right, old.mean, new.mean), np.where(right, old.unit, new.unit))


def _of_columns(wanted: Any, seen: Seen | None) -> Scale:
    no_need = seen is None or (wanted == "auto" and seen.is_ordinary)
    return Scale() if seen is None or no_need else seen.scale


def _of_targets(seen: Seen | None) -> Scale:
    return Scale() if seen is None else seen.scale_of_targets


def _both(
    wanted: Any, x: Array, t: Array | None, w: Array | None
) -> tuple[Seen | None, Seen | None]:
    """What is seen of columns and of targets, where a scale is wanted."""
    return _seen(x, w) if wanted else None, None if t is None else _seen(t, w)


def _seen(x: Array, w: Array | None) -> Seen | None:
    """What is seen of rows, if any counts."""
    return Seen.of(x, w) if len(x) and (w is None or np.any(w > 0)) else None


def _added(before: Seen | None, now: Seen | None) -> Seen | None:
    return before if now is None else now.after(before)
