"""The verdict on one parameter: is theirs the true gradient, and if not, how far from it?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule.check.evidence import Array, Truth
from chainrule.check.independent import Independent
from chainrule.check.report import Verdict, Worst

#: Entries of a parameter that are looked at for kinks, when many of them disagree.
LOOKED_AT = 10


def verdict(name: str, theirs: Array | None, truth: Truth) -> Verdict:
    """The judgement on the gradient ``theirs`` of the parameter ``name``."""
    shape = truth.gradient.shape
    true, known = truth.gradient, truth.known
    if theirs is None:
        none = bool(np.all(np.abs(true[known]) <= truth.tolerance[known]))
        is_zero = none and truth.complete
        return Verdict(name, is_zero, None, None, None, shape, "" if is_zero else "not given")
    if theirs.shape != shape:
        return Verdict(name, False, None, None, None, shape, f"it has shape {theirs.shape}")
    broken = int(np.count_nonzero(~np.isfinite(theirs)))
    if broken:
        remark = f"NaN or infinite in {broken} of {theirs.size} entries"
        return Verdict(name, False, None, None, None, shape, remark)
    if not (known.any() or truth.directions or truth.kinks is not None):
        return Verdict(name, False, None, None, None, shape, judged=False)
    off = disagreeing(theirs, truth)
    along = [d for d in truth.directions if abs(np.sum(theirs * d.along) - d.slope) > d.tolerance]
    slope, residual = _fit(theirs, truth)
    worst = _worst(theirs, truth)
    right = not off.any() and not along
    remark = "in entries outside of the sample" if along and not off.any() else ""
    return Verdict(name, right, slope, residual, worst, shape, remark)


def disagreeing(theirs: Array, truth: Truth) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """The entries that are known, and differ by more than is allowed."""
    with np.errstate(invalid="ignore"):
        return truth.known & (np.abs(theirs - truth.gradient) > truth.tolerance)


def _fit(theirs: Array, truth: Truth) -> tuple[float | None, float | None]:
    """c and ‖theirs - c·true‖ / ‖theirs‖ for the c that makes it least, over what is known."""
    given, true = theirs[truth.known], truth.gradient[truth.known]
    size = float(np.sum(true * true))
    if size == 0 or np.sqrt(size) <= np.linalg.norm(truth.tolerance[truth.known]):
        return None, None
    slope = float(np.sum(given * true)) / size
    length = float(np.linalg.norm(given))
    return slope, float(np.linalg.norm(given - slope * true)) / length if length else 0.0


def _worst(theirs: Array, truth: Truth) -> Worst | None:
    if not truth.known.any():
        return None
    off = np.where(truth.known, np.abs(theirs - truth.gradient), -1.0)
    relative = off / np.maximum(truth.tolerance, np.finfo(np.float64).tiny)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(relative)), off.shape))
    return Worst(index, float(theirs[index]), float(truth.gradient[index]))


def looked_closer(name: str, theirs: Array | None, truth: Truth, numeric: Independent) -> Truth:
    """The truth after a closer look at the entries that disagree: it may be ours that is at fault.

    Each of them is taken along a ladder of steps of its own, for two reasons. A difference may have
    stepped over a kink nearby: then a smaller step agrees. Or the loss has a kink right there: then
    the derivatives to the left and to the right differ, and every number between them is right,
    since which one a backward pass gives is a matter of writing ``z > 0`` or ``z >= 0``.
    """
    if theirs is None or theirs.shape != truth.gradient.shape or not np.isfinite(theirs).all():
        return truth
    off = [tuple(int(i) for i in index) for index in np.argwhere(disagreeing(theirs, truth))]
    kinks, better = np.zeros(truth.gradient.shape, bool), truth.gradient.copy()
    step, excused = max(1, len(off) // LOOKED_AT), 0
    for start in range(step):  # some first: if none of them is excused, the rest is not looked at
        for index in off[start::step]:
            slope = numeric.entry(name, index)
            if slope is None:
                continue
            given, allowed = float(theirs[index]), float(truth.tolerance[index])
            if not slope.allows(given, allowed + 10 * slope.error):
                continue
            if slope.is_kink:
                kinks[index] = True
            elif not truth.exact:
                better[index] = given
            excused += slope.is_kink or not truth.exact
        if not excused:
            return truth
    return replace(truth, gradient=np.where(kinks, np.nan, better), kinks=kinks)
