"""IDX files: the format of MNIST and its relatives, plain or compressed with gzip.

::

    byte 0-1   zero
    byte 2     the kind of number: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
    byte 3     d, the number of axes
    then       d sizes, 4 bytes each, then the numbers in C order; all of it big-endian

Source: Y. LeCun, C. Cortes and C. Burges, *The MNIST database of handwritten digits*.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.files import read_bytes
from chainrule.errors import FileFormatError

_DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_MOST_AXES = 64  # NumPy's own limit


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array stored in an IDX file, in the machine's own byte order, writable.

    Whether the file is compressed is read from its first bytes, not from its name.

    Raises:
        DataError: no such file, or a directory.
        FileFormatError: not an IDX file, damaged compression, an unknown kind of number, fewer
            bytes than the header promises, or more.
    """
    data = _unpacked(path, read_bytes(path, "an IDX file"))
    dtype, shape, start = _header(path, data)
    promised = math.prod(shape) * dtype.itemsize
    held = len(data) - start
    if held != promised:
        fault = "is truncated" if held < promised else "has trailing bytes"
        raise FileFormatError(
            f"{path} {fault}: its header promises {dtype.name} {shape}, which is {promised} bytes, "
            f"and {held} follow."
        )
    try:
        numbers = np.frombuffer(data, dtype=dtype, offset=start).reshape(shape)
    except ValueError as error:
        # An axis of size 0 lets the other sizes be anything, also more than NumPy can count.
        raise FileFormatError(f"{path}: no array can have the shape {shape}: {error}.") from error
    return numbers.astype(dtype.newbyteorder("="))


def _unpacked(path: str | os.PathLike[str], data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise FileFormatError(
            f"{path}: its gzip compression is broken ({error}); the file was probably cut short or "
            f"changed on its way here. Fetch it again."
        ) from error


def _header(
    path: str | os.PathLike[str], data: bytes
) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    if len(data) < 4 or data[:2] != b"\0\0":
        found = data[:4].hex(" ") or "nothing"
        raise FileFormatError(
            f"{path} is not an IDX file: it must begin with 00 00, the kind of number and the "
            f"number of axes, and it begins with {found}."
        )
    code, axes = data[2], data[3]
    if code not in _DTYPES:
        known = ", ".join(f"{key:02x} {dtype.name}" for key, dtype in _DTYPES.items())
        raise FileFormatError(
            f"{path}: the IDX header names the kind of number {code:02x}, which is not known. "
            f"Known: {known}."
        )
    start = 4 + 4 * axes
    if axes > _MOST_AXES:
        raise FileFormatError(
            f"{path}: the IDX header names {axes} axes; arrays have at most {_MOST_AXES}."
        )
    if len(data) < start:
        raise FileFormatError(
            f"{path} is truncated: a header with {axes} axes takes {start} bytes, and the file has "
            f"{len(data)}."
        )
    return _DTYPES[code], struct.unpack(f">{axes}I", data[4:start]), start
