"""The reference: how far a well-made network gets on the same rows, as a yardstick.

Scaled inputs, at least two dozen hidden units that start as they should, Adam, batches drawn anew.
It is made from the data and the kind of the loss alone, so that no fault of the case reaches it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.doctor.case import Case
from chainrule.doctor.experiment import Portions, Trial, parted, train
from chainrule.doctor.probes.answers import kind_of_targets, value_of
from chainrule.doctor.probes.others import difference, folds, judged, together
from chainrule.doctor.standardising import mean_and_spread
from chainrule.graph.op import Array
from chainrule.nn.layers import Dense, Flatten, Layer
from chainrule.nn.losses import NAMED
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Adam

#: Hidden units of the reference, at least and at most, its steps and its rate.
UNITS, MOST_UNITS, STEPS, RATE = 24, 256, 1500, 0.01
#: The rate of a single layer, which has no hidden units that might saturate.
RATE_OF_A_PLANE = 0.03
#: Losses whose share of the constant answer's does not depend on the scale of the targets.
_QUADRATIC = ("mean_squared_error", "sum_squared_error", "half_sum_squared_error")


@dataclass(frozen=True)
class Reference:
    """The lowest shares of the constant answer's loss that a well-made network reached."""

    share: float
    held_share: float

    @property
    def best_held_share(self) -> float:
        """The lowest on held rows, which it is already."""
        return self.held_share


def reference(case: Case, data: Portions, *, is_plane: bool = False) -> Reference:
    """Train the reference on the rows of ``data`` and measure it by the loss of the case.

    ``is_plane`` leaves out its hidden layer: then it is as good as a single layer gets.
    """
    kind = kind_of_targets(case.loss, data.train["t"])
    scaled = _scaled(data, kind)
    if kind == case.loss.kind != "values" and case.loss not in NAMED.values():
        # A sum, or a multiple, of the standard loss: by which the reference is trained.
        held = None if data.held is None else data.held["t"]
        levels = (_level(kind, data.train["t"]), math.nan if held is None else _level(kind, held))
        scaled = replace(scaled, level=levels[0], held_level=levels[1])
    trial = _trained(case, scaled, kind, is_plane)
    found = Reference(min(row[1] for row in trial.curve[1:]), trial.best_held_share)
    plain = _QUADRATIC if kind == "values" else ("cross_entropy", "binary_cross_entropy")
    return found if case.loss.name in plain else _by_own_loss(case, data, trial, scaled, found)


@dataclass(frozen=True, eq=False)
class Knowable:
    """What can be known of the targets of rows that were not learnt from.

    Attributes:
        left: of each row, the share of the constant answer's loss that the judge leaves.
    """

    left: Array

    @property
    def share(self) -> float:
        """The mean of all rows."""
        return float(self.left.mean())

    @property
    def is_something(self) -> bool:
        """Whether the judge does clearly better than a constant answer."""
        return difference(np.ones(len(self.left)), self.left).is_clear


def knowable(case: Case, *, is_plane: bool = False) -> Knowable:
    """Cross-validate the reference: each row is judged once, by a network that did not see it.

    The number of epochs is the best one for all parts together, so that few rows suffice.
    """
    parts = []
    for at in folds(case):
        data = parted(case, *at)
        assert data.held is not None
        kind = kind_of_targets(case.loss, data.train["t"])
        levels = _level(kind, data.train["t"]), _level(kind, data.held["t"])
        scaled = _scaled(replace(data, level=levels[0], held_level=levels[1]), kind)
        made = _made(case, scaled, kind, is_plane)
        parts.append(judged(made, scaled, _epochs(scaled)))
    return Knowable(together(parts).best)


def _level(kind: str, t: Array) -> float:
    """The standard loss of the best constant answer."""
    if kind == "values":
        return 1.0  # the targets will be scaled
    labels = (t[:, None] == np.unique(t)) if t.ndim == 1 else t
    p = np.clip(labels.astype(np.float64).mean(axis=0), 1e-12, 1 - 1e-12)
    entropy = -p * np.log(p) - (0 if kind == "classes" else (1 - p) * np.log(1 - p))
    return float(entropy.sum() if kind == "classes" else entropy.mean()) or 1.0


def _trained(case: Case, scaled: Portions, kind: str, is_plane: bool = False) -> Trial:
    return train(_made(case, scaled, kind, is_plane), _epochs(scaled), scaled)


def _epochs(data: Portions) -> int:
    return max(20, -(-STEPS // -(-len(data.train["x"]) // 32)))


def _made(case: Case, data: Portions, kind: str, is_plane: bool) -> Case:
    widths = [layer.units for layer in case.network.layers if isinstance(layer, Dense)][:-1]
    hidden = min(MOST_UNITS, max([UNITS, *[2 * units for units in widths]]))
    last = {"classes": "softmax", "probability": "sigmoid"}.get(kind)
    loss = NAMED[
        {"classes": "cross_entropy", "probability": "binary_cross_entropy"}.get(
            kind, "mean_squared_error"
        )
    ]
    layers: list[Layer] = [] if is_plane else [Dense(hidden, "tanh")]
    layers.append(Dense(case.network.output_shape[-1], last))
    shape = data.train["x"].shape[1:]
    if len(shape) > 1:
        layers.insert(0, Flatten())
    net = Sequential(*layers).build(shape, case.seed)
    net.loss = loss
    rate = RATE_OF_A_PLANE if is_plane else RATE
    return replace(
        case, network=net, loss=loss, optimizer=Adam(rate), batch_size=32, shuffle=True,
        schedule=None,
    )  # fmt: skip


def _scaled(data: Portions, kind: str) -> Portions:
    """Inputs, and targets that are values, with mean 0 and spread 1 on the training rows."""
    names = ("x", "t") if kind == "values" else ("x",)
    train, held = dict(data.train), None if data.held is None else dict(data.held)
    for name in names:
        mean, spread = mean_and_spread(data.train[name])
        train[name] = ((data.train[name] - mean) / spread).astype(np.float32)
        if held is not None and data.held is not None:
            held[name] = ((data.held[name] - mean) / spread).astype(np.float32)
    for part in (train, held):
        for name, array in (part or {}).items():
            if part is not None and array.dtype == np.float64:
                part[name] = array.astype(np.float32)
    if kind == "values":
        held_level = math.nan if held is None else float(np.mean(held["t"] ** 2)) or 1.0
        return Portions(train, held, float(np.mean(train["t"] ** 2)) or 1.0, held_level)
    return replace(data, train=train, held=held)


def _by_own_loss(
    case: Case, data: Portions, trial: Trial, scaled: Portions, found: Reference
) -> Reference:
    """The shares by the loss of the case, of predictions in the units of the targets.

    Where that loss has no number for them, or was not written for them, ``found`` stays.
    """
    mean: Any = 0.0
    spread: Any = 1.0
    if kind_of_targets(case.loss, data.train["t"]) == "values":
        mean, spread = mean_and_spread(data.train["t"])
    shares: list[float] = []
    parts = [(data.train, scaled.train, data.level), (data.held, scaled.held, data.held_level)]
    for own, part, level in parts:
        if own is None or part is None:
            shares.append(shares[0])
            continue
        answer = trial.network.predict(part["x"]).astype(np.float64) * spread + mean
        value = value_of(case.loss, answer, own["t"])
        if value is None:
            return found
        shares.append(value / level)
    return found if shares[0] > found.share + 0.3 else Reference(shares[0], shares[1])
