"""Leakage: what may make a score look better than it is, found out from encoded rows.

A column that alone gives the answer may have been written down after it. Test rows that are equal
to training rows are no test. Both are only named; what is right, the user knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.facts import Suspect

#: From this share of what can be gained on a constant answer, a column alone gives the answer.
GIVES_AWAY = 0.97
#: With fewer held-out rows, or more columns, nothing is said of single columns.
FEWEST_ROWS, MOST_COLUMNS = 20, 2000
#: Rows that are looked at, and pieces that a column of numbers is cut into.
MOST_ROWS, MOST_BINS, ROWS_A_BIN = 20_000, 256, 2
#: From this share of the test rows duplicates are told, if a column has so many different values
#: that equal rows are no chance.
TOLD_SHARE, FINE_SHARE = 0.01, 0.5

Features = NDArray[np.float32]


def columns_alone(
    names: Sequence[tuple[str, int]], target: str, train: Features, y: NDArray[Any],
    held: Features, held_y: NDArray[Any],
) -> list[Suspect]:  # fmt: skip
    """The columns that alone give the answer.

    Each column is cut into up to 256 pieces; each piece answers with its most frequent class or its
    mean on the training rows, and is judged on held-out rows: by the share that it gets of what a
    constant answer leaves to gain, in right answers or in squared error.

    Args:
        names: (name, number of features) of each column, in the features' order.
        target: the name of what is predicted, for the text.
        train, y: rows to learn from, (n, features), and their targets: class indices or numbers.
        held, held_y: rows to judge on.
    """
    if len(held) < FEWEST_ROWS or not 1 < len(names) <= MOST_COLUMNS:
        return []
    some, others = _spread(len(train)), _spread(len(held))
    train, y, held, held_y = train[some], y[some], held[others], held_y[others]
    found, start = [], 0
    for name, width in names:
        part = slice(start, start + width)
        start += width
        gain = _gain(*_pieces(train[:, part], held[:, part]), y, held_y)
        if gain >= GIVES_AWAY:
            what = (
                f"answers {100 * gain:.1f} % of what a constant answer gets wrong"
                if y.dtype.kind == "i"
                else f"explains {100 * gain:.1f} % of its variance"
            )
            found.append(
                Suspect(
                    "column",
                    name,
                    gain,
                    f"Column {name!r} alone gives {target!r} away: on rows held back it {what}. If "
                    f"it is not known before {target!r} is, leave it out: --drop {name!r}.",
                )
            )
    return found


def _spread(rows: int) -> NDArray[np.intp]:
    """Rows from first to last, for a file may be sorted."""
    return np.linspace(0, rows - 1, min(rows, MOST_ROWS)).astype(np.intp)


def _pieces(train: Features, held: Features) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The piece of each row, by the first number of a column, or by its category."""
    if train.shape[1] > 1 and set(np.unique(train).tolist()) <= {0.0, 1.0}:
        nothing = train.shape[1]
        return (
            np.where(train.any(axis=1), train.argmax(axis=1), nothing),
            np.where(held.any(axis=1), held.argmax(axis=1), nothing),
        )
    count = max(2, min(MOST_BINS, len(train) // ROWS_A_BIN))
    edges = np.unique(np.quantile(train[:, 0], np.linspace(0, 1, count + 1)[1:-1]))
    return np.searchsorted(edges, train[:, 0]), np.searchsorted(edges, held[:, 0])


def _gain(
    pieces: NDArray[np.intp], held_pieces: NDArray[np.intp], y: NDArray[Any],
    held_y: NDArray[Any],
) -> float:  # fmt: skip
    size = int(max(pieces.max(), held_pieces.max())) + 1
    if y.dtype.kind == "i":
        table = np.zeros((size, int(max(y.max(), held_y.max())) + 1))
        np.add.at(table, (pieces, y), 1)
        common = int(table.sum(axis=0).argmax())
        answers = np.where(table.any(axis=1), table.argmax(axis=1), common)
        wrong = float(np.mean(held_y != common))
        return 0.0 if wrong == 0 else 1 - float(np.mean(held_y != answers[held_pieces])) / wrong
    values, held_values = y.astype(np.float64), held_y.astype(np.float64)
    counts = np.bincount(pieces, minlength=size)
    means = np.bincount(pieces, values, size) / np.maximum(counts, 1)
    means[counts == 0] = values.mean()
    spread = float(np.mean((held_values - values.mean()) ** 2))
    return 1 - float(np.mean((held_values - means[held_pieces]) ** 2)) / spread if spread else 0.0


def duplicates(train: Features, test: Features) -> list[Suspect]:
    """Whether test rows are equal to training rows in every input, where that is no chance.

    Rows of a few whole numbers are alike by nature. So at least one column must tell most of the
    rows that differ from one another.
    """
    keys, test_keys = _keys(train), _keys(test)
    count = int(np.isin(test_keys, keys).sum())
    if count < max(1, TOLD_SHARE * len(test)):
        return []
    _, first = np.unique(keys, return_index=True)
    first = first[:MOST_ROWS]
    if not any(_is_fine(train[first, place]) for place in range(train.shape[1])):
        return []
    share = count / len(test)
    rows = "rows is" if count == 1 else "rows are"
    return [
        Suspect(
            "duplicates",
            None,
            share,
            f"{count:,} of {len(test):,} test {rows} equal to a training row in every input: the "
            f"score may flatter. Remove duplicates, or keep together what belongs together with "
            f"--split-by COLUMN.",
        )
    ]


def _is_fine(values: NDArray[np.float32]) -> bool:
    return len(np.unique(values)) >= FINE_SHARE * len(values)


def _keys(rows: Features) -> NDArray[np.uint64]:
    """A number for each row, different for different rows but for a chance of about 1 in 10¹³."""
    factors = np.random.default_rng(0).integers(1, 2**62, size=(rows.shape[1],)) * 2 + 1
    keys = np.zeros(len(rows), np.uint64)
    for place, factor in enumerate(factors.astype(np.uint64)):
        # -0.0 and 0.0 are equal, and have not the same bits.
        bits = (rows[:, place] + np.float32(0)).view(np.uint32).astype(np.uint64)
        keys = (keys ^ (bits * factor)) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys
