"""Writing the page: blocks of text, pictures, tables and code become one HTML file.

Everything handed in is plain text and is escaped here, so that no chapter writes HTML; what stands
between `backticks` is set as code. Styles and pictures are inlined: the file needs no other.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

NUMBER = r"nan|never|−?inf|[−+]?[\d.,]+(e[+-]?\d+)?( (%|µs|ms|s|min|h|days|times))?"
STYLES = Path(__file__).with_name("page.css")


@dataclass(frozen=True)
class Figure:
    """A picture as a data address, with what it shows for those who cannot see it.

    ``width`` is in pixels of the page; on a narrower page the picture shrinks.
    """

    source: str
    alt: str
    caption: str
    width: int

    def html(self) -> str:
        return (
            f'<figure><img src="{html.escape(self.source)}" alt="{html.escape(self.alt)}" '
            f'width="{self.width}">'
            f"<figcaption>{inline(self.caption)}</figcaption></figure>"
        )


@dataclass(frozen=True)
class Gallery:
    """Pictures side by side, as many as the width allows."""

    figures: Sequence[Figure]

    def html(self) -> str:
        return '<div class="gallery">' + "".join(each.html() for each in self.figures) + "</div>"


@dataclass(frozen=True)
class Table:
    """Rows under a header; columns of numbers stand to the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str

    def html(self) -> str:
        kinds = [_kind(column) for column in zip(*self.rows, strict=True)]
        head = "".join(
            f'<th scope="col"{kind}>{inline(cell)}</th>'
            for kind, cell in zip(kinds, self.header, strict=True)
        )
        cells = [
            "".join(f"<td{kind}>{inline(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
            for row in self.rows
        ]
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        return (
            f'<figure class="table"><div class="scroll"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
            f"<figcaption>{inline(self.caption)}</figcaption></figure>"
        )


@dataclass(frozen=True)
class Code:
    """Something printed, in fixed width."""

    text: str
    caption: str

    def html(self) -> str:
        return (
            f'<figure class="code"><pre tabindex="0"><code>{html.escape(self.text)}</code></pre>'
            f"<figcaption>{inline(self.caption)}</figcaption></figure>"
        )


Block = Figure | Gallery | Table | Code


@dataclass
class Chapter:
    """A title, and what stands under it: strings are paragraphs."""

    title: str
    blocks: Sequence[Block | str] = field(default_factory=list)

    def html(self, number: int) -> str:
        parts = [
            f"<p>{inline(block)}</p>" if isinstance(block, str) else block.html()
            for block in self.blocks
        ]
        return (
            f'<section id="chapter-{number}"><p class="number">Chapter {number}</p>'
            f"<h2>{inline(self.title)}</h2>\n" + "\n".join(parts) + "\n</section>"
        )


def inline(text: str) -> str:
    """``text`` escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _kind(column: Sequence[str]) -> str:
    """The attribute of a column's cells: whether all of them are numbers, perhaps with a unit."""
    numbers = all(re.fullmatch(NUMBER, cell) for cell in column if cell)
    return ' class="number"' if numbers else ""


def document(
    title: str, lead: str, chapters: Sequence[Chapter], ending: Sequence[Block | str]
) -> str:
    """The whole page: title, contents, chapters in order, and the ending."""
    contents = "".join(
        f'<li><a href="#chapter-{n}">{inline(chapter.title)}</a></li>'
        for n, chapter in enumerate(chapters, start=1)
    )
    body = "\n".join(chapter.html(n) for n, chapter in enumerate(chapters, start=1))
    last = "\n".join(
        f"<p>{inline(block)}</p>" if isinstance(block, str) else block.html() for block in ending
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{html.escape(title)}</title>
<style>
{STYLES.read_text(encoding="utf-8")}</style>
</head>
<body>
<header>
<h1>{inline(title)}</h1>
<p class="lead">{inline(lead)}</p>
<nav aria-label="Chapters"><ol>{contents}</ol></nav>
</header>
<main>
{body}
</main>
<footer>
<h2>How this page was made</h2>
{last}
</footer>
</body>
</html>
"""
