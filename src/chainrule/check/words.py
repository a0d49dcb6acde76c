"""Words: a finding put as a Mistake, with the line it belongs to and how to tell rivals apart."""

from __future__ import annotations

import inspect
import linecache
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from chainrule.check import kinds
from chainrule.check.kinds import Mistake
from chainrule.check.mutants.mutant import Slip
from chainrule.check.search import Finding, Fit
from chainrule.graph import Tensor


def mistakes_of(
    finding: Finding, functions: Sequence[Callable[..., Any]], factor_kind: str = ""
) -> tuple[Mistake, ...]:
    """The mistake of a finding; two, if a factor comes on top."""
    main = _mistake(finding.fit, functions)
    rivals = tuple(_mistake(fit, functions) for fit in finding.rivals)
    told = tell_apart(main.kind, [rival.kind for rival in rivals])
    named = Mistake(
        main.kind, main.parameters, main.place, main.line, main.what, main.repair, rivals, told
    )
    if not factor_kind:
        return (named,)
    factor = finding.fit.factor
    on_top = Mistake(
        factor_kind, main.parameters, main.place, main.line,
        f"Besides, theirs is {factor:g} times what it would be with the other mistake alone.",
        f"multiply by {1 / factor:g}",
    )  # fmt: skip
    return named, on_top


def _mistake(fit: Fit, functions: Sequence[Callable[..., Any]]) -> Mistake:
    cause = fit.cause
    place, line = line_of(cause.node, functions)
    what = cause.what
    if isinstance(cause, Slip):
        what = what.replace("{names}", ", ".join(fit.fixed))
    return Mistake(cause.kind, fit.fixed, place, line, what, cause.repair)


def line_of(node: Tensor | None, functions: Sequence[Callable[..., Any]]) -> tuple[str, str]:
    """The line of code that recorded ``node``, as ``model.py:12``, and its source."""
    if node is None or not node.place:
        return "", ""
    name, _, number = node.place.rpartition(":")
    for file in _files(name, functions):
        text = linecache.getline(file, int(number)).strip()
        if text:
            return str(node.place), text
    return str(node.place), ""


def _files(name: str, functions: Sequence[Callable[..., Any]]) -> list[str]:
    """The files called ``name`` that the line may be in, the functions' own first."""
    found = []
    for function in functions:
        code = getattr(inspect.unwrap(function), "__code__", None)
        if code is not None:
            found.append(code.co_filename)
    found += [str(getattr(module, "__file__", "") or "") for module in list(sys.modules.values())]
    return [file for file in dict.fromkeys([*found, *linecache.cache]) if Path(file).name == name]


def tell_apart(kind: str, rivals: Sequence[str]) -> str:
    """What would separate mistakes that give the same numbers here."""
    if not rivals:
        return ""
    every = {kind, *rivals}
    for group, text in _SEPARATED:
        if every & group and len(every & group) > 1:
            return text
    return (
        "On these numbers they are the same. Other sizes (another number of samples, layers of "
        "different widths) or other values would tell them apart."
    )


_COUNTS = {
    kinds.MISSING_M, kinds.DOUBLED_M, kinds.FACTOR_2, kinds.FACTOR_HALF, kinds.WRONG_SIGN,
}  # fmt: skip
_SEPARATED: tuple[tuple[set[str], str], ...] = (
    (
        {kinds.AVERAGED, kinds.DOUBLED_M},
        "They are the same numbers, written in two ways: look whether the line takes a mean, or "
        "divides by the number of samples a second time.",
    ),
    (_COUNTS, "Try another number of samples: a factor of 1/m changes with it, a 2 does not."),
    (
        {kinds.DERIVATIVE_MISSING, kinds.WRONG_PAIR, kinds.COUNTED_TWICE},
        "They are the same formula by two ways of thinking; with the loss times another constant "
        "they would differ.",
    ),
    (
        {kinds.TRANSPOSED, kinds.WEIGHT_NOT_TRANSPOSED, kinds.OTHER_INPUT, kinds.OTHER_BIAS},
        "Layers of different widths would tell them apart: sizes that do not fit raise an error.",
    ),
)
