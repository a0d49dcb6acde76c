"""Which rows are for what: by chance, by time, in groups; in memory and on a stream."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from chainrule.cli.splits import split_by_groups, split_by_time, split_kind
from chainrule.cli.table_options import TableOptions
from chainrule.cli.tables import table_problem
from chainrule.data import Table
from chainrule.errors import DataError

RNG = np.random.default_rng(0)
N = 500


@pytest.fixture
def visits(folder) -> Path:
    """Visits of 60 patients over two years; what is to be told depends on both."""
    x, patient = RNG.normal(size=N), RNG.integers(60, size=N)
    day = np.sort(np.datetime64("2022-01-01") + RNG.integers(730, size=N))
    order = RNG.permutation(N)
    y = 2 * x + patient / 30 + 0.1 * RNG.normal(size=N)
    lines = [f"{x[k]:.4f},p{patient[k]},{day[k]},{y[k]:.4f}" for k in order]
    path = folder / "visits.csv"
    path.write_text("\n".join(["x,patient,day,y", *lines]) + "\n")
    return path


def close(given) -> None:
    """Give back the disk of a stream."""
    if given.stream is not None:
        given.stream.close()


def test_kinds_of_splits():
    table = Table(
        ("day", "when", "name", "user_id", "year"),
        {
            "day": ["2024-01-01", "2024-01-02"], "when": np.array(["2024-01-01"] * 2, "M8[s]"),
            "name": ["a", "b"], "user_id": ["1", "2"], "year": ["2001", "2002"],
        },
    )  # fmt: skip
    for by, expected in {
        "day": "time", "when": "time", "year": "time", "name": "groups", "user_id": "groups",
        "group:year": "groups", "time:user_id": "time",
    }.items():  # fmt: skip
        assert split_kind(table, by) == (expected, by.rpartition(":")[2])


def test_time_keeps_equal_values_together_and_the_last_for_the_test():
    times = RNG.permutation(np.repeat(np.arange(100.0), 3))
    split = split_by_time(Table(("t",), {"t": times}), "t")
    assert [len(split.train), len(split.validation), len(split.test)] == [192, 48, 60]
    assert times[split.train].max() < times[split.validation].min()
    assert times[split.validation].max() < times[split.test].min()
    assert "(from 80 on)" in split.text


def test_groups_stay_whole():
    names = RNG.choice([f"g{k}" for k in range(30)], N).tolist()
    split = split_by_groups(Table(("g",), {"g": names}), "g", np.random.default_rng(1))
    parts = [{names[row] for row in part} for part in (split.train, split.validation, split.test)]
    assert sum(map(len, parts)) == len(set(names))
    assert sorted([*split.train, *split.validation, *split.test]) == list(range(N))
    assert 0.15 < len(split.test) / N < 0.25
    assert 0.1 < len(split.validation) / N < 0.22


def test_a_time_that_is_missing_or_always_the_same():
    table = Table(("t",), {"t": ["1", None, "3"]}, source="t.csv")
    with pytest.raises(DataError) as caught:
        split_by_time(table, "t")
    assert str(caught.value) == (
        "t.csv, line 3: column 't' of --split-by is missing. Fill it in, or leave the row out."
    )
    with pytest.raises(DataError, match="too few different values to cut the rows into earlier"):
        split_by_time(Table(("t",), {"t": ["1"] * 20}), "t")


@pytest.mark.parametrize("streamed", [False, True])
def test_time_is_no_input(visits, streamed):
    options = TableOptions(split_by="day", stream=streamed)
    given = table_problem(visits, options, 0)
    assert given.known.split.how == "time"
    assert given.known.split.column == "day"
    # How late it is, is left out; the season and the day of the week stay.
    assert "day time" not in given.feature_names
    assert "day season sin" in given.feature_names
    test_days = given.known.test.columns["day"]
    share = 0.16 if streamed else 0.2
    close(given)
    assert len(test_days) == pytest.approx(share * N, abs=12)
    every = sorted(line.split(",")[2] for line in visits.read_text().splitlines()[1:])
    assert min(test_days) >= every[-len(test_days) - 8]


@pytest.mark.parametrize("streamed", [False, True])
def test_groups_are_no_input_and_stay_whole(visits, streamed):
    given = table_problem(visits, TableOptions(split_by="patient", stream=streamed), 0)
    close(given)
    assert given.feature_names[0] == "x"
    assert not any("patient" in name for name in given.feature_names)
    (fact,) = (c for c in given.known.columns if c.name == "patient")
    assert (fact.role, fact.why) == ("split", "it says which rows belong together")
    tested = set(given.known.test.columns["patient"])
    lines = [line.split(",") for line in visits.read_text().splitlines()[1:]]
    assert len(given.test) == sum(line[1] in tested for line in lines)
    assert any("stay together" in remark for remark in given.remarks)


def test_few_groups_are_told_in_their_number(folder):
    lines = [f"{k % 17},{'one' if k < 60 else 'g' + str(k % 4)},{k % 7}" for k in range(80)]
    (folder / "t.csv").write_text("x,g,y\n" + "\n".join(lines) + "\n")
    given = table_problem(Path("t.csv"), TableOptions(split_by="g"), 0)
    told = "\n".join(given.remarks)
    assert re.search(r"of one 'g' stay together: the test has \d of 5, validation \d\.", told)
    (folder / "t.csv").write_text("x,g,y\n" + "".join(f"{k % 17},a,{k % 7}\n" for k in range(80)))
    with pytest.raises(DataError, match="'g' of --split-by has 1 different value; whole groups"):
        table_problem(Path("t.csv"), TableOptions(split_by="group:g"), 0)


def test_a_class_that_only_the_test_has_is_not_judged(folder):
    kinds = ["new" if 90 <= k < 95 else "ab"[k % 2] for k in range(100)]
    lines = [f"{k},{kind}" for k, kind in enumerate(kinds)]
    (folder / "t.csv").write_text("t,y\n" + "\n".join(lines) + "\n")
    with pytest.raises(DataError, match="no column is left to learn from but 't' of --split-by"):
        table_problem(Path("t.csv"), TableOptions(split_by="time:t"), 0)
    lines = [f"{k},{k % 7},{kind}" for k, kind in enumerate(kinds)]
    (folder / "t.csv").write_text("t,x,y\n" + "\n".join(lines) + "\n")
    given = table_problem(Path("t.csv"), TableOptions(split_by="time:t"), 0)
    assert given.class_names == ("a", "b")
    assert len(given.test) == 15  # twenty, less five of a class that was never seen


def test_the_facts_tell_the_split(command, visits):
    assert command("train", visits, "--split-by", "day", "--out", "run").exit_code == 0
    split = json.loads(Path("run/table.json").read_text("utf-8"))["facts"]["split"]
    assert split["how"] == "time"
    assert split["train"] + split["validation"] + split["test"] == N
    assert split["text"].startswith("The test is what comes last by 'day' (from 2023-")
