"""The reference: what a well-made network reaches on the same rows, made from the data alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.doctor.byhand.reading import BINARY, VALUES, Targets, constant, share
from chainrule.doctor.byhand.running import Portions
from chainrule.doctor.standardising import mean_and_spread
from chainrule.graph.op import Array
from chainrule.nn.layers import Dense
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Adam

#: Its hidden units, its steps, its rate and the rows of its batches.
UNITS, STEPS, RATE, BATCH = 32, 1500, 0.01, 32
#: Up to so many rows are all held back in turn, so many parts after each other.
FEW_ROWS, PARTS = 1000, 4


@dataclass(frozen=True)
class Reference:
    """Shares of the constant answer's loss: on the training rows, and the best on others."""

    share: float
    held_share: float


def reference(parts: Portions, seed: int) -> Reference:
    """Train it on the training rows; the rows held back are judged on the way."""
    X, targets = _finite(parts.X, parts.targets)
    if parts.held is None or parts.held_x is None:
        found, _ = _trained(X, targets, None, seed)
        return Reference(found, found)
    found, curve = _trained(X, targets, _finite(parts.held_x, parts.held), seed)
    return Reference(found, float(curve.min()))


def crossed(parts: Portions, seed: int) -> float:
    """The best share on rows held back, all rows taking their turn where they are few.

    The curves of the parts are averaged before the best is taken: the best of one short curve is
    half luck.
    """
    X, targets = every_row(parts)
    rng = np.random.default_rng(seed + 1)
    part = rng.permutation(len(X)) % PARTS
    curves = []
    for k in range(PARTS if len(X) <= FEW_ROWS else 1):
        held = X[part == k], targets.rows(part == k)
        curves.append(_trained(X[part != k], targets.rows(part != k), held, seed)[1])
    shortest = min(map(len, curves))
    return float(np.mean([curve[:shortest] for curve in curves], axis=0).min())


def every_row(parts: Portions) -> tuple[Array, Targets]:
    """The rows trained on and those held back together, flat, as far as they are finite."""
    X, targets = _finite(parts.X, parts.targets)
    if parts.held is None or parts.held_x is None:
        return X, targets
    more, others = _finite(parts.held_x, parts.held)
    meant = np.concatenate([targets.meant, others.meant])
    return np.concatenate([X, more]), Targets(targets.kind, meant, targets.classes)


def _finite(X: Array, targets: Targets) -> tuple[Array, Targets]:
    """Flat rows, those all of whose inputs are finite: a yardstick for the others too."""
    flat = np.asarray(X, np.float64).reshape(len(X), -1)
    good = np.isfinite(flat).all(axis=1)
    return flat[good], targets.rows(good)


def _trained(
    X: Array, targets: Targets, held: tuple[Array, Targets] | None, seed: int
) -> tuple[float, Array]:
    """The share on the rows at the end, and those on rows held back after each epoch."""
    mean, spread = mean_and_spread(X)
    meant = targets.meant.astype(np.float64)
    middle, size = meant.mean(axis=0), np.maximum(meant.std(axis=0), 1e-300)
    last = {
        BINARY: Dense(1, "sigmoid"),
        VALUES: Dense(meant.shape[-1] if meant.ndim > 1 else 1),
    }.get(targets.kind, Dense(max(2, targets.classes), "softmax"))

    def asked(wanted: Targets) -> Array:
        is_values = wanted.kind == VALUES
        return (wanted.meant - middle) / size if is_values else wanted.meant

    net = Sequential(Dense(UNITS, "tanh"), last)
    history = net.fit(
        (X - mean) / spread, asked(targets), optimizer=Adam(RATE), batch_size=BATCH, seed=seed,
        epochs=max(20, -(-STEPS // -(-len(X) // BATCH))), progress=False,
        validation=None if held is None else ((held[0] - mean) / spread, asked(held[1])),
    )  # fmt: skip
    scaled = Targets(targets.kind, asked(targets), targets.classes)
    found = share(net.predict((X - mean) / spread), scaled)
    if held is None:
        return found, np.array([])
    level = constant(Targets(held[1].kind, asked(held[1]), held[1].classes))
    return found, np.array(history["validation_loss"]) / level
