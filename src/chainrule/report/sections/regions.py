"""Which answers it gives where: the plane of the inputs, where there are two of them."""

from __future__ import annotations

import numpy as np

from chainrule.report.blocks import Figure, Section
from chainrule.report.charts.frame import Axis, around
from chainrule.report.charts.plane import MARKS, plane
from chainrule.report.material import Material

#: Places to either side, and points that are drawn.
PLACES, MOST_POINTS = 40, 250


def section(material: Material) -> Section | None:
    """A picture, for up to four classes of two numbers."""
    X = material.X
    if X is None or X.shape[1:] != (2,) or not 2 <= len(material.names) <= len(MARKS):
        return None
    names = material.feature_names or ("x1", "x2")
    x, y = (Axis(names[k], *around(X[:, k].tolist(), room=0.15)) for k in range(2))
    middles = (np.arange(PLACES) + 0.5) / PLACES
    a, b = (axis.low + (axis.high - axis.low) * middles for axis in (x, y))
    grid = np.stack(np.meshgrid(a, b), axis=-1).reshape(-1, 2)
    said = material.predict(grid).reshape(PLACES, PLACES, -1)
    rows = np.arange(len(X))
    if len(X) > MOST_POINTS:
        rows = np.random.default_rng(material.seed).permutation(len(X))[:MOST_POINTS]
    points = [(float(X[i, 0]), float(X[i, 1]), int(material.y[i])) for i in rows]
    shares = np.bincount(said.argmax(axis=2).ravel(), minlength=len(material.names)) / PLACES**2
    spoken = ", ".join(
        f"{name} in {100 * share:.0f} %" for name, share in zip(material.names, shares, strict=True)
    )
    alt = f"The plane of {names[0]} and {names[1]}, by what the network says: {spoken} of it."
    some = "" if len(rows) == len(X) else f" {MOST_POINTS} of the {len(X):,} rows are drawn."
    figure = Figure(
        plane(said, x, y, points, material.names, alt),
        f"What the network says of each place, the stronger the surer, and the {material.judged} "
        f"with their true classes. Inputs are as the network takes them.{some}",
        width=32,
        least=20,
    )  # fmt: skip
    return Section("regions", "What it says where", [figure])
