"""The reference: what a well-made network reaches on the same rows, made from the data alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from chainrule.doctor.byhand.reading import BINARY, VALUES, Targets, constant, share
from chainrule.doctor.byhand.running import Portions
from chainrule.graph.op import Array
from chainrule.nn.layers import Dense
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Adam

#: Its hidden units, its steps, its rate and the rows of its batches.
UNITS, STEPS, RATE, BATCH = 32, 1500, 0.01, 32


@dataclass(frozen=True)
class Reference:
    """Shares of the constant answer's loss: on the training rows, and the best on others."""

    share: float
    held_share: float


def reference(parts: Portions, seed: int, *, shuffled: bool = False) -> Reference:
    """Train it; ``shuffled`` mixes the targets up among the training rows."""
    parts = finite_rows(parts)
    X = np.asarray(parts.X, np.float64).reshape(len(parts.X), -1)
    mean, spread = X.mean(axis=0), X.std(axis=0)
    spread = np.where(spread > 1e-6 * max(float(np.abs(X).max()), 1e-300), spread, 1.0)
    targets = parts.targets
    if shuffled:
        order = np.random.default_rng(seed + 1).permutation(len(X))
        targets = targets.rows(order)
    held_x = None if parts.held_x is None else np.asarray(parts.held_x).reshape(-1, X.shape[1])
    return _trained(
        (X - mean) / spread, targets, None if held_x is None else (held_x - mean) / spread,
        parts.held, seed,
    )  # fmt: skip


def finite_rows(parts: Portions) -> Portions:
    """The rows all of whose inputs are finite, to have a yardstick for the others too."""
    good = np.isfinite(np.asarray(parts.X, np.float64).reshape(len(parts.X), -1)).all(axis=1)
    kept = Portions(
        parts.X[good], parts.y[good], parts.targets.rows(good), parts.held_x, parts.held
    )
    if parts.held is None or parts.held_x is None:
        return kept
    flat = np.asarray(parts.held_x, np.float64).reshape(len(parts.held_x), -1)
    at = np.isfinite(flat).all(axis=1)
    return replace(kept, held_x=parts.held_x[at], held=parts.held.rows(at))


def _trained(
    X: Array, targets: Targets, held_x: Array | None, held: Targets | None, seed: int
) -> Reference:
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
        X, asked(targets), optimizer=Adam(RATE), epochs=max(20, -(-STEPS // -(-len(X) // BATCH))),
        batch_size=BATCH, seed=seed, progress=False,
        validation=None if held is None else (held_x, asked(held)),
    )  # fmt: skip
    scaled = Targets(targets.kind, asked(targets), targets.classes)
    on_train = share(net.predict(X), scaled)
    if held is None:
        return Reference(on_train, on_train)
    level = constant(Targets(held.kind, asked(held), held.classes))
    return Reference(on_train, min(history["validation_loss"]) / level)
