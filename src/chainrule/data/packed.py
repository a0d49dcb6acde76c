"""Compressed files, unpacked while they are read: never whole in the memory, nor on the disk.

gzip, bzip2, xz, and zip archives of one file. Which one is told by a file's first bytes; its name
is taken for what lies inside: ``houses.tsv.gz`` holds tabs. To begin anew is to unpack anew.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar

from chainrule.data.files import START, reading
from chainrule.errors import FileFormatError

T = TypeVar("T")
BROKEN = (OSError, EOFError, zlib.error, struct.error, lzma.LZMAError, zipfile.BadZipFile)
#: Bytes that are unpacked at a time.
PIECE = 1 << 20


@dataclass(frozen=True)
class _Kind:
    """A compression: its name, the ending of such files, how they begin, and what opens them."""

    name: str
    ending: str
    start: bytes
    open: Callable[[Path], Any]


def _member(path: Path) -> IO[bytes]:
    """The one file of a zip archive."""
    with zipfile.ZipFile(path) as archive:  # whose file stays open until that inside is closed
        return archive.open(_only(path, archive))


KINDS = (
    _Kind("gzip", ".gz", rb"\x1f\x8b", gzip.GzipFile),
    _Kind("bzip2", ".bz2", rb"BZh[1-9]", bz2.BZ2File),
    _Kind("xz", ".xz", rb"\xfd7zXZ\x00", lzma.LZMAFile),
    _Kind("zip", ".zip", rb"PK(\x03\x04|\x05\x06)", _member),
)


def unpacked(path: Path) -> BinaryIO:
    """A file's bytes from the beginning, unpacked if it is compressed.

    Raises:
        FileFormatError: a zip archive of no file or of several; while reading, also a file that is
            broken or cut short.
    """
    kind = _kind(path)
    if kind is None:
        return path.open("rb")
    return io.BufferedReader(_Unpacked(path, kind), PIECE)


def look_inside(path: str | os.PathLike[str], kind: str) -> bytes:
    """The first bytes, unpacked; the arguments and errors are those of ``files.look``."""

    def start(path: Path) -> bytes:
        with unpacked(path) as file:
            return file.read(START)

    return reading(path, kind, start)


def packing(path: Path) -> str | None:
    """By what a file is compressed: "gzip", "bzip2", "xz" or "zip"; None if it is not."""
    kind = _kind(path)
    return None if kind is None else kind.name


def inner_name(source: str | os.PathLike[str]) -> str:
    """What a file would be called if it were not compressed: ``a.csv`` for ``a.csv.gz``.

    ``a.zip`` goes by the name of the file in it, unless its own name says more.
    """
    path = Path(source)
    if path.suffix.lower() not in {kind.ending for kind in KINDS}:
        return path.name
    if path.suffix.lower() == ".zip" and not Path(path.stem).suffix:
        with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
            return path.stem + Path(_only(path, archive).filename).suffix
    return path.stem


def is_longer(path: Path, size: int) -> bool:
    """Whether a file has more bytes than this, unpacked; no more than these are unpacked."""
    if path.stat().st_size > size:
        return True
    if packing(path) is None:
        return False
    with unpacked(path) as file:
        while size >= 0 and (piece := file.read(PIECE)):
            size -= len(piece)
    return size < 0


def _kind(path: Path) -> _Kind | None:
    with path.open("rb") as file:
        start = file.read(8)
    return next((kind for kind in KINDS if re.match(kind.start, start)), None)


def _only(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one file in an archive, besides what macOS adds to it."""
    names = [info.filename for info in archive.infolist()]
    if "[Content_Types].xml" in names:
        raise FileFormatError(f"{path} is an Excel workbook or the like; save the sheet as CSV.")
    found = [
        info
        for info in archive.infolist()
        if not info.is_dir() and not info.filename.startswith("__MACOSX/")
    ]
    if len(found) != 1:
        listed = ", ".join(info.filename for info in found[:3]) + (", ..." if found[3:] else "")
        raise FileFormatError(
            f"{path} is a zip archive of {len(found):,} files{': ' * bool(found)}{listed}. A table "
            "is one file: unpack it, and give the one that is meant."
        )
    if found[0].flag_bits & 1:
        raise FileFormatError(f"{path}: {found[0].filename} in it needs a password; unpack it.")
    return found[0]


class _Unpacked(io.RawIOBase):
    """The unpacked bytes, with errors that say what is wrong with the file."""

    def __init__(self, path: Path, kind: _Kind) -> None:
        self._path, self._kind = path, kind
        self._file = self._told(lambda: kind.open(path))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece: bytes = self._told(lambda: self._file.read(len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()

    def _told(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except NotImplementedError as error:
            raise FileFormatError(f"{self._path}: {error}; unpack it.") from error
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's, not the compression's
            reason = str(error).rstrip(".")
            raise FileFormatError(
                f"{self._path}: its {self._kind.name} compression is broken ({reason}); the file "
                "was probably cut short or changed on its way. Fetch it again."
            ) from error


def line_ends(path: str | os.PathLike[str]) -> int:
    """How many lines end in a file, counted without looking at what they hold."""
    with unpacked(Path(path)) as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 22), b""))
