"""Spelling: one name in the two ways in which people write it, as code and in a formula.

``W1`` is W with the number of its layer, ``y_hat`` is y with a hat, ``alpha`` is the Greek letter,
and a whole word stays a word.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

from chainrule.graph.op import OPS

GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
    "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
    "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
}  # fmt: skip

#: Letters whose number is that of a layer; the number of any other is an index.
_OF_LAYERS = {"W", "w", "b", "B", "z", "Z", "a", "A", "h", "H", "gamma", "beta", "delta"}
#: Marks over a letter.
_ACCENTS = {"hat": r"\hat", "bar": r"\bar", "tilde": r"\tilde", "dot": r"\dot", "vec": r"\vec"}
_WHOLE = {
    "loss": "L", "cost": "J", "yhat": r"\hat{y}", "pred": r"\hat{y}", "y_pred": r"\hat{y}",
    "prediction": r"\hat{y}",
}  # fmt: skip
#: Words that are taken in every program.
RESERVED = {*keyword.kwlist, "np", "len"}


@dataclass(frozen=True)
class Name:
    """How a node is called: an identifier, and LaTeX."""

    code: str
    latex: str


def spelled(name: str) -> Name:
    """A name as users write it, in both ways."""
    return Name(identifier(name), latex(name))


def identifier(name: str) -> str:
    """The name as Python takes it, and not that of a function that a program may define."""
    word = re.sub(r"\W", "_", name)
    if not word or word[0].isdigit():
        word = f"x{word}"
    is_helper = word in OPS and bool(OPS[word].helper)
    return f"{word}_" if word in RESERVED or is_helper else word


def latex(name: str) -> str:
    """The name as a textbook prints it: ``W1`` as W^{[1]}, ``y_hat`` with its hat."""
    if name in _WHOLE:
        return _WHOLE[name]
    match = re.fullmatch(r"(.*?)_?(\d*)", name.strip("_"))
    assert match is not None
    stem, number = match.groups()
    if not stem:
        return rf"\mathrm{{{name}}}".replace("_", r"\_")
    stem, _, rest = stem.partition("_")
    if rest in _ACCENTS:
        text, rest = f"{_ACCENTS[rest]}{{{_letters(stem)}}}", ""
    else:
        text = _letters(stem)
    marks = [_letters(rest)] if rest else []
    if number and stem not in _OF_LAYERS:
        marks.append(number)
    text += f"_{{{', '.join(marks)}}}" if marks else ""
    return text + (f"^{{[{number}]}}" if number and stem in _OF_LAYERS else "")


def _letters(word: str) -> str:
    if word in GREEK:
        return f"\\{word}"
    escaped = re.sub(r"([_%$#&{}])", r"\\\1", word)
    return escaped if len(word) == 1 else rf"\mathrm{{{escaped}}}"
