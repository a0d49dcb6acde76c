"""Tables on disk: what a file is, and reading it in batches of rows or as a whole."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from chainrule.data.files import reading
from chainrule.data.packed import inner_name, look_inside, packing
from chainrule.data.table import Table, joined
from chainrule.errors import FileFormatError

#: Values that a batch holds, about: few enough for the memory, enough to keep the loops long.
CELLS_A_BATCH = 500_000
FEWEST_ROWS_A_BATCH, MOST_ROWS_A_BATCH = 64, 65_536


class TableFile(Protocol):
    """A table on disk, whose columns are known and whose rows are read in batches."""

    source: str
    format: str
    names: tuple[str, ...]

    def rows_expected(self) -> int:
        """How many rows there are; of text files, how many line ends, which is about as many."""

    def batches(self, rows: int, texts: Collection[str] = ()) -> Iterator[Table]:
        """The rows from first to last, in tables of at most ``rows`` rows.

        A text file does not say what its columns are: one is an array in each batch that holds
        nothing but numbers of it, unless it is among ``texts``, which stay as they are written.
        """


class Mixed:
    """Which columns were numbers in some batches and text in others.

    Their numbers are no longer as they were written: 07 has become 7. Such a column is text, and
    the file is to be read again with it among ``texts``.
    """

    def __init__(self) -> None:
        self._numbers: set[str] = set()
        self._texts: set[str] = set()

    @property
    def names(self) -> frozenset[str]:
        """The columns."""
        return frozenset(self._numbers & self._texts)

    def seen(self, batches: Iterator[Table]) -> Iterator[Table]:
        """The batches themselves, each looked at."""
        for table in batches:
            for name, values in table.columns.items():
                if isinstance(values, list):
                    self._texts.add(name)
                elif name not in self._numbers and not np.isnan(values).all():
                    self._numbers.add(name)
            yield table


def open_table(path: str | os.PathLike[str]) -> TableFile:
    """Find out what a file is, by its ending and its first bytes, and read its columns' names.

    Endings: ``.csv``, ``.txt`` and ``.tsv``; ``.jsonl`` and ``.ndjson``, an object a line, or
    ``.json``, a list of objects; ``.parquet``; ``.npy``, a matrix or an array with named fields. A
    file with another ending is read as what its first bytes say, else as CSV. Text files may be
    compressed (``.csv.gz``, ``.bz2``, ``.xz``, or ``.zip`` with one file in it): they are unpacked
    as they are read, anew each time.

    Raises:
        DataError: no such file, a directory, or a table without rows.
        FileFormatError: a file of another kind, or one whose head is broken.
        MissingPackageError: a Parquet file, and pyarrow is not installed.
    """
    # The readers take 8 ms to import, and most who have data in memory open no file.
    from chainrule.data.csv_table import CsvFile
    from chainrule.data.jsonl_table import JsonlFile
    from chainrule.data.npy_table import NpyFile
    from chainrule.data.parquet_table import ParquetFile

    source = os.fspath(path)
    packed = reading(path, "a table", packing)
    if packed:
        _refuse_foreign(source, Path(path).suffix.lower())
    start = look_inside(path, "a table")
    ending = Path(inner_name(path)).suffix.lower()
    kinds: dict[str, Callable[[str], TableFile]] = {
        ".csv": CsvFile,
        ".tsv": CsvFile,
        ".txt": CsvFile,
        ".jsonl": JsonlFile,
        ".ndjson": JsonlFile,
        ".json": JsonlFile,
        ".parquet": ParquetFile,
        ".npy": NpyFile,
    }
    kind = kinds.get(ending)
    if start.startswith(b"PAR1"):
        kind = ParquetFile
    elif start.startswith(b"\x93NUMPY"):
        kind = NpyFile
    if packed and kind in (ParquetFile, NpyFile):
        what = "a Parquet file, which is compressed by itself," if kind is ParquetFile else "arrays"
        raise FileFormatError(f"{source} is {what} inside {packed} compression; unpack it.")
    if kind is None:
        _refuse_foreign(source, ending)
    return (kind or CsvFile)(source)


def _refuse_foreign(source: str, ending: str) -> None:
    """Say of well-known files that are no tables for us what to do with them."""
    advice = {
        ".xls": "an Excel workbook; save the sheet as CSV",
        ".xlsx": "an Excel workbook; save the sheet as CSV",
        ".feather": "a Feather file; write it as Parquet",
        ".arrow": "an Arrow file; write it as Parquet",
        ".pkl": "a pickle, which may run code; write the table as Parquet or CSV",
        ".npz": "an archive of arrays; save one of them with numpy.save",
        ".h5": "an HDF5 file; write the table as Parquet or CSV",
        ".sqlite": "a database; write the table as CSV",
        ".db": "a database; write the table as CSV",
        ".safetensors": "a model; give a table, and predict with: chainrule predict MODEL TABLE",
    }
    if ending in advice:
        raise FileFormatError(f"{source} is {advice[ending]}.")


def rows_soon_told(file: TableFile) -> int | None:
    """How many rows there are, about; None of a compressed file, which would be unpacked for it."""
    return None if packing(Path(file.source)) else file.rows_expected()


def rows_a_batch(columns: int) -> int:
    """How many rows to read at a time, so that a batch's memory does not grow with the columns."""
    rows = CELLS_A_BATCH // max(columns, 1)
    return max(FEWEST_ROWS_A_BATCH, min(rows, MOST_ROWS_A_BATCH))


def read_table(
    path: str | os.PathLike[str], target: str | None = None, texts: Collection[str] = ()
) -> Table:
    """Read a whole table: CSV, TSV, JSON lines, Parquet or NPY (see ``open_table``).

    Columns that hold nothing but numbers are float64 arrays, dates of Parquet files datetime64
    arrays, all others lists of text.

    Args:
        path: the file.
        target: the column to be predicted, if any.
        texts: columns that stay as they are written even where all values are numbers. Rows for an
            encoder that was learned before are read with its ``texts``: 07 is a code then, not 7.

    Raises:
        DataError: no such file, a directory, or a table without rows.
        FileFormatError: a file that is broken or of another kind.
        OptionError: ``target`` is not a column.
        MissingPackageError: a Parquet file, and pyarrow is not installed.
    """
    return dataclasses.replace(whole_table(open_table(path), texts), target=target)


def whole_table(
    file: TableFile, texts: Collection[str] = (),
    watch: Callable[[Iterator[Table]], Iterator[Table]] = iter,
) -> Table:  # fmt: skip
    """All rows of a file, in which each column is of one kind; ``texts`` as for ``read_table``.

    ``watch`` is given the batches, and hands them on as they come; where some columns turn out to
    be text late, the file is read once more, and it is called again.

    Raises:
        DataError, FileFormatError: the file is broken.
    """
    rows, mixed = rows_a_batch(len(file.names)), Mixed()
    whole = joined(mixed.seen(watch(file.batches(rows, texts))))
    if not mixed.names:
        return whole
    again = joined(_only(mixed.names, watch(file.batches(rows, {*texts, *mixed.names}))))
    return dataclasses.replace(whole, columns=whole.columns | again.columns)


def _only(names: Collection[str], batches: Iterator[Table]) -> Iterator[Table]:
    """Some columns of the batches, in the file's order."""
    for table in batches:
        columns = {name: values for name, values in table.columns.items() if name in names}
        yield dataclasses.replace(table, names=tuple(columns), columns=columns)
