"""What a written program has besides, if a column of its table holds dates: its text is copied.

The text of ``chainrule.data.dates`` stands in front of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.data.dates import numbers_of, parse_all, scales, seconds
from chainrule.formats.standalone_table import ENCODED

# --- copied from here on ---


def _dates(column: dict[str, Any], values: list[str | None], places: list[str]) -> Any:
    found = parse_all(values, column["style"])
    for row, text in enumerate(values):
        if text is not None and np.isnat(found[row]):
            told = f"holds dates, written {column['style']}, got {text!r}"
            raise ValueError(f"{places[row]}: column {column['name']!r} {told}")
    means, stds = np.transpose(scales(column["mean"], column["std"], column["parts"]))
    return np.nan_to_num((numbers_of(seconds(found), column["parts"]) - means) / stds)


ENCODED["date"] = _dates
