"""Rows of numbers on disk: written once, then read in blocks, any block at any time."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError

#: Disk that is left to others.
_SPARE = 1 << 28


class Spool:
    """A file of float32 rows. Without a name, the system removes it when the process ends.

    Args:
        folder: on the disk that is to hold it.
        width: numbers a row.
        expected: about how many rows there will be.
        name: of the file, for other processes that are to read it; whose the folder is removes it.

    Raises:
        DataError: the disk has not so much room.
    """

    def __init__(self, folder: Path, width: int, expected: int, name: str | None = None) -> None:
        self.width, self.rows = width, 0
        wanted, free = 4 * width * expected, shutil.disk_usage(folder).free
        if wanted + _SPARE > free:
            # A file with a name lies in a folder of its own, which nobody knows.
            known = folder.absolute() if name is None else folder.absolute().parent
            raise DataError(
                f"the rows to train on take about {wanted / 1e9:,.1f} GB on the disk of "
                f"{known}, and {free / 1e9:,.1f} GB are free. Give an --out on another "
                f"disk, or leave columns out with --drop."
            )
        # Closed by close, or with the last who holds this.
        self._file: Any = (
            tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
            if name is None
            else (folder / name).open("xb+", buffering=0)
        )
        weakref.finalize(self, self._file.close)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    @property
    def nbytes(self) -> int:
        """How large the file is."""
        return 4 * self.width * self.rows

    def append(self, rows: NDArray[np.float32]) -> None:
        """Write some rows at the end, (n, width)."""
        left = np.ascontiguousarray(rows, dtype=np.float32).data.cast("B")
        while left:
            left = left[self._file.write(left) :]
        self.rows += len(rows)

    def read(self, start: int, out: NDArray[np.float32]) -> int:
        """Read the rows from ``start`` on into ``out``, as many as fit and are there."""
        count = min(len(out), self.rows - start)
        self._file.seek(4 * self.width * start)
        left = out[:count].data.cast("B")
        while left:
            read = self._file.readinto(left)
            if not read:
                raise DataError("the file of rows to train on ended early: was its disk removed?")
            left = left[read:]
        return count

    def mapped(self) -> NDArray[np.float32]:
        """All rows, (rows, width), mapped from the file, which may be closed then."""
        return np.memmap(self._file, np.float32, "r", shape=(self.rows, self.width))


class MappedRows:
    """The rows of a spool, mapped from its file: an array (rows, width)."""

    def __init__(self, rows: NDArray[np.float32]) -> None:
        self._mapped = rows
        self.rows, self.width = rows.shape

    @property
    def nbytes(self) -> int:
        """How large the file is."""
        return self._mapped.nbytes

    def read(self, start: int, out: NDArray[np.float32]) -> int:
        """Read the rows from ``start`` on into ``out``, as many as fit and are there."""
        found = self._mapped[start : start + len(out)]
        out[: len(found)] = found
        return len(found)


NewSpool = Callable[[int, int], Spool]
"""Makes a spool for rows of so many numbers, of which so many are expected."""

in_this_folder: NewSpool = partial(Spool, Path())
