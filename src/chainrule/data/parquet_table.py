"""Reading tables from Parquet files with pyarrow, a part of a row group at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from chainrule.data.files import look
from chainrule.data.table import Table, Values, present, refuse_empty, refuse_many_columns
from chainrule.errors import FileFormatError, optional_package

#: Bytes of a column that are read at a time. Otherwise its whole part of a row group would be, and
#: that has 1,048,576 rows as most programs write it: with 100 columns, a gigabyte.
BUFFER = 1 << 16


class ParquetFile:
    """A Parquet file. Numbers, text, booleans, dates and categories are read as what they are.

    Raises:
        DataError: no such file, a directory, or a table without rows.
        FileFormatError: a file that is broken or truncated, or has two columns of one name.
        MissingPackageError: pyarrow is not installed.
    """

    format = "parquet"

    def __init__(self, source: str) -> None:
        self.source = source
        look(source, "a table")
        self._arrow = optional_package("pyarrow", "tables", f"Reading {source}")
        with self._open() as file:
            schema, self._rows = file.schema_arrow, file.metadata.num_rows
        refuse_many_columns(source, len(schema.names))
        self.names = tuple(schema.names)
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            raise FileFormatError(
                f"{source} names {', '.join(map(repr, twice))} more than once; every column needs "
                f"its own name."
            )
        refuse_empty(source, self._rows)

    def _open(self) -> Any:
        parquet = optional_package("pyarrow.parquet", "tables", f"Reading {self.source}")
        try:
            # Reading ahead would keep all that was read until the file is closed.
            return parquet.ParquetFile(self.source, pre_buffer=False, buffer_size=BUFFER)
        except (self._arrow.ArrowException, OSError) as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> FileFormatError:
        reason = str(error).split("\n")[0].rstrip(".")
        return FileFormatError(
            f"{self.source} is not a whole Parquet file: {reason}. Perhaps it was cut short when "
            f"it was copied or written."
        )

    def rows_expected(self) -> int:
        """The number of rows."""
        return int(self._rows)

    def batches(self, rows: int, texts: Collection[str] = ()) -> Iterator[Table]:
        """The rows in tables of at most ``rows``; the file says which columns are ``texts``."""
        begin = 1
        with self._open() as file:
            parts = file.iter_batches(batch_size=rows)
            while True:
                try:
                    part = next(parts, None)
                except (self._arrow.ArrowException, OSError) as error:
                    raise self._broken(error) from error
                if part is None:
                    return
                columns = {
                    name: self._values(column)
                    for name, column in zip(self.names, part.columns, strict=True)
                }
                lines = range(begin, begin + len(part))
                begin += len(part)
                yield Table(self.names, columns, None, lines, self.source, "row")

    def _values(self, column: Any) -> Values:
        arrow, kind = self._arrow, self._arrow.types
        if kind.is_dictionary(column.type):
            column = column.dictionary_decode()
        of = column.type
        if kind.is_timestamp(of) or kind.is_date(of):
            # First without the zone: what a clock showed is what people mean by a date.
            dates = column.cast(arrow.timestamp(of.unit if kind.is_timestamp(of) else "s"))
            return np.asarray(dates.to_numpy(zero_copy_only=False)).astype("datetime64[s]")
        if kind.is_integer(of) or kind.is_floating(of) or kind.is_decimal(of) or kind.is_null(of):
            numbers = column.cast(arrow.float64(), safe=False)
            return np.array(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)
        return [_text(value) for value in column.to_pylist()]


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else present(str(value))
