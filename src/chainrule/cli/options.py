"""How the values of options are read: sizes of layers, rates, batch sizes."""

from __future__ import annotations

import math

import click

#: More units than any memory holds as a layer; a slip of the finger, not a wish.
MOST_UNITS = 1_000_000


def sizes(text: str) -> tuple[int, ...]:
    """``100,50`` as (100, 50); ``0`` as (), which is no hidden layer."""
    if text.strip() == "0":
        return ()
    numbers = tuple(_whole(part) for part in text.split(","))
    if not all(0 < number <= MOST_UNITS for number in numbers):
        raise click.BadParameter(
            f"{text!r} is not a list of layer sizes. Give whole numbers from 1 to {MOST_UNITS:,} "
            f"with commas between, such as 100,50, or 0 for no hidden layer."
        )
    return numbers


def rate(text: str) -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise click.BadParameter(f"{text!r} is not a number above 0, such as 0.01.")
    return number


def batch_size(text: str) -> int:
    """A whole number above 0; ``all`` is read as 0."""
    if text.strip().lower() == "all":
        return 0
    if _whole(text) < 1:
        raise click.BadParameter(
            f"{text!r} is not a number of rows. Give a whole number above 0, or all."
        )
    return _whole(text)


def processes(text: str) -> str | int:
    """A whole number above 0, or ``cluster``."""
    if text.strip().lower() == "cluster":
        return "cluster"
    if _whole(text) < 1:
        raise click.BadParameter(
            f"{text!r} is not a number of processes. Give a whole number above 0, or cluster where "
            "a scheduler starts them."
        )
    return _whole(text)


def _whole(text: str) -> int:
    """The whole number that a text writes, else -1."""
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else -1
