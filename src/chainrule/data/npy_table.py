"""Reading tables from NPY files: a matrix, or an array with named fields, mapped piece by piece."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.files import look
from chainrule.data.table import Table, Values, present, refuse_empty, refuse_many_columns
from chainrule.errors import FileFormatError


class NpyFile:
    """An array in a file of NumPy's own format, which may be larger than the memory.

    The columns of a matrix are called ``column 1``, ``column 2``, ...; those of an array with named
    fields bear the fields' names.

    Raises:
        DataError: no such file, a directory, or an array without rows.
        FileFormatError: a broken or truncated file, one of Python objects, or an array that is no
            table.
    """

    format = "npy"

    def __init__(self, source: str) -> None:
        self.source = source
        look(source, "a table")
        array = self._mapped()
        if array.dtype.names:
            self.names = tuple(array.dtype.names)
            kinds = {name: array.dtype[name] for name in self.names}
        else:
            self.names = tuple(f"column {place}" for place in range(1, array.shape[-1] + 1))
            kinds = {"the matrix": array.dtype}
        if array.ndim != (1 if array.dtype.names else 2):
            raise FileFormatError(
                f"{source} holds an array of shape {array.shape}; a table is a matrix, rows by "
                f"columns, or an array (n,) with named fields."
            )
        for name, dtype in kinds.items():
            if dtype.kind not in "biufUSM" or dtype.shape:
                raise FileFormatError(
                    f"{source}: {name} holds {dtype}; expected numbers, text or dates."
                )
        refuse_many_columns(source, len(self.names))
        refuse_empty(source, len(array))

    def _mapped(self) -> NDArray[Any]:
        try:
            return np.lib.format.open_memmap(self.source, mode="r")
        except (ValueError, EOFError, OSError) as error:
            reason = str(error).split("\n")[0].rstrip(".")
            raise FileFormatError(f"{self.source} is not a whole NPY file: {reason}.") from error

    def rows_expected(self) -> int:
        """The number of rows."""
        return len(self._mapped())

    def batches(self, rows: int, texts: Collection[str] = ()) -> Iterator[Table]:
        """The rows in tables of at most ``rows``; the file says which columns are ``texts``."""
        count = len(self._mapped())
        for start in range(0, count, rows):
            # Mapped anew each time: pages that were read would otherwise stay in the process.
            part = np.array(self._mapped()[start : start + rows])
            if part.dtype.names:
                columns = {name: _values(part[name]) for name in self.names}
            else:
                columns = {name: _values(part[:, k]) for k, name in enumerate(self.names)}
            lines = range(start + 1, start + 1 + len(part))
            yield Table(self.names, columns, None, lines, self.source, "row")


def _values(array: NDArray[Any]) -> Values:
    if array.dtype.kind == "M":
        return array.astype("datetime64[s]")
    if array.dtype.kind in "US":
        texts = np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array
        return [present(text) for text in texts.tolist()]
    return array.astype(np.float64)
