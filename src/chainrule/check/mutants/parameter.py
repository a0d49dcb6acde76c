"""Slips that any parameter may suffer: factors, transposes, another's gradient, none at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from chainrule.check import kinds
from chainrule.check.evidence import Array
from chainrule.check.mutants.mutant import Slip

Factor = tuple[float, str, str, str]

#: Nothing is called a multiple of a parameter of which more than this share is left over.
SMALL = 0.01


def parameter_slips(
    name: str, whole: Array, part: Array, is_penalised: bool, factors: Sequence[Factor]
) -> Iterator[Slip]:
    """Slips of one parameter: ``whole`` is its gradient, ``part`` what the penalty has in it.

    ``is_penalised`` says that the loss has a penalty, be it on this parameter or another: a slip in
    what comes from the data then spares the penalty's part in all of them.
    """
    has_penalty = bool(np.any(part))
    data = whole - part
    yield Slip(
        kinds.FROZEN, name, np.zeros_like(whole), "zeros",
        "{names}: theirs is zero, though the loss depends on it: it will never learn.",
        f"d{name} = ...    # it is missing, or set back to zeros",
    )  # fmt: skip
    if whole.ndim == 2:
        for transposed, rank in ((whole.T, 0), *([(data.T + part, 1)] if _square(part) else [])):
            yield Slip(
                kinds.TRANSPOSED, name, transposed, "transposed",
                "{names}: theirs is the transpose of the gradient.",
                f"d{name} = d{name}.T", None, rank,
            )  # fmt: skip
    for factor, kind, what, repair in factors:
        told = "{names}: theirs " + what + "."
        yield Slip(kind, name, factor * whole, f"factor {factor:g}", told, _fixed(name, factor))
        if is_penalised:
            yield Slip(
                kind, name, factor * data + part, f"factor {factor:g}, of the data",
                "{names}: without the penalty's part, theirs " + what + ".", repair, None, 1,
            )  # fmt: skip
        if has_penalty:
            yield Slip(
                kind, name, data + factor * part, f"factor {factor:g}, of the penalty",
                "{names}: the penalty's part in theirs " + what + ".", repair, None, 1,
            )  # fmt: skip
    if has_penalty:
        yield Slip(
            kinds.PENALTY_ONLY_IN_LOSS, name, data, "no penalty",
            "{names}: the loss has a penalty on it, and its derivative is missing in theirs.",
            f"d{name} = d{name} + ...    # add the derivative of the penalty",
        )  # fmt: skip
        yield Slip(
            kinds.FROZEN, name, part, "penalty alone",
            "{names}: theirs has the penalty's derivative and nothing from the data.",
            f"d{name} = ...    # it is missing, or set back to zeros", None, 2,
        )  # fmt: skip


def _square(array: Array) -> bool:
    return bool(np.any(array)) and array.shape == array.T.shape


def _fixed(name: str, factor: float) -> str:
    if factor == -1:
        return f"d{name} = -d{name}"
    inverse = 1 / factor
    if abs(inverse - round(inverse)) < 1e-9:
        return f"d{name} = d{name} * {round(inverse)}"
    return f"d{name} = d{name} / {factor:g}"


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
            f"d{name} = ...    # d{other} stands in its place", None, 0 if is_bias else 4,
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
            f"loss = loss + {added}    # or take it out of d{name}",
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
