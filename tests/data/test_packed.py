"""Compressed tables: read as the plain ones are, and refused in one line where they are broken."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from chainrule.data import open_table, read_csv, read_table
from chainrule.data.packed import inner_name, is_longer, packing, unpacked
from chainrule.data.table_file import rows_soon_told
from chainrule.errors import DataError, FileFormatError

RNG = np.random.default_rng(4)
TEXT = "area,district,price\n" + "".join(
    f"{a:.9f},{'north' if a > 0 else 'south'},{b:.9f}\n" for a, b in RNG.normal(size=(3000, 2))
)
LINES = '{"area": 5, "price": 1}\n{"area": 7.5, "price": 2}\n'


def zipped(content: bytes, *names: str, password: bool = False) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("rows.csv",):
            archive.writestr(name, content)
    found = bytearray(stream.getvalue())
    if password:  # the flag alone: zipfile writes none
        found[6] |= 1
        found[found.index(b"PK\x01\x02") + 8] |= 1
    return bytes(found)


PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zip": zipped,
}  # fmt: skip
NAMES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zip": "zip"}


@pytest.mark.parametrize("ending", PACK)
def test_a_packed_table_is_read_as_the_plain_one(ending: str, tmp_path: Path) -> None:
    plain, packed = tmp_path / "houses.csv", tmp_path / f"houses.csv{ending}"
    plain.write_text(TEXT)
    packed.write_bytes(PACK[ending](TEXT.encode()))
    expected, found = read_table(plain), read_table(packed)
    np.testing.assert_array_equal(found.columns["price"], expected.columns["price"])
    assert found.columns["district"] == expected.columns["district"]
    assert found.where(7) == f"{packed}, line 9"
    assert read_csv(packed).columns == read_csv(plain).columns
    file = open_table(packed)
    assert (file.format, file.names, file.rows_expected()) == ("csv", expected.names, 3001)
    assert [len(table) for table in file.batches(1000)] == [1000] * 3
    assert packing(packed) == NAMES[ending]
    assert packing(plain) is None


@pytest.mark.parametrize("ending", PACK)
def test_a_packed_table_of_lines_and_of_tabs(ending: str, tmp_path: Path) -> None:
    pack, path = PACK[ending], tmp_path / f"rows.jsonl{ending}"
    path.write_bytes(pack(LINES.encode()))
    np.testing.assert_array_equal(read_table(path).columns["area"], [5, 7.5])
    path = tmp_path / f"rows.json{ending}"
    path.write_bytes(pack(b'[{"area": 5}, {"area": 6}]'))
    np.testing.assert_array_equal(read_table(path).columns["area"], [5, 6])
    path = tmp_path / f"rows.TSV{ending.upper()}"
    path.write_bytes(pack(b"a\tb,c\n1\t2\n"))
    assert open_table(path).format == "tsv"
    assert open_table(path).names == ("a", "b,c")
    path = tmp_path / f"wide.csv{ending}"
    path.write_bytes(pack("a,b\n1,\u00e9\n".encode("utf-16")))
    assert read_table(path).columns["b"] == ["\u00e9"]


def test_what_lies_inside_is_told_by_the_names(tmp_path: Path) -> None:
    path = tmp_path / "rows.zip"
    path.write_bytes(zipped(LINES.encode(), "inside/rows.jsonl", "__MACOSX/inside/._rows.jsonl"))
    assert open_table(path).format == "jsonl"
    assert inner_name(path) == "rows.jsonl"
    # A file that is packed, or not, against its name.
    plain, named = tmp_path / "plain.csv.gz", tmp_path / "packed.csv"
    plain.write_text(TEXT)
    named.write_bytes(gzip.compress(TEXT.encode()))
    assert len(read_table(plain)) == len(read_table(named)) == 3000
    start = tmp_path / "PK.csv"
    start.write_text("PK,BZh\n1,2\n")
    assert open_table(start).names == ("PK", "BZh")


def test_parts_that_were_packed_one_by_one_are_one_table(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    half = len(TEXT) // 2
    path.write_bytes(gzip.compress(TEXT[:half].encode()) + gzip.compress(TEXT[half:].encode()))
    assert len(read_table(path)) == 3000


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize("harm", ["cut short", "changed", "head alone"])
def test_a_broken_one_is_refused_in_one_line(ending: str, harm: str, tmp_path: Path) -> None:
    whole = PACK[ending](TEXT.encode())
    middle = len(whole) // 2
    broken = {
        "cut short": whole[: -len(whole) // 3],
        "changed": whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 99])
        + whole[middle + 99 :],
        "head alone": whole[:8],
    }[harm]  # fmt: skip
    path = tmp_path / f"rows.csv{ending}"
    path.write_bytes(broken)
    for read in (read_table, read_csv):
        with pytest.raises(FileFormatError) as caught:
            read(path)
        told = str(caught.value)
        assert told.startswith(f"{path}: its {NAMES[ending]} compression is broken (")
        assert told.endswith("cut short or changed on its way. Fetch it again.")
        assert "\n" not in told


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        (
            "two.zip", zipped(b"a\n1\n", "a.csv", "b.csv"),
            " is a zip archive of 2 files: a.csv, b.csv. A table is one file: unpack it, and give "
            "the one that is meant.",
        ),
        (
            "none.csv.zip", zipped(b"", "folder/"),
            " is a zip archive of 0 files. A table is one file: unpack it, and give the one that "
            "is meant.",
        ),
        (
            "book.zip", zipped(b"", "[Content_Types].xml", "xl/workbook.xml"),
            " is an Excel workbook or the like; save the sheet as CSV.",
        ),
        (
            "secret.zip", zipped(b"a\n1\n", password=True),
            ": rows.csv in it needs a password; unpack it.",
        ),
        (
            "a.npz", zipped(b"", "x.npy", "y.npy"),
            " is an archive of arrays; save one of them with numpy.save.",
        ),
        (
            "a.parquet.gz", gzip.compress(b"PAR1..."),
            " is a Parquet file, which is compressed by itself, inside gzip compression; unpack "
            "it.",
        ),
        ("a.npy.xz", lzma.compress(b"\x93NUMPY"), " is arrays inside xz compression; unpack it."),
        (
            "twice.csv.gz", gzip.compress(gzip.compress(b"a\n1\n")),
            " is not a CSV file: it is compressed with gzip; unpack it.",
        ),
        (
            "a.csv.zst", b"\x28\xb5\x2f\xfd....",
            " is not a CSV file: it is compressed with zstd; unpack it.",
        ),
    ],
)  # fmt: skip
def test_archives_that_are_no_tables(name: str, content: bytes, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        open_table(path)
    assert str(caught.value) == f"{path}{text}"


def test_errors_name_the_line_inside(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\ncaf\xe9,3\n"))
    with pytest.raises(FileFormatError, match=r"rows\.csv\.gz, line 3: the byte e9 is not UTF-8"):
        read_table(path)
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(FileFormatError, match=r"rows\.csv\.gz is empty: expected a header"):
        read_table(path)
    with pytest.raises(DataError, match=r"no such file. Did you mean 'rows.csv.gz'"):
        read_table(tmp_path / "row.csv.gz")


def test_the_memory_holds_a_piece_of_it(tmp_path: Path) -> None:
    path = tmp_path / "long.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(40):
            file.write(b"1,2\n" * (1 << 18))  # 40 MB
    tracemalloc.start()
    with unpacked(path) as file:
        total = sum(len(piece) for piece in iter(lambda: file.read(1 << 20), b""))
    assert not is_longer(path, total)
    assert is_longer(path, total - 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    path.write_bytes(path.read_bytes()[:-9])
    assert is_longer(path, total // 2), "what lies behind need not be whole"
    assert total == 40 << 20
    assert peak < 8 << 20


def test_the_rows_of_a_packed_file_are_not_counted_in_passing(tmp_path):
    text = b"a,b\n" + b"1,2\n" * 9
    (tmp_path / "t.csv").write_bytes(text)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text))
    assert rows_soon_told(open_table(tmp_path / "t.csv")) == 10  # line ends
    assert rows_soon_told(open_table(tmp_path / "t.csv.gz")) is None
