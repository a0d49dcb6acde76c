"""Bad tables of every kind: one clear message, or the right result; never half a run."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from chainrule.cli.table_options import TableOptions
from chainrule.cli.tables import table_problem

RNG = np.random.default_rng(3)
ROWS = [
    (f"{RNG.normal():.3f}", str(RNG.choice(list("abc"))), "yes" if RNG.random() < 0.5 else "no")
    for _ in range(40)
]
GOOD = "x,c,y\n" + "".join(",".join(row) + "\n" for row in ROWS)
ONE = ROWS[3][0]


def many(row: str, times: int = 20) -> str:
    return "x,y\n" + row * times


BAD = {
    "empty.csv": ("", "empty.csv is empty: expected a header row and at least one row."),
    "head.csv": ("x,y\n", "head.csv has a header and no rows: there is nothing to learn from."),
    "one.csv": (
        "x,y\n1,2\n",
        "one.csv has 1 row, too few to set some aside for the test; give at least 10.",
    ),
    "class.csv": (
        many("1,a\n2,a\n"),
        "class.csv: the target 'y' is a in every row: there is nothing to predict.",
    ),
    "missing.csv": (
        many(",1\n,2\n"),
        "missing.csv: no column is left to learn from. Ignored: 'x' (it has no values).",
    ),
    "target.csv": (
        many("1,\n2,\n"),
        "target.csv: the target 'y' is missing in every row: there is nothing to learn.",
    ),
    "few.csv": (
        many("1,\n2,\n") + "3,1\n",
        "few.csv has 1 row with a 'y', too few to set some aside for the test; give at least 10.",
    ),
    "wide16.csv": (
        GOOD.encode("utf-16-le"),
        "wide16.csv, line 1: a zero byte; this is not a text file, or it is UTF-16. Save it as "
        "UTF-8.",
    ),
    "latin.csv": (
        (GOOD + "1,é,no\n").encode("latin-1"),
        "latin.csv, line 42: the byte e9 is not UTF-8. Save the file as UTF-8 (in a spreadsheet: "
        "'CSV UTF-8').",
    ),
    "mixed.csv": (
        GOOD.replace(ONE, "oops"),
        "mixed.csv: column 'x': 39 of 40 values are numbers, and line 5 holds 'oops'. Correct it "
        "or leave the cell empty (missing values are filled in).",
    ),
    "twice.csv": (
        "x,x,y\n1,2,3\n",
        "twice.csv, line 1: the header names 'x' more than once; every column needs its own name.",
    ),
    "ragged.csv": (
        GOOD + "1,2\n",
        "ragged.csv, line 42: 2 values, and the header names 3 columns. A value that holds ',' "
        "must be in quotes.",
    ),
    "quote.csv": (
        GOOD + '1,"a,no\n',
        "quote.csv, in the row that begins on line 42: unexpected end of data. Perhaps a quote is "
        "not closed; a quote inside a quoted value is written twice.",
    ),
    "field.csv": (
        GOOD + '1,"' + "a\n" * 100_000 + '",no\n',
        "field.csv, in the row that begins on line 42: field larger than field limit (131072). "
        "Perhaps a quote is not closed; a quote inside a quoted value is written twice.",
    ),
    "binary.csv": (
        bytes(range(128, 256)) * 9,
        "binary.csv, line 1: the byte 80 is not UTF-8. Save the file as UTF-8 (in a spreadsheet: "
        "'CSV UTF-8').",
    ),
    "infinite.csv": (
        GOOD + "inf,a,no\n",
        "infinite.csv: column 'x': 40 of 41 values are numbers, and line 42 holds 'inf'; numbers "
        "must be finite. Correct it or leave the cell empty (missing values are filled in).",
    ),
    "alone.csv": (
        "y\n" + "1\n2\n" * 20,
        "alone.csv: no column is left to learn from. Ignored: none, the target is the only column.",
    ),
    "dates.csv": (
        "x,y\n" + "".join(f"{k % 7},2024-01-{k + 1:02}\n" for k in range(30)),
        "dates.csv: the target 'y' holds dates, a different one in each of its 30 rows; what is "
        "predicted are classes, which repeat, or numbers. Choose another column, or write each "
        "date as a number, such as the days since the first.",
    ),
    "repeating.csv": (
        "x,y\n" + "".join(f"{k},2024-01-{k % 25 + 1:02}\n" for k in range(200)),
        "repeating.csv: the target 'y' holds dates, 25 different ones in its 200 rows; what is "
        "predicted are classes, which repeat, or numbers. Choose another column, or write each "
        "date as a number, such as the days since the first.",
    ),
    "broken.jsonl": (
        '{"x": 1, "y": 2}\n{"x": 1, "y": \n',
        "broken.jsonl, line 2 is not JSON: Expecting value (column 14). Each line is one object, "
        'such as {"area": 80, "price": 1000}.',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_bad_tables_get_one_message(command, folder, name, streamed):
    content, text = BAD[name]
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    result = command("train", name, "--out", "run", *["--stream"][:streamed])
    assert result.exit_code == 1
    *notes, last = result.stderr.splitlines()
    assert not notes or (streamed and notes[0].endswith(" is read in batches, twice."))
    # A stream is counted by its training rows.
    said, text = (
        re.sub(r"\d+ of \d+ values|\d+ rows;", "N", words) if streamed else words
        for words in (last, text)
    )
    assert said.startswith(f"Error: {text}")
    assert len(notes) <= streamed
    assert [path.name for path in folder.iterdir()] == [name]


FINE = {
    "plain.csv": GOOD,
    "wide.csv": GOOD.encode("utf-16"),
    "mark.csv": b"\xef\xbb\xbf" + GOOD.encode(),
    "semicolon.csv": GOOD.replace(",", ";"),
    "bar.txt": GOOD.replace(",", "|"),
    "tab.tsv": GOOD.replace(",", "\t"),
    "windows.csv": GOOD.replace("\n", "\r\n"),
    "mac.csv": GOOD.replace("\n", "\r"),
    "blank.csv": GOOD.replace("\n", "\n\n"),
    "quoted.csv": GOOD.replace(",a,", ',"a",'),
    "lines.jsonl": "".join(
        json.dumps(dict(zip("xcy", (float(row[0]), *row[1:]), strict=True))) + "\n" for row in ROWS
    ),
}


@pytest.mark.parametrize("name", FINE)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_odd_tables_give_the_right_result(folder, name, streamed):
    """The same rows in other clothes: the same numbers, to the last bit."""
    (folder / "a.csv").write_text(GOOD)
    content = FINE[name]
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    plain, odd = (
        table_problem(folder / file, TableOptions(stream=streamed), 0) for file in ("a.csv", name)
    )
    for part in ("train", "validation", "test"):
        if not streamed or not any(mark in name for mark in ("blank", "jsonl")):
            # How many rows there may be is told by the line ends.
            assert np.array_equal(getattr(plain, part).X, getattr(odd, part).X)
            assert np.array_equal(getattr(plain, part).y, getattr(odd, part).y)
    assert plain.feature_names == odd.feature_names
    for given in (plain, odd):
        if given.stream is not None:
            given.stream.close()


def test_a_quoted_line_break_is_part_of_a_value(command, folder):
    (folder / "t.csv").write_text(GOOD.replace(",a,", ',"a\nb",'))
    assert command("train", "t.csv", "--epochs", "2", "--out", "run").exit_code == 0
    facts = json.loads((folder / "run" / "table.json").read_text("utf-8"))["facts"]
    assert facts["columns"][1]["features"] == ["c=a\nb", "c=b", "c=c"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--target", "Y"], "column 'Y' is not known. Did you mean 'y'? Known: c, x, y."),
        (["--drop", "z"], "--drop column 'z' is not known. Known: c, x, y."),
        (["--keep", "z"], "--keep column 'z' is not known. Known: c, x, y."),
        (["--drop", "y"], "--drop 'y': that is the target."),
        (["--split-by", "y"], "--split-by 'y': that is the target."),
        (["--split-by", "grop:c"], "--split-by column 'grop:c' is not known."),
        (["--split-by", "c"], "plain.csv: column 'c' of --split-by has 3 different values; whole "),
        (["--split-by", "time:c"], "plain.csv: column 'c' of --split-by holds neither numbers nor"),
        (["--task", "regress"], "task 'regress' is not known. Did you mean 'regression'?"),
        (["--task", "regression"], "plain.csv, line 2: the target 'y' of a regression must be a "),
        (["--class-weight", "balance"], "class weight 'balance' is not known. Did you mean 'bal"),
        (["--drop", "x", "--drop", "c"], "plain.csv: no column is left to learn from."),
        (["--optimizer", "lbfgs", "--stream"], "LBFGS needs all rows at once, and this table is"),
    ],
)  # fmt: skip
def test_mistakes_in_options_are_told(command, folder, arguments, text):
    (folder / "plain.csv").write_text(GOOD)
    result = command("train", "plain.csv", "--target", "y", *arguments)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith(f"Error: {text}")
    assert [path.name for path in folder.iterdir()] == ["plain.csv"]


def test_options_of_tables_are_for_tables(command, folder):
    for option in (["--split-by", "x"], ["--stream"], ["--drop", "x"], ["--task", "regression"]):
        result = command("train", "xor", *option)
        assert result.stderr == f"Error: {option[0]} is for tables, and xor is none.\n"
    assert list(folder.iterdir()) == []


def test_a_mistyped_name_among_thousands_of_columns(command, folder):
    names = [f"gene {k:04}" for k in range(3000)]
    (folder / "genes.csv").write_text(",".join(names) + "\n" + ",".join("1" * 3000) + "\n")
    (line,) = command("train", "genes.csv", "--target", "gen 1234").stderr.splitlines()
    assert line.startswith("Error: column 'gen 1234' is not known. Did you mean 'gene 1234'? Known")
    assert line.endswith("gene 0099 and 2,900 more.")
