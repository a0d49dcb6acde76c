"""CSV files: what is read, and what is said of files that cannot be."""

from __future__ import annotations

import csv
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import Table, read_csv
from chainrule.data.csv_rows import head_rows
from chainrule.data.csv_table import CsvFile
from chainrule.errors import DataError, FileFormatError, OptionError, ShapeError


@pytest.fixture
def write(tmp_path):
    def writer(content: str | bytes) -> str:
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return writer


# Reading


@pytest.mark.parametrize("mark", [";", ",", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_first_line_of_excel_that_says_what_parts_the_values(write, mark, end):
    path = write(f"\ufeffsep={mark}{end}a{mark}b{end}1.5{mark}2{end}")
    table = read_csv(path)
    assert table.columns == {"a": ["1.5"], "b": ["2"]}
    assert table.lines[0] == 3
    assert CsvFile(path).marks == CsvFile(write(f"a{mark}b{end}1.5{mark}2{end}")).marks


def test_such_a_line_further_down_is_a_row(write):
    table = read_csv(write("a;b\nsep=;\nsep=;\n"))
    assert table.columns == {"a": ["sep=", "sep="], "b": [None, None]}


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        ('"sep=;"', ";"), ("SEP=;", ";"), ("Sep=\t", "\t"), ("sep=\\t", "\t"), ("sep= ;", ";"),
        ("sep=; ", ";"), ("sep=;;;", ";"), ("sep=^", "^"), ('"sep=,",,', ","), ("sep=", ","),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_first_line_may_say_it_in_many_ways(write, line, mark, end):
    path = write(f"{line}{end}a{mark}b{end}1.5{mark}2{end}")
    table = read_csv(path)
    assert table.columns == {"a": ["1.5"], "b": ["2"]}
    assert table.lines == (3,)
    assert head_rows(str(path), mark) == [["a", "b"], ["1.5", "2"]]


@pytest.mark.parametrize(("line", "mark"), [("sep=;", ","), ("sep=,", ";"), ('"sep=;"', "\t")])
def test_a_first_line_that_says_what_is_not_so(write, line, mark):
    path = write(f"{line}\na{mark}b\n1{mark}2\n")
    assert read_csv(path).columns == {"a": ["1"], "b": ["2"]}
    with pytest.raises(FileFormatError, match="Perhaps a quote is not closed"):
        read_csv(write(f'{line}\n"a{mark}b\n1{mark}2\n'))


def test_a_column_may_be_called_sep(write):
    assert read_csv(write("sep=x,b\n1,2\n")).names == ("sep=x", "b")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_delimiters_line_ends_and_marks(write, delimiter, end, mark):
    text = end.join(delimiter.join(row) for row in [("a", "b"), ("1", "x y"), ("2", "é")])
    path = write(mark + text.encode())
    table = read_csv(path, target="b")
    assert table == Table(("a", "b"), {"a": ["1", "2"], "b": ["x y", "é"]}, "b", (2, 3), path)
    assert len(table) == 2


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (
            'size, in cm;name\n15;"a;b"\n25;c\n',
            {"size, in cm": ["15", "25"], "name": ["a;b", "c"]},
        ),
        ("p;q\n1,5;2,5\n3,5;4,5\n", {"p": ["1,5", "3,5"], "q": ["2,5", "4,5"]}),
        ("p,q\n1;2,5\n3;4,5\n", {"p": ["1;2", "3;4"], "q": ["5", "5"]}),
    ],
)
def test_the_delimiter_is_the_one_on_which_rows_agree(write, text, columns):
    assert read_csv(write(text)).columns == columns


def test_quoted_values_hold_anything_and_lines_stay_right(write):
    path = write('a,b\n"one\ntwo",1\n\n"say ""hi"", you",2\n   \n3,4\n')
    table = read_csv(path)
    assert table.columns["a"] == ["one\ntwo", 'say "hi", you', "3"]
    assert table.lines == (2, 5, 7)


def test_missing_values_and_space(write):
    path = write("a,b\n 1 ,NA\nnan, ?\n NULL,N/A\n,x\nnone,0\n")
    assert read_csv(path).columns == {
        "a": ["1", None, None, None, "none"],
        "b": [None, None, None, "x", "0"],
    }


def test_columns_without_a_name_are_called_after_their_place(write):
    assert read_csv(write(",a,\n0,1,2\n")).names == ("column 1", "a", "column 3")


def test_utf_16_with_its_mark_is_text_too(write):
    path = write("a\tb\n1\té\n".encode("utf-16"))
    assert read_csv(path).columns == {"a": ["1"], "b": ["é"]}
    path = write("a,b\n1,2\n".encode("utf-16")[:-1])
    with pytest.raises(FileFormatError) as caught:
        read_csv(path)
    assert str(caught.value) == (
        f"{path} begins as UTF-16 text and does not go on as such: truncated data. Save the file "
        f"as UTF-8 (in a spreadsheet: 'CSV UTF-8')."
    )


def test_one_column_is_enough(write):
    assert read_csv(write("a\n1\n2\n")).columns == {"a": ["1", "2"]}


@pytest.mark.parametrize("header", ["0,1,2", "1,2,3"])
def test_a_counted_header_is_a_header(write, header):
    assert read_csv(write(f"{header}\n5,6,7\n")).names == tuple(header.split(","))


VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(deadline=None)  # a busy machine is no failure
@given(rows=st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=5), tab=st.booleans())
def test_what_a_writer_quotes_comes_back(tmp_path_factory, rows, tab):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, delimiter="\t" if tab else ",")
        writer.writerows([("a", "b"), *rows])
    missing = {"", "na", "n/a", "#n/a", "<na>", "nan", "null", "\\n", "?"}
    for place, name in enumerate("ab"):
        expected = [row[place].strip() for row in rows]
        assert read_csv(path).columns[name] == [
            None if value.lower() in missing else value for value in expected
        ]


# Tables


def test_take_keeps_lines_and_target(write):
    table = read_csv(write("a,b\n1,x\n2,y\n3,z\n"), target="b").take([2, 0])
    assert table.columns == {"a": ["3", "1"], "b": ["z", "x"]}
    assert (table.lines, table.target) == ((4, 2), "b")


def test_a_table_by_hand():
    table = Table(("a",), {"a": ["1", None]})
    assert (table.lines, table.source, len(table)) == ((2, 3), "table", 2)
    assert len(table.take([])) == len(Table((), {})) == 0


@pytest.mark.parametrize(
    ("parts", "error", "text"),
    [
        (
            (("a", "b"), {"a": ["1"]}),
            ShapeError,
            "table: names ['a', 'b'] and columns ['a'] differ.",
        ),
        (
            (("a", "b"), {"a": ["1"], "b": []}),
            ShapeError,
            "table: the columns differ in length: {'a': 1, 'b': 0}.",
        ),
        ((("a",), {"a": ["1"]}, None, (2, 3)), ShapeError, "table: 2 lines for 1 rows."),
        (
            (("age",), {"age": ["1"]}, "aeg"),
            OptionError,
            "column 'aeg' is not known. Did you mean 'age'? Known: age.",
        ),
    ],
)
def test_tables_that_do_not_fit(parts, error, text):
    with pytest.raises(error) as caught:
        Table(*parts)
    assert str(caught.value) == text


# Files that cannot be read


@pytest.mark.parametrize(
    ("content", "error", "text"),
    [
        ("", FileFormatError, " is empty: expected a header row and at least one row."),
        ("\n \n", FileFormatError, " is empty: expected a header row and at least one row."),
        (
            b"\xef\xbb\xbf",
            FileFormatError,
            " is empty: expected a header row and at least one row.",
        ),
        (
            "a,b\n",
            DataError,
            " has a header and no rows: there is nothing to learn from.",
        ),
        (
            'a,b\n"x\ny",2\n3\n',
            FileFormatError,
            ", line 4: 1 value, and the header names 2 columns. A value that holds ',' must be in "
            "quotes.",
        ),
        (
            "a;b\n1;2\n1;2;3\n",
            FileFormatError,
            ", line 3: 3 values, and the header names 2 columns. A value that holds ';' must be in "
            "quotes.",
        ),
        (
            "a,b,a,b,c\n1,2,3,4,5\n",
            FileFormatError,
            ", line 1: the header names 'a', 'b' more than once; every column needs its own name.",
        ),
        (
            "\n5.1,3.5,1.4,0.2\n4.9,3,1.4,0.2\n",
            FileFormatError,
            ", line 2: the first row is all numbers (5.1, 3.5, 1.4, ...); expected a header row "
            "that names the columns.",
        ),
        (
            'a,b\n1,2\n"x,3\n4,5\n',
            FileFormatError,
            ", in the row that begins on line 3: unexpected end of data. Perhaps a quote is not "
            "closed; a quote inside a quoted value is written twice.",
        ),
        (
            "a,b\n" + "x" * 200_000 + ",1\n",
            FileFormatError,
            ", in the row that begins on line 2: field larger than field limit (131072). Perhaps a "
            "quote is not closed; a quote inside a quoted value is written twice.",
        ),
        (
            "a,b\n1,2\ncafé,3\n".encode("latin-1"),
            FileFormatError,
            ", line 3: the byte e9 is not UTF-8. Save the file as UTF-8 (in a spreadsheet: "
            "'CSV UTF-8').",
        ),
        (
            b"\xef\xbb\xbfa\n\xe9\n",
            FileFormatError,
            ", line 2: the byte e9 is not UTF-8. Save the file as UTF-8 (in a spreadsheet: "
            "'CSV UTF-8').",
        ),
        (
            "a,b\n1,2\n".encode("utf-16-le"),
            FileFormatError,
            ", line 1: a zero byte; this is not a text file, or it is UTF-16. Save it as UTF-8.",
        ),
        (
            b"PK\x03\x04...",
            FileFormatError,
            ": its zip compression is broken (File is not a zip file); the file was probably cut "
            "short or changed on its way. Fetch it again.",
        ),
        (b"PAR1...", FileFormatError, " is not a CSV file: it is a Parquet file; write it as CSV."),
        (
            b"\x1f\x8b\x08",
            FileFormatError,
            ": its gzip compression is broken (Compressed file ended before the end-of-stream "
            "marker was reached); the file was probably cut short or changed on its way. Fetch it "
            "again.",
        ),
    ],
)
def test_files_that_are_no_tables(write, content, error, text):
    path = write(content)
    with pytest.raises(error) as caught:
        read_csv(path)
    assert str(caught.value) == f"{path}{text}"


def test_target_that_is_no_column(write):
    with pytest.raises(OptionError) as caught:
        read_csv(write("length,species\n1,x\n"), target="specie")
    assert str(caught.value) == (
        "column 'specie' is not known. Did you mean 'species'? Known: length, species."
    )


def test_no_such_file(write, tmp_path):
    path = write("a\n1\n")
    with pytest.raises(DataError) as caught:
        read_csv(path.replace("t.csv", "tt.csv"))
    assert str(caught.value).endswith("tt.csv: there is no such file. Did you mean 't.csv'?")
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path / "zebra")
    assert str(caught.value) == (
        f"{tmp_path / 'zebra'}: there is no such file. Python is running in {os.getcwd()}."
    )
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path / "no" / "t.csv")
    assert str(caught.value) == (
        f"{tmp_path / 'no' / 't.csv'}: there is no such file. "
        f"Its folder {tmp_path / 'no'} does not exist either."
    )


def test_a_directory(tmp_path):
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path)
    assert str(caught.value) == f"{tmp_path} is a directory; give the path of a CSV file in it."


def test_a_file_as_folder(write):
    path = write("a\n1\n")
    with pytest.raises(DataError) as caught:
        read_csv(f"{path}/t.csv")
    assert str(caught.value) == f"{path}/t.csv cannot be read as a CSV file: Not a directory."


def test_a_path_that_no_system_allows():
    with pytest.raises(DataError, match="cannot be read as a CSV file: embedded null byte"):
        read_csv("a\0b")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<!DOCTYPE html><table>", " is not a CSV file: it is a web page; save the table as CSV."),
        ('[{"a": 1}]', " is not a CSV file: it is JSON; call it .json."),
        ('{"a": 1}\n{"a": 2}\n', " is not a CSV file: it is JSON; call it .jsonl."),
        (
            "# made by me\na,b\n1,2\n",
            ", line 2: 2 values, and the header names 1 column. If '# made by me' stands above the "
            "true header, remove such lines.",
        ),
        (
            "a  b c\n1 2.5   x\n3 4 y\n",
            ": each row is one value of 3 words, such as '1 2.5 x': do spaces part the columns? "
            "Write commas, semicolons or tabs between them.",
        ),
    ],
)
def test_files_of_other_forms_are_told_as_such(write, content, told):
    path = write(content)
    with pytest.raises(FileFormatError) as error:
        read_csv(path)
    assert str(error.value) == path + told


def test_a_column_of_sentences_is_no_table_parted_by_spaces(write):
    assert read_csv(write("my words\none two\nthree\n")).names == ("my words",)
    assert read_csv(write("my words\none two\n")).names == ("my words",)
