"""Leftover: names for wrong gradients that no known mistake gives."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule.check import kinds
from chainrule.check.closeness import Closeness
from chainrule.check.evidence import Array
from chainrule.check.kinds import Mistake


def unexplained(
    wrong: Mapping[str, Array],
    mine: Mapping[str, Array],
    closeness: Closeness,
    parameters: Mapping[str, Array],
    unused: set[str],
    penalty: Mapping[str, Array] | None = None,
) -> tuple[Mistake, ...]:
    """Names for gradients that no mutant gave.

    ``mine`` are the true ones, ``penalty`` what the loss's penalty has in them.
    """
    found = []
    left = dict(wrong)
    idle = [name for name in left if name in unused]
    if idle:
        what = f"The loss does not depend on {', '.join(idle)}, and theirs is not zero."
        found.append(Mistake(kinds.UNUSED, tuple(idle), what=what, repair=_zeros(idle[0])))
    for name in idle:
        del left[name]
    whole, of_data = multiples(left, mine, closeness), {}
    if penalty is not None and any(np.any(part) for part in penalty.values()):
        fit = {n: g for n, g in left.items() if g.shape == penalty[n].shape}
        of_data = multiples(
            {n: g - penalty[n] for n, g in fit.items()},
            {n: mine[n] - penalty[n] for n in fit},
            closeness,
        )
    spared = sum(map(len, of_data.values())) > sum(map(len, whole.values()))
    for c, names in (of_data if spared else whole).items():
        but = ", but for the penalty's part" if spared else ""
        what = f"Theirs is {c:.8g} times the true gradient in {', '.join(names)}, throughout{but}."
        repair = f"d{names[0]} = d{names[0]} / {c:.8g}"
        found.append(Mistake(kinds.SCALED, names, what=what, repair=repair))
        for name in names:
            del left[name]
    if left:
        what = " ".join(_known(name, left[name], mine[name], parameters[name]) for name in left)
        found.append(Mistake(kinds.NOT_RECOGNISED, tuple(left), what=what))
    return tuple(found)


def _zeros(name: str) -> str:
    return f"d{name} = np.zeros_like({name})    # or use {name} in the loss"


def multiples(
    left: Mapping[str, Array], mine: Mapping[str, Array], closeness: Closeness
) -> dict[float, tuple[str, ...]]:
    """Parameters whose gradient is one and the same multiple of the true one."""
    slopes: dict[str, float] = {}
    for name, theirs in left.items():
        c = closeness.factor(theirs, mine[name])
        if c is not None:
            slopes[name] = c
    groups: dict[float, tuple[str, ...]] = {}
    for name, c in sorted(slopes.items(), key=lambda item: -left[item[0]].size):
        near = next(
            (k for k in groups if abs(c - k) <= 10 * closeness.allowed(left[name]) * abs(k)), None
        )
        # One number is always a multiple of another, and two often are (the biases before a softmax
        # of two classes): alone they say nothing.
        if near is not None:
            groups[near] = (*groups[near], name)
        elif left[name].size > 2:
            groups[c] = (name,)
    return groups


def _known(name: str, theirs: Array, mine: Array, parameter: Array) -> str:
    if theirs.shape != mine.shape:
        return f"{name}: theirs has shape {theirs.shape}, the parameter {parameter.shape}."
    if not np.all(np.isfinite(theirs)):
        return f"{name}: theirs holds NaN or infinity."
    known = ~np.isnan(mine)
    a, b = theirs[known], mine[known]
    square = float(np.sum(b * b))
    if not square:
        return f"{name}: the true gradient is zero, theirs is up to {np.max(np.abs(a)):.3g}."
    c = float(np.sum(a * b)) / square
    rest = float(np.linalg.norm(a - c * b) / max(float(np.linalg.norm(a)), 1e-300))
    return f"{name}: {c:.4g} times the true gradient comes nearest, and {rest:.0%} is left over."
