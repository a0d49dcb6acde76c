"""Pieces of LaTeX: how tightly each holds together, and so where brackets are needed."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from chainrule.graph.tensor import Tensor

# How tightly a piece holds together, from loosely to tightly.
RELATION, SUM, MINUS, BIG, ENTRYWISE, MATRIX, SCALED, CALL, POWER, ATOM = range(10)


Index = tuple[str, ...]
"""A letter for each axis: i, j, ...; a colon for a whole axis; nothing where the size is 1."""


class Written(NamedTuple):
    """A piece of LaTeX, and how tightly it holds together."""

    text: str
    level: int


def tight(written: Written, least: int, only: int | None = None) -> str:
    """The text, in brackets unless it holds together at least so tightly.

    ``only``: of the products (entry by entry, of matrices, by numbers) this one goes without.
    """
    loose = written.level < least or (
        only is not None and ENTRYWISE <= written.level <= SCALED and written.level != only
    )
    return bracketed(written.text) if loose else written.text


def bracketed(text: str) -> str:
    tall = re.search(r"\\frac|\\sum|\\begin|\\max_|\\min_", text)
    return rf"\left({text}\right)" if tall else f"({text})"


def raised(base: Written, exponent: str) -> str:
    """A base with an exponent; the number of a layer and a transpose share the place."""
    layer = re.fullmatch(r"(.*)\^\{(\[\d+\])\}", base.text)
    if base.level == ATOM and layer and exponent == r"\top":
        return rf"{layer[1]}^{{{layer[2]}\top}}"
    if base.level == ATOM and "^" not in base.text and not base.text.startswith(r"\frac"):
        return f"{base.text}^{{{exponent}}}"
    return f"{bracketed(base.text)}^{{{exponent}}}"


def level_of(template: str) -> int:
    """How tightly a template holds together, judged by what stands outside of its brackets."""
    if template.startswith(r"\begin"):
        return CALL
    depth, outside = 0, ""
    for sign in template:
        depth -= sign in ")}"
        if depth == 0:
            outside += sign
        depth += sign in "({"
    outside = outside.replace("()", "").replace("{}", "")
    if outside.startswith("-"):
        return SUM if re.search(r" [+-] ", outside) else MINUS
    if re.search(r" [+-] ", outside):
        return SUM
    if re.search(r"@ ?\\|\\,|\\odot", outside):
        return SCALED
    return CALL


def is_enclosed(template: str, mark: str) -> bool:
    """Whether what stands at ``mark`` needs no brackets: it has some, or a place of its own."""
    before, after = (part.strip() for part in template.split(mark, 1))
    return before.endswith(("(", "{", "{cases}", ",", r"\left|", "&", r"\\")) and after.startswith(
        (")", "}", ",", r"\right|", "&", r"\\")
    )


def level_of_name(latex: str) -> int:
    return CALL if latex.startswith(r"\frac") else ATOM


def number(value: object) -> Written:
    if isinstance(value, bool):
        return Written(rf"\text{{{str(value).lower()}}}", ATOM)
    assert isinstance(value, int | float)
    if isinstance(value, float) and not np.isfinite(value):
        sign = "-" if value < 0 else ""
        return Written(f"{sign}\\infty" if not np.isnan(value) else r"\text{NaN}", ATOM)
    if abs(value) == 0.5:
        return Written(
            r"\frac{1}{2}" if value > 0 else r"-\frac{1}{2}", CALL if value > 0 else MINUS
        )
    text = f"{abs(value):.6g}"
    if "e" in text:
        digits, _, exponent = text.partition("e")
        times = "" if digits == "1" else rf"{digits} \cdot "
        text = rf"{times}10^{{{int(exponent)}}}"
    level = SCALED if "10^" in text else ATOM
    return Written(f"-{text}", MINUS) if value < 0 else Written(text, level)


def indexed(written: Written, node: Tensor, index: Index | None) -> Written:
    """The text with the letters of its axes."""
    letters = "".join(index or ())
    if not letters or set(letters) == {":"}:
        return written
    plain = (
        written.level == ATOM
        and "_" not in written.text
        and (not written.text.startswith(r"\frac"))
    )
    base = written.text if plain else bracketed(written.text)
    return Written(f"{base}_{{{letters}}}", ATOM)


def of_input(index: Index | None, node: Tensor, x: Tensor) -> Index | None:
    """The index of an input that is broadcast to its op's result."""
    if index is None:
        return None
    own = index[len(index) - x.ndim :] if x.ndim else ()
    return tuple("" if size == 1 else letter for letter, size in zip(own, x.shape, strict=True))
