"""A column is numbers or text as a whole: what a batch of its rows looks like changes no answer."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from chainrule.cli import tables
from chainrule.cli.table_options import TableOptions
from chainrule.cli.tables import table_problem
from chainrule.data import open_table, table_file
from chainrule.data.columns import CategoryColumn, NumberColumn
from chainrule.data.learning import learn_column
from chainrule.data.spool import Spool
from chainrule.data.survey import ColumnSurvey
from chainrule.errors import DataError

RNG = np.random.default_rng(4)
N = 600
#: The first rows have codes that look like numbers; the last show that they are none.
EARLY, LATE = ["01", "1", "1.0", "02"], ["A", "B"]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(table_file, "FEWEST_ROWS_A_BATCH", 1)
    monkeypatch.setattr(table_file, "MOST_ROWS_A_BATCH", 50)


def rows():
    """Rows of a code, a number and a class that only the code's spelling tells."""
    codes = [*RNG.choice(EARLY, N // 2), *RNG.choice(LATE, N // 2)]
    return [
        {"code": str(code), "x": round(float(x), 3), "y": "p" if code in ("01", "A") else "q"}
        for code, x in zip(codes, RNG.normal(size=N), strict=True)
    ]


def write(path: Path, records) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    elif path.suffix == ".parquet":
        import pandas

        pandas.DataFrame(records).to_parquet(path)
    else:
        mark = "\t" if path.suffix == ".tsv" else ","
        lines = [mark.join(records[0]), *[mark.join(map(str, r.values())) for r in records]]
        path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("stream", [False, True])
def test_categories_as_the_file_writes_them(folder, kind, stream):
    path = write(folder / f"t.{kind}", rows())
    options = TableOptions(stream=stream, target="y")
    problem = table_problem(path, options, 0, partial(Spool, folder))
    if problem.stream is not None:
        problem.stream.close()
    assert problem.feature_names == (*[f"code={c}" for c in sorted(EARLY + LATE)], "x")
    assert problem.encoder.texts == {"code", "y"}


@pytest.mark.parametrize("late", [LATE, ["007", "123"]])
def test_what_a_stream_says_of_reading_once_more(folder, capsys, late):
    records = rows()
    for k, record in enumerate(records):
        record["code"] = (["123", "456"] if k < N // 2 else late)[k % 2]
    path = write(folder / "t.csv", records)
    problem = table_problem(path, TableOptions(stream=True), 0, partial(Spool, folder))
    problem.stream.close()
    assert problem.feature_names == (*[f"code={c}" for c in sorted({"123", "456", *late})], "x")
    assert (
        "Not all values are numbers in 'code', or some are codes: the file is read once more, as "
        "text there." in capsys.readouterr().err.splitlines()
    )
    # A column that is not used is not worth it.
    options = TableOptions(stream=True, drop=("code",))
    problem = table_problem(path, options, 0, partial(Spool, folder))
    problem.stream.close()
    assert "once more" not in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_prediction_does_not_depend_on_the_rows_beside(command, folder, kind):
    train = write(folder / "t.csv", rows())
    assert command("train", train, "--epochs", "5", "--out", "run").exit_code == 0
    alone = [{"code": code, "x": 0.5} for code in ["01"] * 3]
    asked = [*alone, {"code": "A", "x": 0.5}, {"code": "1", "x": 0.5}]
    said = [
        command("predict", "run", write(folder / f"{name}.{kind}", records)).stdout.splitlines()
        for name, records in (("alone", alone), ("beside", asked))
    ]
    assert said[0] == said[1][:4]
    assert [line.split(",")[0] for line in said[1][1:]] == ["p", "p", "p", "p", "q"]


@pytest.mark.parametrize("stream", [False, True])
def test_classes_as_the_file_writes_them(folder, stream):
    records = [{"x": r["x"], "y": r["code"]} for r in rows()]
    path = write(folder / "t.csv", records)
    options = TableOptions(task="classification", stream=stream)
    problem = table_problem(path, options, 0, partial(Spool, folder))
    if problem.stream is not None:
        problem.stream.close()
    assert problem.class_names == tuple(sorted(EARLY + LATE))


def test_classes_that_are_numbers_throughout_are_told_by_their_worth(folder):
    records = [{"x": r["x"], "y": EARLY[k % 4]} for k, r in enumerate(rows())]
    problem = table_problem(write(folder / "t.csv", records), TableOptions(), 0)
    assert problem.class_names == ("1", "2")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("drop", [(), ("g",)])
def test_groups_stay_together_however_they_are_written(folder, stream, drop, monkeypatch):
    groups = [f"0{k}" for k in range(1, 10)]
    late = [*groups, "A", "B", "C"]
    # Each group lies in batches of nothing but numbers and in others.
    column = [groups[k % 9] for k in range(N // 2)] + [late[k % 12] for k in range(N // 2)]
    records = [
        {"g": g, "place": k, "y": r["y"]}
        for k, (g, r) in enumerate(zip(column, rows(), strict=True))
    ]
    path = write(folder / "t.csv", records)
    options = TableOptions(split_by="group:g", stream=stream, drop=drop)
    if stream:
        from chainrule.cli import streams

        monkeypatch.setattr(streams, "MOST_SHARE", 0.3)
        monkeypatch.setattr(streams, "HELD_ROWS", N)
    problem = table_problem(path, options, 0, partial(Spool, folder))
    test = set(problem.known.test.columns["g"])
    assert test <= set(late)
    sizes = {g: column.count(g) for g in set(column)}
    assert len(problem.known.test) == sum(sizes[g] for g in test)
    if stream:
        problem.stream.close()
    else:
        assert f"the test has {len(test)} of 12" in problem.known.split.text


def test_numbers_throughout_are_read_once(folder, monkeypatch):
    records = [{"x": r["x"], "z": k, "y": r["x"] * 2} for k, r in enumerate(rows())]
    path = write(folder / "t.csv", records)
    file, readings = open_table(path), []
    true = type(file).batches
    monkeypatch.setattr(
        type(file), "batches", lambda *given: (readings.append(given[2:]), true(*given))[1]
    )
    tables.whole_table(file)
    assert readings == [((),)]
    for record in records[-3:]:
        record["z"] = "many"
    write(path, records)
    watched = []

    def watch(batches):
        watched.append(0)
        for table in batches:
            watched[-1] += len(table)
            yield table

    whole = tables.whole_table(file, watch=watch)
    assert readings[1:] == [((),), ({"z"},)]
    assert watched == [len(records)] * 2
    assert whole.columns["z"][:2] == ["0", "1"]
    assert whole.columns["x"].dtype == np.float64


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("codes", "what"),
    [
        (["01234", "20095", "99999"], "category"),
        (["007", "12", "9"], "category"),
        (["1.0", "2", "35"], "number"),
        (["0", "2", "35"], "number"),
        (["05", "2.5", "35"], "number"),
        (["-05", "2", "35"], "number"),
    ],
)
def test_digits_with_a_zero_before_them_are_codes(folder, kind, codes, what, stream):
    def problem_of(records):
        path = write(folder / f"t.{kind}", records)
        made = table_problem(path, TableOptions(stream=stream), 0, partial(Spool, folder))
        if stream:
            made.stream.close()
        return made

    records = [{"zip": codes[k % 3], "x": r["x"], "y": r["y"]} for k, r in enumerate(rows())]
    problem = problem_of(records)
    facts = problem.known.columns[0]
    assert (facts.name, facts.kind) == ("zip", what)
    said = f"Column 'zip' holds codes, not numbers: {codes[0]!r} begins with 0."
    assert (said in problem.remarks) == (what == "category")
    if what == "category":
        assert facts.features == tuple(f"zip={code}" for code in codes)
    # The class too.
    records = [{"x": record["x"], "y": record["zip"]} for record in records]
    if what == "category":
        assert problem_of(records).class_names == tuple(codes)
    else:
        assert "01234" not in problem_of(records).class_names


def test_codes_in_many_different_rows_are_told_as_such(folder):
    records = [{"zip": f"{k % 200:05}", "x": r["x"], "y": r["y"]} for k, r in enumerate(rows())]
    problem = table_problem(write(folder / "t.csv", records), TableOptions(), 0)
    (said,) = [remark for remark in problem.remarks if "'zip'" in remark]
    assert re.fullmatch(
        r"Column 'zip' is left out: text with 1\d\d different values, more than 50; '00\d{3}' "
        r"begins with 0, as codes do: numbers are written without it \(--keep takes them as "
        r"numbers\)\.",
        said,
    )
    problem = table_problem(write(folder / "t.csv", records), TableOptions(keep=("zip",)), 0)
    assert problem.known.columns[0].kind == "number"
    assert problem.feature_names[0] == "zip"
    (said,) = [remark for remark in problem.remarks if "'zip'" in remark]
    assert re.fullmatch(
        r"Column 'zip' holds numbers such as '00\d{3}', as codes and times of day are written; "
        r"they are too many for categories, and are taken as numbers\.",
        said,
    )


@pytest.mark.parametrize("stream", [False, True])
def test_times_of_day_may_be_the_only_column(command, folder, stream):
    rng = np.random.default_rng(5)
    minutes = rng.integers(0, 24 * 60, 400)
    records = [
        {"time": f"{m // 60:02}{m % 60:02}", "y": "day" if 420 < m < 1140 else "night"}
        for m in minutes
    ]
    table = write(folder / "t.csv", records)
    how = ("--stream",) if stream else ()
    result = command("train", table, "--epochs", "60", "--out", "run", *how)
    assert result.exit_code == 0
    assert "Column 'time' holds numbers such as '0" in result.stderr
    new = write(folder / "new.csv", [{"time": time} for time in ("0107", "1215", "2359", "1000")])
    said = command("predict", "run", new).stdout.splitlines()[1:]
    assert [line.split(",")[0] for line in said] == ["night", "day", "night", "day"]


@pytest.mark.parametrize("time", ["{:02}:{:02}", "{}:{:02}:00", "{:02}:{:02} am"])
def test_times_with_a_colon_are_told_how_to_be_written(folder, time):
    records = [
        {"t": time.format(k % 12, k * 7 % 60), "x": k % 9, "y": "pq"[k % 2]} for k in range(N)
    ]
    problem = table_problem(write(folder / "t.csv", records), TableOptions(), 0)
    (said,) = [remark for remark in problem.remarks if "'t'" in remark]
    assert said.endswith(
        "; times of day are read behind a date (2024-01-05 09:35), or as numbers (0935)."
    )


def test_few_times_of_day_are_categories_and_others_are_no_times(folder):
    hours = [{"t": f"{k % 24:02}00", "y": "pq"[k % 24 > 11]} for k in range(N)]
    problem = table_problem(write(folder / "t.csv", hours), TableOptions(), 0)
    assert problem.known.columns[0].kind == "category"
    for late in ("2400", "0160", "01200"):
        times = [
            {"t": f"{k % 24:02}{k * 7 % 60:02}", "x": k % 9, "y": "pq"[k % 2]} for k in range(N)
        ]
        for record in times[::4]:
            record["t"] = late
        problem = table_problem(write(folder / "t.csv", times), TableOptions(), 0)
        assert problem.known.columns[0].role == "left out"


@pytest.mark.parametrize(
    ("first", "few", "others", "codes"),
    [("07", 1, "{:02}", False), ("07", 20, "{:02}", True), ("0107", 1, "{0:02}{0:02}", True),
     ("0107", 1, "1{0:02}{0:02}", False)],
)  # fmt: skip
def test_a_single_zero_among_many_numbers_makes_no_codes(folder, first, few, others, codes):
    records = [{"age": others.format(20 + k % 40), "x": r["x"]} for k, r in enumerate(rows())]
    for record in records[:few]:
        record["age"] = first
    file = open_table(write(folder / "t.csv", records))
    survey = ColumnSurvey("age")
    survey.add(tables.whole_table(file))
    assert bool(survey.codes) == codes
    learned = learn_column(survey)
    assert isinstance(learned, CategoryColumn if codes else NumberColumn)


def test_codes_are_asked_for_as_they_were_learnt(command, folder):
    records = [
        {"zip": ["01234", "90210"][k % 2], "x": r["x"], "y": ["p", "q"][k % 2]}
        for k, r in enumerate(rows())
    ]
    train = write(folder / "t.csv", records)
    assert command("train", train, "--epochs", "5", "--out", "run").exit_code == 0
    # No row of this file has a zero before it: alone it would be a column of numbers.
    said = command("predict", "run", write(folder / "new.csv", records[1::2]))
    assert [line.split(",")[0] for line in said.stdout.splitlines()[1:]] == ["q"] * (N // 2)
    # And numbers that were learnt as such stay numbers, however they are written.
    plain = [{"n": 1 + k % 9, "y": k % 9 / 2} for k in range(N)]
    command("train", write(folder / "n.csv", plain), "--epochs", "5", "--out", "numbers")
    told = [
        command("predict", "numbers", write(folder / f"{name}.csv", [{"n": n} for n in texts]))
        for name, texts in (("with", ["07", "04"]), ("without", ["7", "4"]))
    ]
    assert told[0].stdout == told[1].stdout != ""


def test_codes_as_the_target_of_a_regression_are_numbers(folder):
    records = [{"x": r["x"], "y": f"{k % 300:03}"} for k, r in enumerate(rows())]
    path = write(folder / "t.csv", records)
    problem = table_problem(path, TableOptions(task="regression"), 0)
    assert problem.known.columns[1].kind == "number"
    assert problem.known.columns[1].maximum == 299
    assert not any("codes" in remark for remark in problem.remarks)


@pytest.mark.parametrize("repeated", [1, 2])
def test_codes_that_are_too_many_classes(folder, repeated):
    count = 600 if repeated == 1 else 1100
    records = [{"x": k % 7, "y": f"{k:04}"} for k in [*range(count)] * repeated]
    with pytest.raises(DataError) as error:
        table_problem(write(folder / "t.csv", records), TableOptions(), 0)
    assert "; '0000' begins with 0, as codes do, and the task regression takes it as a number." in (
        str(error.value)
    )


def _european(path: Path, numbers: list[str]) -> Path:
    """A column of these numbers, and half of each as the target, with decimal commas."""
    lines = [f"{n};{str(float(n.replace(',', '.')) / 2).replace('.', ',')}" for n in numbers]
    path.write_text("a;y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_one_number_with_a_zero_among_decimal_commas_is_a_number(command, folder):
    numbers = [f"{5 + k % 60},{k % 10}5" for k in range(N)]
    train = _european(folder / "t.csv", ["07", *numbers])
    (column,) = next(iter(open_table(train).batches(10_000))).columns["a"].shape
    assert column == N + 1
    assert command("train", train, "--epochs", "5", "--out", "run").exit_code == 0
    told = [
        command("predict", "run", _european(folder / f"{k}.csv", [first, "10,5"]))
        for k, first in enumerate(["07", "7"])
    ]
    assert told[0].exit_code == told[1].exit_code == 0
    assert told[0].stdout == told[1].stdout


def test_a_dot_that_may_part_thousands_or_not_is_asked_about(command, folder):
    lines = "\n".join(f"{2 + k % 90 / 10},{k % 90}" for k in range(N))
    (folder / "t.csv").write_text(f"b,y\n{lines}\n", encoding="utf-8")
    assert command("train", "t.csv", "--epochs", "5", "--out", "run").exit_code == 0
    (folder / "new.csv").write_text("b;c\n1.234;10,50\n", encoding="utf-8")
    said = command("predict", "run", "new.csv")
    assert said.exit_code != 0
    assert "column 'b': 1.234 may be 1234, as this file writes decimal commas, or 1,234" in (
        " ".join(said.stderr.split())
    )
