"""Blocks: what a section is made of. Each writes itself as HTML.

Texts handed in are plain and are escaped here, so that no section writes HTML; what stands between
`backticks` is set as code. Charts, drawings and formulas come as markup of our own making.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

#: What a cell holds that is aligned to the right.
NUMBER = r"nan|[−+]?inf|[−+±]?[\d.,]+(e[+-]?\d+)?(\s(%|µs|ms|s|min|h))?( \([^a-z]*\))?"


class Block(Protocol):
    """Anything that writes itself as HTML."""

    def html(self) -> str:
        """The markup."""
        ...


@dataclass(frozen=True)
class Figure:
    """A picture as markup (an ``svg`` or ``img`` with its own alternative text), and its caption.

    ``width`` is the widest that it is shown, in rem. A picture that would be illegible in a narrow
    window is scrolled instead of shrunk below ``least`` rem.
    """

    markup: str
    caption: str
    width: float = 44.0
    least: float = 28.0

    def html(self) -> str:
        return (
            f'<figure style="max-width:{self.width:g}rem"><div class="scroll" tabindex="0" '
            f'role="group" aria-label="Picture"><div style="min-width:{self.least:g}rem">'
            f"{self.markup}</div></div><figcaption>{inline(self.caption)}</figcaption></figure>"
        )


@dataclass(frozen=True)
class Gallery:
    """Figures side by side, as many as the width allows; ``is_small`` for very small ones."""

    figures: Sequence[Block]
    is_small: bool = False

    def html(self) -> str:
        kind = "gallery small" if self.is_small else "gallery"
        return f'<div class="{kind}">' + "".join(each.html() for each in self.figures) + "</div>"


@dataclass(frozen=True)
class Table:
    """Rows under a header; columns of numbers stand to the right.

    ``sortable``: the page's script lets the reader sort it by a column. The first cell of a row
    names it.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    sortable: bool = False
    strong: int | None = None

    def html(self) -> str:
        kinds = [_kind(column) for column in zip(*self.rows, strict=True)]
        kinds = kinds or [""] * len(self.header)
        head = "".join(
            f'<th scope="col"{kind}>{inline(cell)}</th>'
            for kind, cell in zip(kinds, self.header, strict=True)
        )
        body = "".join(self._row(place, row, kinds) for place, row in enumerate(self.rows))
        sortable = ' class="sortable"' if self.sortable else ""
        return (
            f'<figure class="table"><div class="scroll" tabindex="0" role="group" '
            f'aria-label="Table"><table{sortable}><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
            f"<figcaption>{inline(self.caption)}</figcaption></figure>"
        )

    def _row(self, place: int, row: Sequence[str], kinds: Sequence[str]) -> str:
        cells = "".join(
            f'<th scope="row"{kind}>{inline(cell)}</th>'
            if not column
            else f"<td{kind}>{inline(cell)}</td>"
            for column, (kind, cell) in enumerate(zip(kinds, row, strict=True))
        )
        strong = ' class="strong"' if place == self.strong else ""
        return f"<tr{strong}>{cells}</tr>"


@dataclass(frozen=True)
class Facts:
    """A table without a header: names, and what there is to say of each."""

    rows: Sequence[tuple[str, str]]
    caption: str = ""

    def html(self) -> str:
        body = "".join(
            f'<tr><th scope="row">{inline(name)}</th><td>{inline(words)}</td></tr>'
            for name, words in self.rows
        )
        caption = f"<figcaption>{inline(self.caption)}</figcaption>" if self.caption else ""
        return (
            f'<figure class="table"><div class="scroll" tabindex="0" role="group" '
            f'aria-label="Facts"><table class="facts"><tbody>{body}</tbody></table></div>'
            f"{caption}</figure>"
        )


@dataclass(frozen=True)
class Markup:
    """Markup of our own making, such as a formula, under a caption."""

    markup: str
    caption: str = ""
    kind: str = "formula"

    def html(self) -> str:
        caption = f"<figcaption>{inline(self.caption)}</figcaption>" if self.caption else ""
        return (
            f'<figure class="{self.kind}"><div class="scroll" tabindex="0" role="group" '
            f'aria-label="{self.kind.capitalize()}">{self.markup}</div>{caption}</figure>'
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


@dataclass(frozen=True)
class Note:
    """A remark that the reader must not miss."""

    text: str

    def html(self) -> str:
        return f'<p class="note" role="note">{inline(self.text)}</p>'


@dataclass(frozen=True)
class Notes:
    """Remarks as a list."""

    texts: Sequence[str]

    def html(self) -> str:
        return "<ul>" + "".join(f"<li>{inline(text)}</li>" for text in self.texts) + "</ul>"


@dataclass(frozen=True)
class Part:
    """A titled part of a section."""

    title: str
    blocks: Sequence[Block | str]

    def html(self) -> str:
        return f'<div class="part"><h3>{inline(self.title)}</h3>\n{written(self.blocks)}</div>'


@dataclass(frozen=True)
class Tabs:
    """Parts that the page's script shows one at a time; without it they stand below each other."""

    parts: Sequence[Part]

    def html(self) -> str:
        return '<div class="tabs">' + "\n".join(part.html() for part in self.parts) + "</div>"


@dataclass(frozen=True)
class Section:
    """A section of the page: ``key`` is its address on the page; strings are paragraphs."""

    key: str
    title: str
    blocks: Sequence[Block | str] = field(default_factory=list)

    def html(self) -> str:
        return (
            f'<section id="{self.key}" aria-labelledby="{self.key}-title">'
            f'<h2 id="{self.key}-title">{inline(self.title)}</h2>\n{written(self.blocks)}\n'
            f"</section>"
        )


def written(blocks: Sequence[Block | str]) -> str:
    """Blocks one after the other; strings are paragraphs."""
    return "\n".join(
        f"<p>{inline(block)}</p>" if isinstance(block, str) else block.html() for block in blocks
    )


def inline(text: str) -> str:
    """``text`` escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _kind(column: Sequence[str]) -> str:
    """The attribute of a column's cells: whether all of them are numbers, perhaps with a unit."""
    numbers = all(re.fullmatch(NUMBER, cell) for cell in column if cell)
    return ' class="number"' if numbers else ""
