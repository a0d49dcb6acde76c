"""The page in a real browser: it loads nothing, works without script, and can be read by everybody.

Skipped where Playwright or Chromium is not installed; ``CHROMIUM`` names another program.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.report import Report, comparison
from chainrule.report.comparison import Entry
from chainrule.report.material import Target

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--no-first-run", "--disable-component-update", "--disable-sync",
]  # fmt: skip
KINDS = ("classes", "two", "numbers", "pictures", "plane", "compared")
#: What W3C's guidelines (WCAG 2.1, AA) ask for: text, large text, and graphics.
TEXT, LARGE, GRAPHICS = 4.5, 3.0, 3.0

#: Every piece of text with its contrast against what is behind it, and marks against the page.
CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under, opacity = 1) =>
    [0, 1, 2].map((k) => top[k] * top[3] * opacity + under[k] * (1 - top[3] * opacity)).concat(1);
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((v) => v / 255).map((v) =>
      v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      layers.push(rgba(getComputedStyle(e).backgroundColor));
      const box = e.tagName === "g" && e.querySelector(":scope > rect");
      if (box) layers.push(rgba(getComputedStyle(box).fill));
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement, style = getComputedStyle(element);
    const tag = element.tagName.toUpperCase();
    if (!walk.currentNode.textContent.trim() || tag === "TITLE" || tag === "SCRIPT") continue;
    if (!element.getClientRects().length || style.visibility === "hidden") continue;
    const back = behind(element);
    const ink = rgba(element.closest("svg") ? style.fill : style.color);
    const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
    found.push({
      what: element.tagName + "." + element.getAttribute("class"),
      words: walk.currentNode.textContent.trim().slice(0, 40),
      large: size >= 24 || (bold && size >= 18.7),
      contrast: contrast(over(ink, back), back),
    });
  }
  for (const mark of document.querySelectorAll(".line, .bar, .dot, .whisker, .axis, .equal")) {
    const style = getComputedStyle(mark), back = behind(document.body);
    const filled = style.fill !== "none";
    const ink = rgba(filled ? style.fill : style.stroke);
    const opacity = filled ? parseFloat(style.fillOpacity) : 1;
    found.push({ what: mark.getAttribute("class"), words: "", graphics: true,
                 contrast: contrast(over(ink, back, opacity), back) });
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def written(reports: dict[str, Report]) -> dict[str, str]:
    """The pages, and a comparison of five runs, which needs every colour and a note."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    history = [{"epoch": k, "loss": 1 / k, "validation_loss": 2 / k} for k in range(1, 30)]
    entries = [
        Entry(
            f"runs/a run with a longer name, {k}", {"hidden": str(k)}, history[: 10 + k],
            Target(("no", "yes")), y, rng.dirichlet([1, 1], 60), "same" if k < 4 else None,
        )
        for k in range(5)
    ]  # fmt: skip
    pages = {kind: report.html for kind, report in reports.items()}
    return pages | {"compared": comparison.page(entries)}


@pytest.fixture
def visit(browser: Any, written: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a report from disk; all that it said and asked for is in ``page.told``."""
    contexts = []

    def opened(kind: str, *, width: int = 1100, **options: Any) -> Any:
        path = tmp_path / f"{kind}.html"
        path.write_text(written[kind], encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.told = []
        page.on("console", lambda message: page.told.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: page.told.append(f"error: {error}"))
        page.on("request", lambda request: page.told.append(f"request: {request.url[:80]}"))
        page.goto(path.as_uri())
        page.told.remove(f"request: {path.as_uri()[:80]}")
        return page

    yield opened
    for context in contexts:
        context.close()


def asked_for(page: Any) -> list[str]:
    """What was said, and requested beside the pictures that are in the page itself."""
    return [entry for entry in page.told if not entry.startswith("request: data:image/png")]


@pytest.mark.parametrize("kind", KINDS)
def test_it_opens_in_silence_and_asks_for_nothing(visit: Any, kind: str) -> None:
    page = visit(kind)
    assert page.locator("section").count() >= 3
    assert page.locator("svg.chart").count() >= 2
    assert asked_for(page) == []


def test_the_listening_hears_what_it_should(visit: Any) -> None:
    """A planted error, message and request: the page's own policy stops the request as well."""
    page = visit("two")
    page.evaluate("console.log('said'); setTimeout(() => { throw new Error('thrown'); }, 0)")
    page.evaluate(
        "document.body.append(Object.assign(new Image(), {src: 'http://example.invalid'}))"
    )
    page.wait_for_function("document.images[document.images.length - 1].complete")
    told = " ".join(asked_for(page))
    assert "console: said" in told
    assert "thrown" in told
    assert "Content Security Policy" in told


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_all_of_it_can_be_read(visit: Any, kind: str, scheme: str) -> None:
    page = visit(kind, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('[data-away]').forEach(e => delete e.dataset.away)")
    found = page.evaluate(CONTRASTS)
    assert len(found) > 50
    poor = [
        entry
        for entry in found
        if entry["contrast"]
        < (GRAPHICS if entry.get("graphics") else LARGE if entry["large"] else TEXT)
    ]
    assert poor == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(paper.removeprefix("rgb(").split(",")[0]) > 127) == (scheme == "light")


def test_poor_contrast_would_be_found(visit: Any) -> None:
    page = visit("two")
    page.evaluate("document.querySelector('h1').style.color = '#bbb'")
    page.evaluate("document.querySelector('.tick').style.fill = '#999'")
    poor = [entry["contrast"] for entry in page.evaluate(CONTRASTS) if entry["contrast"] < 3]
    assert len(poor) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_narrow_window_is_not_scrolled_sideways(visit: Any, kind: str) -> None:
    page = visit(kind, width=340)
    assert page.evaluate("document.documentElement.scrollWidth") == 340
    # No line of text is cut: only what may scroll inside itself is wider.
    wide = page.evaluate(
        "[...document.querySelectorAll('p, h1, h2, h3, figcaption, li, dd')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 60))"
    )
    assert wide == []


@pytest.mark.parametrize("kind", KINDS)
def test_without_script_all_of_it_is_there(visit: Any, kind: str) -> None:
    page, plain = visit(kind), visit(kind, java_script_enabled=False)
    assert asked_for(plain) == []
    assert plain.locator(".bench, [role=tab], th button").count() == 0
    if kind != "compared":
        for title in ("Layers", "Drawing", "Formulas"):
            assert plain.get_by_role("heading", name=title).is_visible()
        assert plain.locator("svg.graph").is_visible()
    assert plain.locator("svg g > title").count() > 10
    assert plain.locator("figcaption").all_inner_texts() == (
        page.locator("figcaption").all_text_contents()
    )


def test_parts_become_tabs(visit: Any) -> None:
    page = visit("classes")
    drawing, layers = page.locator("svg.graph"), page.get_by_role("tab", name="Layers")
    assert layers.get_attribute("aria-selected") == "true"
    assert not drawing.is_visible()
    layers.focus()
    page.keyboard.press("ArrowRight")
    assert drawing.is_visible()
    assert page.get_by_role("tab", name="Drawing").evaluate("e => e === document.activeElement")
    page.get_by_role("tab", name="Formulas").click()
    assert not drawing.is_visible()
    assert page.get_by_role("tabpanel", name="Formulas").locator("math").is_visible()


def test_tables_sort_by_a_column_both_ways(visit: Any) -> None:
    page = visit("numbers")
    table = page.locator("#hardest table")
    column = "table => [...table.tBodies[0].rows].map(row => row.cells[{}].textContent)"

    def values() -> list[float]:
        texts = table.evaluate(column.format(1))
        return [float(text.replace("−", "-").replace(",", "")) for text in texts]

    before = values()
    button = table.get_by_role("button", name="actual")
    button.click()
    assert values() == sorted(before)
    assert table.locator("th[aria-sort=ascending]").count() == 1
    button.click()
    assert values() == sorted(before, reverse=True)
    assert table.locator("th[aria-sort=descending]").inner_text().startswith("actual")


def test_marks_tell_their_values(visit: Any) -> None:
    page = visit("numbers")
    hint = page.locator(".hint")
    assert not hint.is_visible()
    page.locator("#curves .strip").nth(40).hover()
    assert hint.is_visible()
    assert hint.inner_text().startswith("epoch ")
    assert "training " in hint.inner_text()
    page.locator("h1").hover()
    assert not hint.is_visible()


def test_the_reader_chooses_light_or_dark(visit: Any) -> None:
    page = visit("two", color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    button = page.get_by_role("button", name="Colours")
    assert button.inner_text() == "Colours: auto"
    button.click()
    assert (button.inner_text(), page.evaluate(paper)) == ("Colours: light", light)
    button.click()
    assert button.inner_text() == "Colours: dark"
    assert page.evaluate(paper) != light
    button.click()
    assert (button.inner_text(), page.evaluate(paper)) == ("Colours: auto", light)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper_it_is_black_on_white_and_whole(visit: Any, scheme: str) -> None:
    page = visit("classes", color_scheme=scheme)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert not page.locator(".bench").is_visible()
    assert not page.locator("[role=tablist]").is_visible()
    for title in ("Layers", "Drawing", "Formulas"):
        assert page.get_by_role("heading", name=title).is_visible()
    assert page.locator("svg.graph").is_visible()
    poor = [
        entry for entry in page.evaluate(CONTRASTS)
        if entry["contrast"] < (GRAPHICS if entry.get("graphics") else TEXT)
    ]  # fmt: skip
    assert poor == []
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_drawn_with_room_for_their_words(visit: Any, kind: str) -> None:
    """No text of a chart runs out of it, and no two of its numbers lie on each other."""
    page = visit(kind)
    faults = page.evaluate(
        """() => [...document.querySelectorAll("svg.chart")].flatMap((chart) => {
          const outer = chart.getBoundingClientRect();
          const texts = [...chart.querySelectorAll("text")];
          const boxes = texts.map((text) => text.getBoundingClientRect());
          const out = texts.filter((text, i) => boxes[i].left < outer.left - 1
            || boxes[i].right > outer.right + 1 || boxes[i].bottom > outer.bottom + 1);
          const clash = texts.filter((text, i) => boxes.some((other, j) => j < i
            && boxes[i].left < other.right - 1 && other.left < boxes[i].right - 1
            && boxes[i].top < other.bottom - 3 && other.top < boxes[i].bottom - 3));
          return [...out, ...clash].map((text) =>
            chart.getAttribute("aria-label").slice(0, 40) + ": " + text.textContent);
        })"""
    )
    assert faults == []
