"""The structure of the page: self-contained, in order, told to those who cannot see it."""

from __future__ import annotations

import html
import itertools
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from report_pages import Page, classifier, regressor

import chainrule as cr
from chainrule.report.blocks import Code, Facts, Figure, Note, Notes, Part, Section, Table, Tabs
from chainrule.report.page import document

KINDS = ("classes", "two", "numbers", "pictures")
SECTIONS = {
    "classes": [
        "data", "score", "curves", "confusion", "calibration", "hardest", "importance", "network",
        "making",
    ],
    "numbers": [
        "data", "score", "curves", "residuals", "hardest", "importance", "network", "making"
    ],
}  # fmt: skip
SECTIONS |= {"two": SECTIONS["classes"], "pictures": SECTIONS["classes"]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_section_is_there_and_in_the_contents(pages, kind):
    page = pages[kind]
    assert [tag["id"] for tag in page.all("section")] == SECTIONS[kind]
    assert [link["href"] for link in page.all("a")] == [f"#{key}" for key in SECTIONS[kind]]
    for tag in page.all("section"):
        assert {"id": tag["aria-labelledby"]} in page.all("h2")


@pytest.mark.parametrize("kind", KINDS)
def test_tags_are_closed_ids_are_unique_and_headings_in_order(pages, kind):
    page = pages[kind]
    assert page.open == []
    ids = [tag["id"] for _, tag in page.tags if "id" in tag]
    assert len(ids) == len(set(ids))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    assert page.all("html") == [{"lang": "en"}]
    assert all(page.texts("h1", "h2", "h3", "title", "th", "figcaption"))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_comes_from_outside(pages, kind):
    page = pages[kind]
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            if name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
                assert value.startswith(("#", "data:image/png;base64,")), (tag, value)
    # Names of XML's languages are the only addresses, and nothing asks for them.
    addresses = set(re.findall(r"https?://[^\"' <]+", page.text))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}
    assert not page.all("link", "iframe", "object", "embed", "base", "form")
    assert len(page.all("script")) == 1
    assert "url(" not in page.text
    assert "@import" not in page.text


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_has_words(pages, kind):
    page = pages[kind]
    drawn = page.all("svg")
    assert len(drawn) >= 5
    for picture in drawn:
        assert picture["role"] == "img"
        assert len(picture["aria-label"]) > 20
    for picture in page.all("img"):
        assert len(picture["alt"]) > 10


@pytest.mark.parametrize("kind", KINDS)
def test_every_chart_names_its_axes(reports, kind):
    charts = re.findall(r'<svg class="chart".*?</svg>', reports[kind].html, re.DOTALL)
    assert len(charts) >= 4
    for chart in charts:
        labels = re.findall(r'<text class="label"[^>]*>([^<]+)</text>', chart)
        assert len(labels) == 2
        assert chart.count('class="tick') >= 4


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_small_and_the_same_every_time(reports, kind):
    assert len(reports[kind].html.encode("utf-8")) < 300_000
    if kind == "numbers":
        again = regressor()
        seconds = r"[\d.]+\u00a0(µs|ms|s)"
        assert re.sub(seconds, "", again.html) == re.sub(seconds, "", reports[kind].html)


def test_the_numbers_are_those_of_the_network(reports, pages):
    """The page's chief numbers, computed here in another way."""
    page, judged = pages["classes"], reports["classes"].judgement
    accuracy = judged.network.chief.value
    assert page.texts("dd")[0] == f"{100 * accuracy:.1f} %"
    cells = re.findall(r"<td style[^>]*>([\d,]+)</td>", page.text)
    matrix = np.array(cells, int).reshape(3, 3)
    assert matrix.sum() == 80
    assert np.trace(matrix) / 80 == pytest.approx(accuracy)
    assert f"{np.trace(matrix)} of 80 lie on the diagonal" in page.section("confusion")


def test_what_is_told_of_classes(pages):
    page = pages["classes"]
    assert "logistic regression" in page.section("score")
    assert "McNemar" in page.section("score")
    assert "expected calibration error" in page.section("calibration")
    assert re.search(r"east .* noise", page.section("importance"))
    assert "1 Dense tanh" in page.section("network")
    assert "python train.py" in page.section("making")
    assert "numpy" in page.section("making")
    assert len(page.all("math")) == 2


def test_two_inputs_are_shown_as_a_plane(pages):
    page = pages["plane"]
    assert "What it says where" in page.texts("h2")
    assert "250 of the 400 rows are drawn" in page.section("regions")
    chart = next(tag for tag in page.all("svg") if tag["aria-label"].startswith("The plane of"))
    shares = [int(share) for share in re.findall(r"in (\d+) %", chart["aria-label"])]
    assert len(shares) == 4
    assert 98 <= sum(shares) <= 102
    assert min(shares) > 10
    classes = [tag["class"] for tag in page.all("path") if "point" in tag.get("class", "")]
    assert len(classes) == 250 + 4
    regions = [tag for tag in page.all("rect") if "region" in tag.get("class", "")]
    assert 40 <= len(regions) <= 1600
    assert "regions" not in [tag["id"] for tag in pages["classes"].all("section")]


def test_what_is_told_of_numbers(pages):
    page = pages["numbers"]
    assert "linear regression" in page.section("score")
    assert "price (€)" in page.section("residuals")
    assert "no luck" in page.section("score")
    assert page.texts("h2")[3] == "Where it misses"


def test_hard_pictures_are_shown(pages):
    page = pages["pictures"]
    shown = page.all("img")
    assert len(shown) == 12
    assert all(
        re.fullmatch(r"Test row \d+: a picture of \d, taken for \d\.", p["alt"]) for p in shown
    )


def finding(**said):
    return SimpleNamespace(
        title="Dying units <b>", where="layer 1", observed="12 of 32 are 0 for every row",
        expected="none", repair="use leaky_relu", **said,
    )  # fmt: skip


def test_findings_come_first_and_are_escaped():
    page = Page(classifier(3, findings=[finding(before="acc. 0.8", after=None)]).html)
    assert page.texts("h2")[0] == "What the doctor found"
    told = page.section("findings")
    assert "Dying units <b>" in told
    for words in ("layer 1", "12 of 32", "none", "what to do use leaky_relu", "before acc. 0.8"):
        assert words in told
    assert "after" not in told


def test_a_diagnosis_is_taken_as_it_is():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    X[:, 0] += 2 * y
    X[:, 2] *= 1e5
    net = cr.Sequential(cr.Dense(8, "relu"), cr.Dense(1, "sigmoid"))
    diagnosis = cr.diagnose(net, X, y)
    net.fit(X, y, epochs=2)
    page = Page(cr.write_report(net, X, y, None, findings=diagnosis).html)
    told = page.section("findings")
    (found,) = diagnosis.findings
    assert found.title in told
    assert f"how sure {100 * found.sure:.0f} %" in told
    assert f"proof with it, {found.experiment.outcome}" in told


def test_everything_handed_in_is_escaped():
    nasty = "<script>alert('1')</script> & \"x\""
    page = Page(
        classifier(
            3, title=nasty, class_names=[nasty, "b", "c"], feature_names=[nasty, "y", "z"],
            facts={nasty: nasty}, command=nasty,
        ).html
    )  # fmt: skip
    assert len(page.all("script")) == 1
    assert page.texts("h1") == [nasty]
    blocks = [
        nasty, Note(nasty), Notes([nasty]), Code(nasty, nasty), Facts([(nasty, nasty)], nasty),
        Table([nasty], [[nasty]], nasty), Tabs([Part(nasty, [nasty])]), Figure("<i></i>", nasty),
    ]  # fmt: skip
    text = document(nasty, nasty, [(nasty, nasty)], [Section("k", nasty, blocks)], [nasty])
    assert text.count("<script>") == 1
    assert text.count(html.escape(nasty)) == 22
    assert Page(text).open == []


def test_without_a_formula_package_there_is_latex(monkeypatch):
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    told = Page(classifier(3).html).section("network")
    assert "As LaTeX, because MathML needs the package 'latex2mathml'" in told
    assert r"\operatorname{softmax}" in told


def test_lines_of_code_of_the_maker_are_not_told(reports):
    for report in reports.values():
        assert "conftest" not in report.html
        assert __file__ not in report.html


def test_a_gate_is_learnt_by_heart_and_claims_nothing_more(pages):
    from chainrule.cli.reporting import material_of
    from chainrule.cli.sources import problem
    from chainrule.cli.table_options import TableOptions
    from chainrule.report.report import report

    net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1, "sigmoid"))
    given = problem("xor", TableOptions(), 0)
    history = net.fit(
        given.test.X, given.test.y, epochs=300, batch_size=None, optimizer=cr.Adam(0.1)
    )
    made = report(
        material_of(
            given, net, net.predict(given.test.X), history=history.rows, stopped=None, facts={},
            command="chainrule train xor", seed=0,
        )
    )  # fmt: skip
    page = Page(made.html)
    assert "nothing of rows that it has not seen" in page.section("score")
    assert "confidence" not in page.section("score")
    keys = [tag["id"] for tag in page.all("section")]
    assert "calibration" not in keys
    assert "hardest" not in keys


@pytest.mark.parametrize(
    "told",
    ["overfitting", "best in epoch"],
)
def test_curves_tell_what_they_show(told):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 8)), rng.integers(0, 2, 60)
    net = cr.Sequential(cr.Dense(32, "tanh"), cr.Dense(1, "sigmoid"))
    history = net.fit(X, y, epochs=80, validation=0.3, optimizer=cr.Adam(0.02))
    page = Page(cr.write_report(net, X, y, None, history=history).html)
    assert told in page.section("curves")


def test_an_epoch_that_was_not_finite_is_no_trouble():
    net = cr.Sequential(cr.Dense(1)).build(2)
    rows = [{"epoch": 1, "loss": 2.0, "seconds": 0.1}, {"epoch": 2, "loss": None, "seconds": 0.1}]
    history = SimpleNamespace(rows=rows, stopped="the loss was not finite")
    X = np.random.default_rng(0).normal(size=(20, 2))
    page = Page(cr.write_report(net, X, X[:, 0], None, history=history).html)
    assert "the loss was not finite" in page.section("curves")
