"""What commas and dots mean in the numbers of a file: decided once, by its head and by columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import open_table, read_table, table_file
from chainrule.data.commas import Marks, marks_of

DECIMAL = ["3,14", "2,5", "0,75"]


def written(tmp_path, mark=";", **columns):
    """A file of these columns; ``mark`` parts its values."""
    path = tmp_path / "t.csv"
    rows = [columns, *zip(*columns.values(), strict=True)]
    path.write_text("".join(mark.join(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["1.234", "2.500", "950"], [1234, 2500, 950]),
        (["1.234", "-12.345.678", "3"], [1234, -12345678, 3]),
        (["1.234,5", "2.500", "0,75"], [1234.5, 2500, 0.75]),
        (["1.234", "1.5", ""], [1.234, 1.5, np.nan]),
        (["1.234", "0.123", "7"], [1.234, 0.123, 7]),
        (["1.234", "1234.567", "7"], [1.234, 1234.567, 7]),
    ],
)
def test_dots_beside_decimal_commas(tmp_path, values, read, monkeypatch):
    for mark in (";", "\t", "|"):
        path = written(tmp_path, mark, x=DECIMAL, money=values)
        table = read_table(path)
        np.testing.assert_array_equal(table.columns["money"], read)
        np.testing.assert_array_equal(table.columns["x"], [3.14, 2.5, 0.75])
    # Whatever rows are read together.
    monkeypatch.setattr(table_file, "MOST_ROWS_A_BATCH", 1)
    monkeypatch.setattr(table_file, "FEWEST_ROWS_A_BATCH", 1)
    np.testing.assert_array_equal(read_table(path).columns["money"], read)


@pytest.mark.parametrize(
    ("values", "read", "unsure"),
    [
        (["1.234", "2.500", "950"], [1.234, 2.5, 950], {"money": "1.234"}),
        (["1.234", "2.5", "950"], [1.234, 2.5, 950], {}),
        (["1.234.567", "2.500", "950"], [1234567, 2500, 950], {}),
        (["1.234,5", "2.500", "950"], [1234.5, 2500, 950], {}),
    ],
)
def test_dots_where_nothing_else_shows_a_decimal_comma(tmp_path, values, read, unsure):
    path = written(tmp_path, x=["a", "b", "c"], money=values)
    assert open_table(path).marks.unsure == unsure
    np.testing.assert_array_equal(read_table(path).columns["money"], read)
    # Where commas part the values, dots are decimal points.
    path = written(tmp_path, ",", x=["a", "b", "c"], money=["1.234", "2.500", "950"])
    np.testing.assert_array_equal(read_table(path).columns["money"], [1.234, 2.5, 950])


def test_text_with_dots_stays_text(tmp_path):
    texts = ["1.2.2024", "v1.200", "10.0.0.1"]
    path = written(tmp_path, x=DECIMAL, text=texts, mixed=["1,5", "1.5", "2"])
    table = read_table(path)
    assert table.columns["text"] == texts
    assert table.columns["mixed"] == ["1,5", "1.5", "2"]


def test_a_file_that_does_not_tell_is_read_as_in_the_training():
    told = Marks(True, frozenset({"a"}), frozenset({"b"}))
    names, silent = ("a", "b", "c"), ("1.234", "1.234", "1.234")
    after = marks_of(names, [silent]).after(told)
    assert [after.part_thousands(name) for name in names] == [True, False, True]
    # What it shows itself comes first.
    after = marks_of(names, [("1.5", "1.234.567", "1.5")]).after(told)
    assert [after.part_thousands(name) for name in names] == [False, True, False]
    after = marks_of(names, [silent]).after(Marks())
    assert [after.part_thousands(name) for name in names] == [False, False, False]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=12), st.booleans())
def test_thousands_with_dots_are_what_they_were(tmp_path_factory, numbers, cents):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    texts = [f"{number:,}".replace(",", ".") + (",25" if cents else "") for number in numbers]
    path.write_text("n;x\n" + "".join(f"{text};0,5\n" for text in texts))
    signs = [-0.25 if text.startswith("-") else 0.25 for text in texts]
    wanted = [n + cents * sign for n, sign in zip(numbers, signs, strict=True)]
    assert read_table(path).columns["n"].tolist() == wanted


def test_what_neither_this_file_nor_the_training_s_can_tell() -> None:
    names = ("a", "b")
    written = marks_of(names, [("10,5", "1.234"), ("9,5", "2.345")])
    assert written.in_doubt(Marks()) == {"b": "1.234"}
    assert written.in_doubt(Marks(commas=True)) == {}
    assert written.in_doubt(Marks(points=frozenset("b"))) == {}
    assert marks_of(names, [("10.5", "1.234")]).in_doubt(Marks()) == {}
