"""JSON lines, Parquet and NPY files: the same table whatever it lies in, in batches or whole."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from chainrule.data import TableEncoder, open_table, read_table
from chainrule.data.table import joined
from chainrule.errors import DataError, FileFormatError, MissingPackageError, OptionError

DAYS = ["2024-01-05", "2024-02-06", "2024-03-07", None]
ROWS = [
    {"n": 1.5, "c": "a", "b": True, "d": DAYS[0], "y": 0},
    {"n": None, "c": "ü, \"quoted\"\nline", "b": False, "d": DAYS[1], "y": 1},
    {"n": -2, "c": None, "b": None, "d": DAYS[2], "y": 0},
    {"n": 1e300, "c": "NA", "b": True, "d": DAYS[3], "y": 1},
]  # fmt: skip
CELLS = [
    {"n": "1.5", "c": "a", "b": "true", "d": "2024-01-05", "y": "0"},
    {"n": "", "c": "ü, \"quoted\"\nline", "b": "false", "d": "2024-02-06", "y": "1"},
    {"n": "-2", "c": "", "b": "", "d": "2024-03-07", "y": "0"},
    {"n": "1e+300", "c": "", "b": "true", "d": "", "y": "1"},
]  # fmt: skip


def write(folder, kind):
    """The rows as a file of some kind."""
    import pandas

    path = folder / f"t.{kind}"
    frame = pandas.DataFrame(ROWS)
    if kind == "jsonl":
        lines = [json.dumps({k: v for k, v in row.items() if v is not None}) for row in ROWS]
        path.write_text("\ufeff" + "\n\n".join(lines) + "\n", encoding="utf-8")
    elif kind == "json":
        path.write_text(json.dumps(ROWS, indent=1))
    elif kind == "parquet":
        frame["d"] = pandas.to_datetime(frame["d"])
        frame["c"] = frame["c"].astype("category")
        frame.to_parquet(path, row_group_size=3)
    elif kind == "npy":
        fields = [("n", "f8"), ("c", "U30"), ("b", "U5"), ("d", "M8[D]"), ("y", "i8")]
        rows = [
            (float(row["n"] or "nan"), row["c"], row["b"], row["d"] or "NaT", int(row["y"]))
            for row in CELLS
        ]
        np.save(path, np.array(rows, dtype=fields))
    else:
        frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json", "parquet", "npy"])
def test_one_table_in_every_kind_of_file(tmp_path, kind):
    table = read_table(write(tmp_path, kind), target="y")
    assert sorted(table.names) == ["b", "c", "d", "n", "y"]
    found = [table.cells(row) for row in range(len(table))]
    # pandas writes True where JSON has true.
    title = str.title if kind in ("csv", "tsv") else str
    assert found == [{**cells, "b": title(cells["b"])} for cells in CELLS]
    assert table.target == "y"
    assert table.columns["n"].dtype == np.float64


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json", "parquet", "npy"])
@pytest.mark.parametrize("rows", [1, 2, 100])
def test_batches_are_the_table(tmp_path, kind, rows):
    file = open_table(write(tmp_path, kind))
    whole = read_table(tmp_path / f"t.{kind}")
    batches = list(file.batches(rows))
    assert all(0 < len(batch) <= rows for batch in batches)
    again = joined(batches)
    assert [again.cells(k) for k in range(len(again))] == [
        whole.cells(k) for k in range(len(whole))
    ]
    assert list(again.lines) == list(whole.lines)
    assert file.format == ("jsonl" if kind == "json" else kind)


def test_where_rows_are(tmp_path):
    assert read_table(write(tmp_path, "jsonl")).where(2) == f"{tmp_path / 't.jsonl'}, line 5"
    assert read_table(write(tmp_path, "parquet")).where(2) == f"{tmp_path / 't.parquet'}, row 3"
    assert read_table(write(tmp_path, "json")).where(2) == f"{tmp_path / 't.json'}, row 3"
    # The second row takes two lines.
    assert read_table(write(tmp_path, "csv")).where(2) == f"{tmp_path / 't.csv'}, line 5"


def test_how_many_rows_are_expected(tmp_path):
    expected = {"csv": 6, "jsonl": 7, "parquet": 4, "npy": 4}
    for kind, count in expected.items():
        assert open_table(write(tmp_path, kind)).rows_expected() == count


def test_a_column_that_is_numbers_only_at_first(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "1.0,0\n2,1\n" * 3 + "x,0\n")
    parts = list(open_table(path).batches(2))
    assert [type(part.columns["a"]) for part in parts] == [np.ndarray] * 3 + [list]
    assert joined(parts).columns["a"] == ["1", "2"] * 3 + ["x"]


def test_a_matrix(tmp_path):
    matrix = np.arange(12, dtype=np.int16).reshape(4, 3)
    np.save(tmp_path / "m.npy", np.asfortranarray(matrix))
    table = read_table(tmp_path / "m.npy")
    assert table.names == ("column 1", "column 2", "column 3")
    assert np.array_equal(np.stack(list(table.columns.values()), axis=1), matrix)


def test_decimal_commas_where_commas_part_no_values(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b;c;y\n1,5;1,234;1.5;0\n2;2,345;1,5;1\n-3,25;-3,456;2;0\n;7;3;1\n")
    table = read_table(path)
    np.testing.assert_array_equal(table.columns["a"], [1.5, 2, -3.25, np.nan])
    # Beside the others of the file it is no thousand, whatever rows are read with it.
    np.testing.assert_array_equal(table.columns["b"], [1.234, 2.345, -3.456, 7])
    again = joined(open_table(path).batches(1))
    np.testing.assert_array_equal(again.columns["b"], table.columns["b"])
    assert table.columns["c"][1] == "1,5"  # beside 1.5 it may mean anything


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["1,234", "-5,678", "-9"], None),  # or are they thousands?
        (["1,234", "0,678"], [1.234, 0.678]),
        (["1,234", "1234,678"], [1.234, 1234.678]),
        (["1,234", "2,5E3"], [1.234, 2500]),
        (["1,234,567", "2,5"], None),
    ],
)
def test_commas_of_thousands_and_of_decimals(tmp_path, values, read):
    path = tmp_path / "t.csv"
    path.write_text("".join(f"{value};0\n" for value in ["x", *values]))
    found = read_table(path).columns["x"]
    assert (found if read is None else found.tolist()) == (values if read is None else read)


def test_a_row_group_of_parquet_is_not_read_at_once(tmp_path):
    import pyarrow
    import pyarrow.parquet

    numbers = np.random.default_rng(0).normal(size=(4, 400_000))
    path, columns = tmp_path / "t.parquet", {f"x{k}": row for k, row in enumerate(numbers)}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    del columns
    before = pyarrow.total_allocated_bytes()
    batches = open_table(path).batches(1000)
    next(batches)
    assert pyarrow.total_allocated_bytes() - before < numbers.nbytes
    batches.close()


def test_parquet_of_pandas_and_of_other_types(tmp_path):
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table(
        {
            "whole": pyarrow.array([1, None, 3], pyarrow.int64()),
            "money": pyarrow.array([1, 2, 3], pyarrow.decimal128(8, 2)),
            "zone": pyarrow.array([0, 10**6, None], pyarrow.timestamp("us", "Europe/Helsinki")),
            "day": pyarrow.array([0, 1, None], pyarrow.date32()),
            "list": pyarrow.array([[1], None, [2, 3]]),
            "nothing": pyarrow.nulls(3),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    columns = read_table(tmp_path / "t.parquet").columns
    np.testing.assert_array_equal(columns["whole"], [1, np.nan, 3])
    np.testing.assert_array_equal(columns["money"], [1, 2, 3])
    assert columns["day"].astype(str).tolist() == [
        "1970-01-01T00:00:00", "1970-01-02T00:00:00", "NaT"
    ]  # fmt: skip
    assert columns["list"] == ["[1]", None, "[2, 3]"]
    assert np.isnan(columns["nothing"]).all()
    assert columns["zone"].dtype == np.dtype("datetime64[s]")


def test_the_same_model_from_any_file(tmp_path):
    """A table learnt from Parquet is asked in CSV."""
    learnt = TableEncoder().fit(read_table(write(tmp_path, "parquet"), "y").take([0, 1, 2]))
    rows = read_table(write(tmp_path, "csv")).take([0, 1, 2])
    same = read_table(write(tmp_path, "jsonl")).take([0, 1, 2])
    assert np.array_equal(learnt.transform(rows), learnt.transform(same))


def test_an_unknown_target(tmp_path):
    with pytest.raises(OptionError, match=r"column 'z' is not known\..* Known: b, c, d, n, y\."):
        read_table(write(tmp_path, "parquet"), target="z")


# Files that cannot be read


def test_without_pyarrow_a_line_says_what_to_install(tmp_path, monkeypatch):
    path = write(tmp_path, "parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingPackageError) as caught:
        open_table(path)
    assert str(caught.value) == (
        f"Reading {path} needs the package 'pyarrow', which is not installed: "
        "pip install 'chainrule[tables]'"
    )


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("t.jsonl", b"", " is empty: expected a JSON object a line."),
        (
            "t.jsonl",
            b'{"a": 1}\n{"a": \n',
            ", line 2 is not JSON: Expecting value",
        ),
        (
            "t.jsonl",
            b"3\n",
            ', line 1 holds a number; expected an object, such as {"area": 80, "price": 1000}.',
        ),
        ("t.jsonl", b'{"a": "\xe9"}\n', ", line 1: the byte e9 is not UTF-8. Save the file as"),
        ("t.jsonl", '{"a": 1}\n'.encode("utf-16"), " is UTF-16 text; JSON lines are UTF-8."),
        ("t.jsonl", b"[" * 100_000 + b"\n", " is not JSON: "),
        ("t.json", b'[{"a": 1}, 2]', ", row 2 is a number; expected an object, such as "),
        ("t.json", b'[{"a": 1},', " is not JSON: Expecting value"),
        ("t.parquet", b"", " is not a whole Parquet file: Parquet file size is 0 bytes. Per"),
        ("t.parquet", b"PAR1abc", " is not a whole Parquet file: "),
        ("t.csv", b"PAR1abc", " is not a whole Parquet file: "),
        ("t.npy", b"", " is not a whole NPY file: EOF: reading magic string, expected 8 "),
        ("t.npy", b"\x93NUMPY\x01\x00", " is not a whole NPY file: EOF: reading array header"),
        ("t.pkl", b"\x80\x04", " is a pickle, which may run code; write the table as Parquet or"),
        ("t.xls", b"\xd0\xcf\x11\xe0", " is an Excel workbook; save the sheet as CSV."),
        ("t.xlsx", b"PK\x03\x04", " is an Excel workbook; save the sheet as CSV."),
        ("t.csv", b"\x89PNG\r\n", " is not a CSV file: it is a picture; give a table."),
    ],
)  # fmt: skip
def test_files_that_are_broken(tmp_path, name, content, text):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        open_table(path)
    assert str(caught.value).startswith(f"{path}{text}")


def test_files_that_were_cut_short(tmp_path):
    for kind, reason in (
        ("parquet", "is not a whole Parquet file: Parquet magic bytes not found in footer. "),
        ("npy", "is not a whole NPY file: mmap length is greater than file size."),
    ):
        path = write(tmp_path, kind)
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(FileFormatError) as caught:
            open_table(path)
        assert str(caught.value).startswith(f"{path} {reason}")


def test_a_parquet_file_whose_middle_is_damaged(tmp_path):
    path = write(tmp_path, "parquet")
    content = bytearray(path.read_bytes())
    content[4:60] = bytes(56)
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="is not a whole Parquet file: "):
        read_table(path)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.arange(3), "holds an array of shape (3,); a table is a matrix, rows by columns, "),
        (np.zeros((2, 2, 2)), "holds an array of shape (2, 2, 2); a table is a matrix"),
        (np.zeros((2, 2), complex), ": the matrix holds complex128; expected numbers, text or "),
        (np.zeros(2, [("a", "f8", 3)]), ": a holds ('<f8', (3,)); expected numbers, text or "),
    ],
)  # fmt: skip
def test_arrays_that_are_no_tables(tmp_path, array, text):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(FileFormatError) as caught:
        open_table(tmp_path / "a.npy")
    assert text in str(caught.value)


def test_an_array_of_objects_is_never_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1, "x"]], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="can't be memory-mapped: Python objects in dtype"):
        open_table(tmp_path / "a.npy")


def test_tables_without_rows(tmp_path):
    import pandas

    np.save(tmp_path / "a.npy", np.zeros((0, 3)))
    pandas.DataFrame({"a": []}).to_parquet(tmp_path / "a.parquet")
    for name in ("a.npy", "a.parquet"):
        with pytest.raises(DataError) as caught:
            open_table(tmp_path / name)
        assert str(caught.value) == (
            f"{tmp_path / name} has columns and no rows: there is nothing to learn from."
        )


def test_a_million_columns(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(",".join(map(str, range(1_000_000))) + "\n")
    with pytest.raises(FileFormatError) as caught:
        open_table(path)
    assert str(caught.value) == (
        f"{path} has 1,000,000 columns, and a table may have 100,000. Rows are samples and columns "
        "are what is known of each: perhaps the table lies on its side."
    )


def test_a_line_without_end(tmp_path):
    """A field of 100 MB is stopped while it is read."""
    path = tmp_path / "long.csv"
    path.write_bytes(b"a,y\n1," + b"x" * 100_000_000)
    with pytest.raises(FileFormatError) as caught:
        read_table(path)
    assert str(caught.value) == (
        f"{path}, line 2 is longer than 67,108,864 characters: this is no table of rows and "
        "columns."
    )
