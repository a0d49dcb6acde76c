"""The reference: how far a well-made network gets on the same rows, as a yardstick.

Scaled inputs, at least two dozen hidden units that start as they should, Adam, batches drawn anew.
It is made from the data and the kind of the loss alone, so that no fault of the case reaches it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from chainrule.doctor.case import Case
from chainrule.doctor.experiment import Portions, Trial, train
from chainrule.graph.op import Array
from chainrule.nn.layers import Dense, Flatten, Layer
from chainrule.nn.losses import NAMED
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Adam

#: Hidden units of the reference, at least and at most, its steps and its rate.
UNITS, MOST_UNITS, STEPS, RATE = 24, 256, 1500, 0.01
#: Losses whose share of the constant answer's does not depend on the scale of the targets.
_QUADRATIC = ("mean_squared_error", "sum_squared_error", "half_sum_squared_error")


@dataclass(frozen=True)
class Reference:
    """The lowest shares of the constant answer's loss that a well-made network reached."""

    share: float
    held_share: float


def reference(case: Case, data: Portions, *, shuffled: bool = False) -> Reference:
    """Train the reference on the rows of ``data``; ``shuffled`` mixes the targets up among them."""
    scaled = _scaled(data, case.loss.kind)
    if shuffled:
        order = np.random.default_rng(case.seed + 1).permutation(len(data.train["t"]))
        scaled = replace(scaled, train=scaled.train | {"t": scaled.train["t"][order]})
    made = _made(case, data)
    rows = len(data.train["x"])
    trial = train(made, max(20, -(-STEPS // -(-rows // 32))), scaled)
    if case.loss.name in (*_QUADRATIC, "cross_entropy", "binary_cross_entropy"):
        return Reference(min(row[1] for row in trial.curve[1:]), trial.best_held_share)
    return _by_own_loss(case, data, trial, scaled)


def _made(case: Case, data: Portions) -> Case:
    widths = [layer.units for layer in case.network.layers if isinstance(layer, Dense)][:-1]
    hidden = min(MOST_UNITS, max([UNITS, *[2 * units for units in widths]]))
    last = {"classes": "softmax", "probability": "sigmoid"}.get(case.loss.kind)
    loss = NAMED[
        {"classes": "cross_entropy", "probability": "binary_cross_entropy"}.get(
            case.loss.kind, "mean_squared_error"
        )
    ]
    layers: list[Layer] = [Dense(hidden, "tanh"), Dense(case.network.output_shape[-1], last)]
    shape = data.train["x"].shape[1:]
    if len(shape) > 1:
        layers.insert(0, Flatten())
    net = Sequential(*layers).build(shape, case.seed)
    net.loss = loss
    return replace(
        case, network=net, loss=loss, optimizer=Adam(RATE), batch_size=32, shuffle=True,
        schedule=None,
    )  # fmt: skip


def _scaled(data: Portions, kind: str) -> Portions:
    """Inputs, and targets that are values, with mean 0 and spread 1 on the training rows."""
    names = ("x", "t") if kind == "values" else ("x",)
    train, held = dict(data.train), None if data.held is None else dict(data.held)
    for name in names:
        mean, spread = _mean_spread(data.train[name])
        train[name] = ((data.train[name] - mean) / spread).astype(np.float32)
        if held is not None and data.held is not None:
            held[name] = ((data.held[name] - mean) / spread).astype(np.float32)
    for part in (train, held):
        for name, array in (part or {}).items():
            if part is not None and array.dtype == np.float64:
                part[name] = array.astype(np.float32)
    if kind == "values":
        held_level = math.nan if held is None else float(np.mean(held["t"] ** 2))
        return Portions(train, held, float(np.mean(train["t"] ** 2)) or 1.0, held_level)
    return replace(data, train=train, held=held)


def _mean_spread(array: Array) -> tuple[Array, Array]:
    wide = array.astype(np.float64)
    spread = wide.std(axis=0)
    least = 1e-6 * max(float(np.abs(wide).max()), 1e-300)
    return wide.mean(axis=0), np.where(spread > least, spread, 1.0)


def _by_own_loss(case: Case, data: Portions, trial: Trial, scaled: Portions) -> Reference:
    """The shares by the loss of the case, of predictions in the units of the targets."""
    mean, spread = _mean_spread(data.train["t"])
    shares: list[float] = []
    parts = [(data.train, scaled.train, data.level), (data.held, scaled.held, data.held_level)]
    for own, part, level in parts:
        if own is None or part is None:
            shares.append(shares[0])
            continue
        answer = trial.network.predict(part["x"]) * spread + mean
        with np.errstate(all="ignore"):
            value = float(np.asarray(case.loss(answer, own["t"].astype(np.float64))))
        shares.append(value / level if math.isfinite(value) else math.nan)
    return Reference(shares[0], shares[1])
