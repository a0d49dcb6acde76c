"""What the page tells of a table beside the numbers that a network takes."""

from __future__ import annotations

import dataclasses
import random
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from report_pages import Page

from chainrule.cli import main
from chainrule.cli.kept import kept_material
from chainrule.report.report import report


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on a table that has about everything: missing values, dates, rare classes, a leak."""
    folder = tmp_path_factory.mktemp("table")
    draw = random.Random(3)
    lines = ["id,age,city,joined,told,vip"]
    for i in range(400):
        age, city = draw.randint(18, 80), draw.choice(["Oslo", "Turku", "Riga"])
        vip = int(age + 20 * (city == "Riga") + draw.gauss(0, 5) > 85)
        shown = age if draw.random() > 0.1 else ""
        told = f"{vip + draw.gauss(0, 0.01):.3f}"
        day = f"2024-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}"
        lines.append(f"p{i},{shown},{city},{day},{told},{'yes' if vip else 'no'}")
    (folder / "people.csv").write_text("\n".join(lines) + "\n")
    arguments = ["train", str(folder / "people.csv"), "--epochs", "5", "--out", str(folder / "run")]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return folder / "run"


@pytest.fixture(scope="module")
def page(run):
    return Page((run / "report.html").read_text(encoding="utf-8"))


def test_every_column_has_a_line(page):
    told = page.section("data")
    assert re.search(r"id text left out: text that is different in every row 0 256", told)
    assert re.search(r"age number input \d+ \d+ 18 to 80, [\d.]+ on average", told)
    assert re.search(
        r"city category input 0 3 \w+ \(\d\d %\), \w+ \(\d\d %\), \w+ \(\d\d %\)", told
    )
    assert "joined date input" in told
    assert "people.csv, 400 rows" in told
    assert "A fifth of the rows is the test" in told
    assert re.search(r"a row counts [\d.]+ of no, [\d.]+ of yes", told)


def test_a_leak_is_told_first(page):
    notes = [" ".join(text.split()) for text in page.texts("p") if "told" in text]
    assert notes
    assert "told" in page.section("data")[:200]


def test_hard_rows_are_those_of_the_file(page, run):
    lines = (run.parent / "people.csv").read_text().splitlines()
    told = re.search(r'<section id="hardest".*?</section>', page.text, re.DOTALL)
    rows = re.findall(r"<tr><th scope=\"row\"[^>]*>([\d,]+)</th>(.*?)</tr>", told[0])
    assert len(rows) == 12
    for line, cells in rows:
        _, _, city, day, _, vip = lines[int(line.replace(",", "")) - 1].split(",")
        found = re.findall(r"<td[^>]*>(.*?)</td>", cells)
        assert found[0] == vip
        assert {city, day} <= set(found)


def test_weighted_classes_are_scored_alike_and_warned_of(page):
    assert "balanced accuracy" in page.section("score")
    assert "The classes were weighted in the training" in page.section("calibration")


def test_the_terminal_and_the_page_tell_the_same_of_the_linear_model(run):
    material, remarks = kept_material(run)
    assert remarks == []
    known = {fact.called: fact for fact in material.table.scores if fact.metric == "accuracy"}
    judged = {row.name: row.scores.chief for row in report(material).judgement.rows}
    for ours, theirs in (("the network", "the network"), ("logistic regression",) * 2):
        estimate, fact = judged[ours], known[theirs]
        assert estimate.value == pytest.approx(fact.value)
        assert (estimate.low, estimate.high) == pytest.approx((fact.low, fact.high))


def test_without_the_file_the_columns_are_still_told(run, monkeypatch):
    hidden = run.parent / "hidden.csv"
    (run.parent / "people.csv").rename(hidden)
    try:
        material, remarks = kept_material(run)
    finally:
        hidden.rename(run.parent / "people.csv")
    assert "there is no such file" in remarks[0]
    told = Page(report(material).html)
    assert "age number input" in told.section("data")
    assert "line" in told.section("hardest")


def test_a_table_that_is_read_in_batches_is_not_read_again(run, monkeypatch):
    from chainrule.cli import kept

    facts = kept._table(Path(run))
    monkeypatch.setattr(kept, "_table", lambda _: dataclasses.replace(facts, streamed=True))
    monkeypatch.setattr(kept, "problem", lambda *_: pytest.fail("it was read"))
    _, remarks = kept_material(run)
    assert "does not fit into memory" in remarks[0]


def test_a_table_of_very_many_columns_is_cut(run):
    material, _ = kept_material(run)
    columns = material.table.columns * 60
    many = dataclasses.replace(material.table, columns=columns)
    told = Page(report(dataclasses.replace(material, table=many)).html).section("data")
    assert "The first of 360." in told
    assert told.count("joined date") <= 34
