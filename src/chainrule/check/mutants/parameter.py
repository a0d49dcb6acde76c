"""Slips that any parameter may suffer: factors, transposes, another's gradient, none at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from chainrule.check import kinds
from chainrule.check.evidence import Array
from chainrule.check.mutants.factors import Factor, undone
from chainrule.check.mutants.mutant import DOUBTFUL, Slip

#: Nothing is called a multiple of a parameter of which more than this share is left over.
SMALL = 0.01


def parameter_slips(
    name: str, whole: Array, part: Array, is_penalised: bool, factors: Sequence[Factor]
) -> Iterator[Slip]:
    """Slips of one parameter: ``whole`` is its gradient, ``part`` what the penalty has in it.

    ``is_penalised`` says that the loss has a penalty, be it on this parameter or another: a slip in
    what comes from the data then spares the penalty's part in all of them.
    """
    data, g = whole - part, kinds.gradient_of(name)
    yield Slip(
        kinds.FROZEN, name, np.zeros_like(whole), "zeros",
        "{names}: theirs is zero, though the loss depends on it: it will never learn.",
        f"{g} = ...    # it is missing, or set back to zeros", None,
        0 if np.any(data) else DOUBTFUL,
    )  # fmt: skip
    if whole.ndim == 2:
        yield _transposed(name, whole.T, 0)
        if np.any(part) and part.shape == part.T.shape:
            yield _transposed(name, data.T + part, 1)
    for factor in factors:
        value, rank = factor.value, factor.rank
        yield _multiplied(name, factor, value * whole, "", "theirs", rank)
        if is_penalised:
            but = "without the penalty's part, theirs"
            yield _multiplied(name, factor, value * data + part, ", data", but, max(1, rank))
    if np.any(part):
        yield from _penalty_slips(name, data, part, factors)


def _transposed(name: str, gives: Array, rank: int) -> Slip:
    g = kinds.gradient_of(name)
    what = "{names}: theirs is the transpose of the gradient."
    return Slip(kinds.TRANSPOSED, name, gives, "transposed", what, f"{g} = {g}.T", None, rank)


def _multiplied(name: str, factor: Factor, gives: Array, which: str, whose: str, rank: int) -> Slip:
    note, what = f"factor {factor.value:g}{which}", f"{{names}}: {whose} {factor.what}."
    repair = undone(kinds.gradient_of(name), factor.value)
    return Slip(factor.kind, name, gives, note, what, repair, None, rank)


def _penalty_slips(
    name: str, data: Array, part: Array, factors: Sequence[Factor]
) -> Iterator[Slip]:
    """Slips in what a penalty adds to the gradient."""
    g = kinds.gradient_of(name)
    for factor in factors:
        gives, whose = data + factor.value * part, "the penalty's part in theirs"
        yield _multiplied(name, factor, gives, ", penalty", whose, max(1, factor.rank))
    yield Slip(
        kinds.PENALTY_ONLY_IN_LOSS, name, data, "no penalty",
        "{names}: the loss has a penalty on it, and its derivative is missing in theirs.",
        f"{g} = {g} + ...    # add the derivative of the penalty",
    )  # fmt: skip
    yield Slip(
        kinds.FROZEN, name, part, "penalty alone",
        "{names}: theirs has the penalty's derivative and nothing from the data.",
        f"{g} = ...    # it is missing, or set back to zeros", None, 2,
    )  # fmt: skip


def exchanged_slips(
    name: str,
    shape: tuple[int, ...],
    gradients: Mapping[str, Array],
    biases: Sequence[str],
) -> Iterator[Slip]:
    """The gradient of another parameter in this one's place; ``shape`` is that of theirs."""
    for other, gradient in gradients.items():
        if other == name:
            continue
        is_bias = name in biases and other in biases
        if is_bias and gradient.size > 1:
            yield Slip(
                kinds.OTHER_BIAS, name, np.full(shape, gradient.sum()), f"sum of {other}",
                "{names}: theirs is the gradient of " + other + ", summed over every axis.",
                f"{kinds.gradient_of(name)} = ...    # that of {other} stands in its place",
                None, 4,
            )  # fmt: skip
        kind = kinds.OTHER_BIAS if is_bias else kinds.OTHER_INPUT
        if gradient.shape == shape:
            array = gradient
        elif gradient.size == 1 and is_bias:
            array = np.full(shape, gradient.reshape(-1)[0])
        elif is_bias and _slim(gradient.shape) == _slim(shape):
            array = gradient.reshape(shape)
        else:
            continue
        yield Slip(
            kind, name, array, f"of {other}",
            "{names}: theirs is the gradient of " + other + ".",
            f"{kinds.gradient_of(name)} = ...    # that of {other} stands in its place",
            None, 0 if is_bias else 4,
        )  # fmt: skip


def _slim(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def added_penalty(
    name: str,
    parameter: Array,
    theirs: Array,
    gradient: Array,
    rounding: float,
    strengths: Sequence[float] = (),
) -> Iterator[Slip]:
    """The derivative of a penalty on ``parameter``, if theirs has one that the loss has not.

    One number is always a multiple of another, and two may be by chance: for so few the strength
    must be one of ``strengths``, those found for other parameters.
    """
    for shape, spelled in ((parameter, name), (np.sign(parameter), f"np.sign({name})")):
        strength = penalty_strength(shape, theirs, gradient, rounding)
        strength = strength if strength is not None and strength > 0 else None
        if np.count_nonzero(shape) < 3 or np.ptp(shape) == 0:
            near = [s for s in strengths if strength and abs(s - strength) <= SMALL * abs(s)]
            strength = near[0] if near else None
        if strength is None:
            continue
        norm = f"{strength / 2:.6g} * np.sum({name}**2)"
        added = norm if spelled == name else f"{strength:.6g} * np.sum(np.abs({name}))"
        yield Slip(
            kinds.PENALTY_ONLY_IN_GRADIENT, name, gradient + strength * shape,
            f"strength {strength:.6g}",
            "{names}: theirs adds " + f"{strength:.6g} * {spelled}" + ", the derivative of a "
            "penalty that the loss does not have.",
            f"loss = loss + {added}    # or take it out of {kinds.gradient_of(name)}",
        )  # fmt: skip
        return


def penalty_strength(shape: Array, theirs: Array, gradient: Array, rounding: float) -> float | None:
    """c, if theirs is the gradient and c times ``shape``; None if not.

    ``rounding`` is the relative error of theirs.
    """
    rest = theirs - gradient
    square = float(np.sum(shape * shape))
    if square == 0 or not np.any(rest):
        return None
    c = float(np.sum(rest * shape)) / square
    off = float(np.max(np.abs(rest - c * shape)))
    rounded = rounding * float(np.max(np.abs(theirs)))
    return c if off <= min(rounded, SMALL * float(np.max(np.abs(rest)))) else None
