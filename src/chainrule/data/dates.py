"""Dates in columns: the ways of writing them, and the numbers that they become.

A date is kept as datetime64[s]. A zone or an offset is left away: what a clock showed is what
repeats from day to day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_MONTHS = {
    name: place
    for place, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        start=1,
    )
}
_TIME = (
    r"(?:[T ,]\s*(?P<h>\d{1,2}):(?P<min>\d{2})(?::(?P<s>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp][Mm])?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?)?"
)
_DAY, _MONTH, _YEAR = r"(?P<d>\d{1,2})", r"(?P<m>\d{1,2})", r"(?P<y>\d{4}|\d{2})"
_WORD = r"(?P<word>[A-Za-z]{3,9})"
#: The ways of writing a date, by name; where two fit all values, the first of them is meant.
STYLES = {
    "year-month-day": re.compile(rf"(?P<y>\d{{4}})([-/.]){_MONTH}\2{_DAY}{_TIME}"),
    "month/day/year": re.compile(rf"{_MONTH}([/-]){_DAY}\2{_YEAR}{_TIME}"),
    "day.month.year": re.compile(rf"{_DAY}([./-]){_MONTH}\2{_YEAR}{_TIME}"),
    "day month year": re.compile(rf"{_DAY}\.?[ -]{_WORD}\.?,?[ -](?P<y>\d{{4}}){_TIME}"),
    "month day year": re.compile(rf"{_WORD}\.? {_DAY},? (?P<y>\d{{4}}){_TIME}"),
}
DAY, YEAR = 86_400, 365.2425 * 86_400
PARTS = ("time", "season", "weekday", "hour")
_CALLED = {
    "time": ("time",),
    "season": ("season sin", "season cos"),
    "weekday": ("weekday sin", "weekday cos"),
    "hour": ("hour sin", "hour cos"),
}
_MISSING = np.datetime64("NaT", "s")


def parse(text: str, style: str) -> np.datetime64 | None:
    """The date that a text writes in a style of ``STYLES``, or None."""
    found = STYLES[style].fullmatch(text)
    if found is None:
        return None
    part = found.groupdict()
    month = int(part["m"]) if "m" in part else _MONTHS.get(part["word"][:3].lower(), 0)
    year = int(part["y"])
    if len(part["y"]) == 2:
        year += 1900 if year > 68 else 2000  # as POSIX reads years of two digits
    hour = int(part["h"] or 0)
    if part["half"]:
        hour = hour % 12 + (12 if part["half"].lower() == "pm" else 0)
    try:
        return np.datetime64(
            f"{year:04}-{month:02}-{int(part['d']):02}T{hour:02}:{part['min'] or '00'}:"
            f"{part['s'] or '00'}",
            "s",
        )
    except ValueError:  # the 30th of February, or 25 o'clock
        return None


def styles_of(texts: Iterable[str], among: Iterable[str] = STYLES) -> list[str]:
    """The styles in which every text writes a date."""
    left = list(among)
    for text in texts:
        left = [style for style in left if parse(text, style) is not None]
        if not left:
            break
    return left


def parse_all(texts: Iterable[str | None], style: str) -> NDArray[np.datetime64]:
    """Dates as datetime64[s] (n,), NaT where the value is missing or written in no known way.

    Besides ``style``, the way of the standards, 2024-01-05, is always understood.
    """
    styles = dict.fromkeys([style, "year-month-day"])
    known: dict[str | None, np.datetime64] = {None: _MISSING}
    result = []
    for text in texts:
        if text is not None and text not in known:
            read = (parse(text, style) for style in styles)
            # Not by truth: the first second of 1970 counts as false.
            known[text] = next((date for date in read if date is not None), _MISSING)
        result.append(known[text])
    return np.array(result, dtype="datetime64[s]")


def seconds(dates: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Seconds since 1970, NaN for NaT."""
    numbers = dates.astype(np.int64).astype(np.float64)
    numbers[np.isnat(dates)] = np.nan
    return numbers


def parts_of(minimum: float, maximum: float, clock: bool) -> tuple[str, ...]:
    """Which numbers dates are worth, by the range that they span: see ``numbers_of``."""
    span = maximum - minimum
    parts = ["time"]
    if span > 60 * DAY:
        parts.append("season")
    if span > 13 * DAY:
        parts.append("weekday")
    if clock and span > DAY / 2:
        parts.append("hour")
    return tuple(parts)


def called(name: str, parts: Iterable[str]) -> tuple[str, ...]:
    """The names of what ``numbers_of`` gives for a column."""
    return tuple(f"{name} {number}" for part in parts for number in _CALLED[part])


def numbers_of(times: NDArray[np.float64], parts: Iterable[str]) -> NDArray[np.float64]:
    """Seconds since 1970 as float64 (n, numbers), NaN where one is missing.

    ``time`` is the seconds themselves. What repeats is a point on a circle, its sine and cosine,
    so that December lies beside January: ``season`` in a year, ``weekday`` in a week, ``hour`` in a
    day.
    """
    found = []
    for part in parts:
        if part == "time":
            found.append(times)
            continue
        period = {"season": YEAR, "weekday": 7 * DAY, "hour": DAY}[part]
        angle = 2 * np.pi * (times % period) / period
        found += [np.sin(angle), np.cos(angle)]
    return np.stack(found, axis=1)


def scales(mean: float, std: float, parts: Iterable[str]) -> list[tuple[float, float]]:
    """What is subtracted from each of ``numbers_of``, and by what it is divided then.

    Points on a circle stay as they are: they lie around 0 and are as large as what is standardised.
    """
    return [
        scale
        for part in parts
        for scale in ([(mean, std)] if part == "time" else [(0.0, 1.0), (0.0, 1.0)])
    ]
