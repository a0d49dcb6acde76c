"""The demonstration page: the builder is safe, the chapters run, and what they tell is so."""

from __future__ import annotations

import base64
import importlib
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "demo"
QUICK = (
    "activations",
    "descent",
    "shopping",
    "zeros",
    "sigmoid_and_tanh",
    "regions",
    "collapse",
    "cost",
    "stability",
    "program",
    "digits",
)


@pytest.fixture(scope="module")
def load() -> Iterator[Callable[[str], Any]]:
    """Imports a module of the demo, which is a folder of scripts and no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        # No chapter reads 60,000 images because they happen to be on this machine.
        patch.setattr("chainrule.data.find_mnist", lambda: None)
        yield importlib.import_module


@pytest.fixture(scope="module")
def told(load: Callable[[str], Any]) -> dict[str, Any]:
    """Every quick chapter, run once."""
    return {name: load(f"chapters.{name}").chapter() for name in (*QUICK, "mnist")}


@pytest.fixture(scope="module")
def written(load: Callable[[str], Any], told: dict[str, Any]) -> str:
    ending = load("make_page").ending(list(told.values()), [1.0] * len(told), "the command")
    text: str = load("page").document("Title", "Lead", list(told.values()), ending)
    return text


class Reader(HTMLParser):
    """Collects tags with their attributes, and checks that they are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def plain(chapter: Any) -> str:
    """All the words of a chapter."""
    return re.sub(r"<[^>]+>", " ", re.sub(r'src="[^"]*"', "", chapter.html(1)))


def rows(chapter: Any, place: int = 0) -> list[list[str]]:
    """The cells of a chapter's table."""
    tables = [block for block in chapter.blocks if type(block).__name__ == "Table"]
    return [list(row) for row in tables[place].rows]


def decoded(source: str) -> bytes:
    kind, _, content = source.partition(";base64,")
    assert kind in ("data:image/svg+xml", "data:image/png")
    return base64.b64decode(content, validate=True)


# --- the builder -------------------------------------------------------------------------------


def test_everything_handed_in_is_escaped(load: Callable[[str], Any]) -> None:
    page = load("page")
    nasty = "<script>alert('1')</script> & \"x\""
    figure = page.Figure("data:image/png;base64,AAAA", nasty, nasty, 100)
    blocks = [nasty, figure, page.Gallery([figure]), page.Code(nasty, nasty)]
    blocks.append(page.Table([nasty], [[nasty]], nasty))
    text = page.document(nasty, nasty, [page.Chapter(nasty, blocks)], [nasty])
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt; &amp; &quot;x&quot;") == 16
    assert Reader(text).open == []


def test_backticks_set_code_and_are_escaped_inside(load: Callable[[str], Any]) -> None:
    assert load("page").inline("see `a < b` here") == "see <code>a &lt; b</code> here"


@pytest.mark.parametrize(
    ("cells", "right"),
    [
        (("1,234", "−0.5"), True),
        (("6.1e-10", "nan", "inf", "−inf", ""), True),
        (("747 µs", "1.08 min"), True),
        (("12", "never"), True),
        (("12", "a word"), False),
    ],
)
def test_columns_of_numbers_stand_to_the_right(
    load: Callable[[str], Any], cells: tuple[str, ...], right: bool
) -> None:
    text = load("page").Table(["head"], [[cell] for cell in cells], "").html()
    assert text.count('class="number"') == (len(cells) + 1 if right else 0)


@pytest.mark.parametrize(("pixels", "start"), [(False, b"<svg"), (True, b"\x89PNG")])
def test_pictures_are_inlined_and_the_same_bytes_again(
    load: Callable[[str], Any], pixels: bool, start: bytes
) -> None:
    drawing = load("drawing")
    made = []
    for _ in range(2):
        figure, ax = drawing.canvas(3, 2)
        ax.plot([0, 1], [1, 0])
        drawing.label(ax, "title", "across", "up")
        made.append(drawing.picture(figure, "a line", "It falls.", pixels=pixels))
    assert decoded(made[0].source).startswith(start)
    assert made[0] == made[1]
    assert made[0].width == 288


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5e-7, "0.5 µs"), (0.0047, "4.7 ms"), (2.0, "2 s"), (90, "1.5 min"), (3.6e6, "41.7 days")],
)
def test_durations_are_told_in_a_fitting_unit(
    load: Callable[[str], Any], seconds: float, text: str
) -> None:
    assert load("wording").duration(seconds) == text


def test_numbers_have_a_true_minus_and_zero_has_none(load: Callable[[str], Any]) -> None:
    wording = load("wording")
    assert wording.number(-6.11110793e-10, 9) == "−6.11110793e-10"
    assert wording.fixed(-0.0) == "0.0000"
    assert wording.fixed(-0.5, 2) == "−0.50"
    assert wording.percent(0.97785, 2) == "97.78 %"


# --- the page ----------------------------------------------------------------------------------


def test_the_page_needs_nothing_but_itself(written: str) -> None:
    assert "http://" not in written
    assert "https://" not in written
    assert "url(" not in written
    assert "@import" not in written
    reader = Reader(written)
    for tag in ("script", "link", "iframe", "object", "embed"):
        assert reader.all(tag) == []
    for link in reader.all("a"):
        assert str(link["href"]).startswith("#chapter-")


def test_the_pictures_refer_to_nothing_outside(written: str) -> None:
    sources = [str(image["src"]) for image in Reader(written).all("img")]
    assert len(sources) == 19
    for drawn in (decoded(s).decode() for s in sources if s.startswith("data:image/svg")):
        # The names of the two namespaces look like addresses; nobody fetches them.
        assert set(re.findall(r"https?://[^\"' ]+", drawn)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }
        inner = re.findall(r'href="([^"]{5})', drawn)
        assert all(target.startswith(("#", "data:")) for target in inner)


def test_every_picture_has_a_text_in_its_place(written: str) -> None:
    for image in Reader(written).all("img"):
        assert len(str(image["alt"])) > 30


def test_the_page_is_whole_and_in_order(written: str, told: dict[str, Any]) -> None:
    reader = Reader(written)
    assert reader.open == []
    numbers = [section["id"] for section in reader.all("section")]
    assert numbers == [f"chapter-{n}" for n in range(1, len(told) + 1)]
    assert "the command" in written
    assert "prefers-color-scheme: dark" in written
    assert "@media print" in written


def test_the_chapters_are_told_in_the_agreed_order(load: Callable[[str], Any]) -> None:
    names = [function.__module__ for function in load("chapters").IN_ORDER]
    assert names == [f"chapters.{name}" for name in (*QUICK, "mnist")]


def test_the_script_writes_the_page_and_prints_its_path(
    load: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    make_page, shopping = load("make_page"), load("chapters.shopping")
    monkeypatch.setattr(load("chapters"), "IN_ORDER", (shopping.chapter,))
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # so that what the script sets is undone
    assert make_page.main(["--out", str(tmp_path / "new")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r" 1/1 +\d+\.\d s  The chain rule, on a shopping bill", lines[0])
    assert lines[-1].endswith(str(tmp_path / "new" / "index.html"))
    assert (tmp_path / "new" / "index.html").read_text(encoding="utf-8").startswith("<!DOCTYPE")


# --- what the chapters tell is so --------------------------------------------------------------


def test_the_descent_ends_where_the_textbook_ends(told: dict[str, Any]) -> None:
    assert "(−6.11110793e-10, 8.14814391e-10)" in plain(told["descent"])


def test_the_bill_and_its_gradients(told: dict[str, Any]) -> None:
    found = {row[0]: row[1:3] for row in rows(told["shopping"])}
    assert found == {
        "total": ["220", "1"],
        "tax": ["1.1", "200"],
        "apples × price": ["200", "1.1"],
        "apples": ["2", "110"],
        "price": ["100", "2.2"],
    }


def test_zeros_stay_and_random_numbers_learn(told: dict[str, Any]) -> None:
    assert "begins at 0.693147 and after 5,000 steps it is 0.693147" in plain(told["zeros"])
    units = rows(told["zeros"])
    assert units[0][2:] == units[1][2:] == ["0.0000"] * 4
    assert units[2][2:] == units[3][2:] != ["0.0000"] * 4
    assert units[4][2:] != units[5][2:]
    for _, wanted, zeros, _, random in rows(told["zeros"], 1):
        assert zeros == "0.5000"
        assert abs(float(random) - float(wanted)) < 0.02


def test_tanh_needs_fewer_epochs_where_it_learns(told: dict[str, Any]) -> None:
    learned = [
        [int(cell.replace(",", "")) for cell in column if cell != "never"]
        for column in list(zip(*rows(told["sigmoid_and_tanh"]), strict=True))[1:]
    ]
    assert min(map(len, learned)) >= 5
    assert np.median(learned[1]) < np.median(learned[0]) / 2


def test_the_regions_are_learned(told: dict[str, Any]) -> None:
    text = plain(told["regions"])
    shares = [float(share) for share in re.findall(r"([\d.]+) % of (?:the points|as many)", text)]
    assert len(shares) == 7  # XOR has no new points
    assert min(shares) > 97


def test_straight_layers_do_and_and_or_but_not_xor(told: dict[str, Any]) -> None:
    figures = next(b for b in told["collapse"].blocks if type(b).__name__ == "Gallery").figures
    assert ["100 % of" in figure.caption for figure in figures] == [True, True, False, True]
    assert figures[2].caption == (
        "No straight line parts the ones from the zeros. It could get three of the four rows "
        "right; but training lowers the loss, and the lowest that a straight line can reach is to "
        "say one half everywhere, so there is no boundary to draw. Answers 0.500, 0.500, 0.500, "
        "0.500; wanted 0, 1, 1, 0. Loss 0.693."
    )
    assert "%" not in figures[2].alt


def test_differences_cost_thousands_of_times_as_much(told: dict[str, Any]) -> None:
    text = plain(told["cost"])
    assert "random numbers of that shape" in text
    assert "79,510 weights and biases" in text
    ratio = rows(told["cost"])[-1][-1]
    assert float(ratio.removesuffix(" times").replace(",", "")) > 1000


def test_the_plain_formula_breaks_and_ours_does_not(told: dict[str, Any]) -> None:
    small, right, wrong = (rows(told["stability"])[start : start + 2] for start in (0, 2, 4))
    assert small[0][2:] == small[1][2:]
    assert [right[0][3], right[1][3]] == ["nan", "0"]
    assert [wrong[0][3], wrong[1][3]] == ["inf", "2000"]
    assert wrong[1][4] == "−1, 0, 1"


def test_the_program_is_printed_and_every_input_is_explained(told: dict[str, Any]) -> None:
    text = plain(told["program"])
    assert "def step(" in text
    assert len(rows(told["program"])) == 8
    apart = re.search(r"at the end is ([\d.e-]+):", text)
    assert apart is not None
    assert float(apart[1]) < 1e-9


def test_digits_are_read(told: dict[str, Any]) -> None:
    match = re.search(r"it reads\s+([\d.]+) %", plain(told["digits"]).partition("After")[2])
    assert match is not None
    assert float(match[1]) > 95


def test_without_mnist_the_page_says_how_to_get_it(told: dict[str, Any]) -> None:
    text = plain(told["mnist"])
    assert "MNIST is not on this machine, and this page downloads nothing." in text
    assert "cr.data.mnist()" in text
    assert "CHAINRULE_DATA" in text
