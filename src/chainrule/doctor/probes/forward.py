"""Forward: what can be learnt of a network by computing its outputs a few times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.doctor.probes.layers import outputs
from chainrule.graph.apply import constant
from chainrule.graph.op import Array
from chainrule.nn.layers import Dense, Layer
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.train.step import flat, loss_and_gradient, views

#: Rows of the batch in which one is changed.
ROWS = 8


@dataclass(frozen=True)
class Leak:
    """How the rows of a batch depend on each other.

    Attributes:
        rows: of the batch. moved: how far other rows' outputs move when one row changes.
        total: the sum of all outputs. columns_off: how far the columns' sums are from 1.
    """

    rows: int
    moved: float
    total: float
    columns_off: float


def leak(net: Sequential, x: Array) -> Leak | None:
    """What changes in other rows when one row of the inputs does; None if nothing does."""
    batch = x[:ROWS]
    if len(batch) < 2:
        return None
    other = batch.copy()
    other[0] = batch[0] + batch.std() + 1
    before, after = (np.asarray(net.predict(rows), np.float64) for rows in (batch, other))
    moved = float(np.abs(before[1:] - after[1:]).max())
    size = float(np.abs(before).max())
    if not np.isfinite(moved) or moved <= 1e-5 * max(size, 1e-300):
        return None
    flat = before.reshape(len(batch), -1)
    off = float(np.abs(flat.sum(axis=0) - 1).max())
    return Leak(len(batch), moved, float(flat.sum()), off)


def gradient_sizes(net: Sequential, loss: Loss, part: Mapping[str, Array]) -> dict[str, float]:
    """The root mean square of the gradient of each weight matrix, on the rows of ``part``."""
    shapes = {name: array.shape for name, array in net.parameters.items()}
    theta = flat(net.parameters, net.dtype)
    kept = {name: constant(array) for name, array in net.statistics.items()}
    given = {name: constant(array) for name, array in part.items()}
    key = constant(np.zeros(2, np.uint32))
    with np.errstate(all="ignore"):
        _, gradient, _ = loss_and_gradient(net, loss, constant(theta), kept, given, key)
    assert gradient.value is not None
    found = views(gradient.value, shapes)
    return {
        name: float(np.sqrt(np.mean(array.astype(np.float64) ** 2)))
        for name, array in found.items()
        if array.ndim > 1
    }


def curvature(net: Sequential) -> float:
    """|f(x + y) + f(0) - f(x) - f(y)| beside |f|, of the sums of the last Dense layer."""
    assert net.input_shape is not None
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((32, *net.input_shape)).astype(net.dtype) for _ in range(2))
    zero = np.zeros_like(x)
    f = [_sums(net, rows) for rows in (x + y, zero, x, y)]
    size = float(np.abs(f[0] - f[1]).max())
    return float(np.abs(f[0] + f[1] - f[2] - f[3]).max()) / max(size, 1e-300)


def _sums(net: Sequential, x: Array) -> Array:
    """x W + b of the last Dense layer."""
    last = max(i for i, layer in enumerate(net.layers) if isinstance(layer, Dense))
    given: list[tuple[Layer, Array]] = outputs(net, x)[:last]
    before = given[-1][1] if given else x
    names = list(list(net.shapes())[last][2].values())
    return np.asarray(before, np.float64) @ names[0].astype(np.float64) + names[1]
