"""Numbers such as -999, which spoil the scale of a column: they are told, not mended.

What they stand for, the user knows: a missing value, a mistake, or what they say.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from chainrule.data.far import far_values
from chainrule.errors import TrainingWarning
from chainrule.estimators.scaling import Scaling
from chainrule.graph.op import Array
from chainrule.train.advice import level_outside

#: Rows that are looked at, taken evenly, beside the ends of the column; of more columns nothing is
#: said.
MOST_ROWS, MOST_COLUMNS = 4096, 2000
#: Columns that are told one by one.
MOST_NAMED = 3


def warn_of_far_values(
    scaling: Scaling, x: Array, t: Array | None, w: Array | None, names: Sequence[str] | None
) -> None:
    """Say which columns, of those that were given a scale just now, have nearly none but for one
    or two numbers, and whether the targets are such.

    Args:
        x, t: columns, and targets (n, outputs) or None.
        w: how often each row counts.
        names: the columns' names, if they have any.
    """
    if w is not None:
        x, t = x[w > 0], None if t is None else t[w > 0]
    told = []
    if not scaling.scales.inputs.is_none and x.shape[1] <= MOST_COLUMNS:
        for place in range(x.shape[1]):
            if found := _told(x[:, place]):
                told.append(f"column {place if names is None else names[place]!r} ({found})")
    if t is not None and not scaling.scales.targets.is_none:
        for place in range(t.shape[1]):
            if found := _told(t[:, place]):
                told.append(f"y{f'[:, {place}]' if t.shape[1] > 1 else ''} ({found})")
    if not told:
        return
    more = f" and {len(told) - MOST_NAMED:,} more" if len(told) > MOST_NAMED else ""
    warnings.warn(
        "One or two numbers far from all others make up nearly all of the spread of "
        f"{', '.join(told[:MOST_NAMED])}{more}: the others are hardly told apart. If such a number "
        "stands for a missing value, put np.nan in its place and sklearn.impute.SimpleImputer "
        "before the network (or leave the row out, where it is y); if it is a mistake, correct it; "
        "if it is true, the logarithm may serve better.",
        TrainingWarning,
        stacklevel=level_outside(),
    )


def _told(column: Array) -> str:
    """Its far numbers, and in how many rows; nothing if there are none."""
    least, most = column.min(), column.max()
    if least == most:
        return ""
    places = np.linspace(0, len(column) - 1, min(len(column), MOST_ROWS)).astype(np.intp)
    some = column[places]
    values, counts = np.unique(some[(some > least) & (some < most)], return_counts=True)
    ends = [np.count_nonzero(column == end) for end in (least, most)]
    each = counts * (len(column) / len(some))
    found = far_values(
        np.concatenate([[least], values, [most]]).astype(np.float64),
        np.concatenate([ends[:1], each, ends[1:]]),
    )
    rows = [int((column == value).sum()) for value in found]
    return " and ".join(
        f"{value:g} in {count:,} row{'s' if count > 1 else ''}"
        for value, count in zip(found.tolist(), rows, strict=True)
    )
