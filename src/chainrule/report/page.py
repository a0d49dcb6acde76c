"""The page: sections become one HTML file that needs no other.

Style and script are inlined. The page says in its own policy that nothing may be loaded from
anywhere; without the script all of it is there, with it tables sort, parts become tabs, marks tell
their values at once, and the reader may choose between light and dark.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Sequence
from pathlib import Path

from chainrule.report.blocks import Block, Section, inline, written

HERE = Path(__file__).parent


def document(
    title: str, lead: str, figures: Sequence[tuple[str, str]], sections: Sequence[Section],
    ending: Sequence[Block | str] = (),
) -> str:  # fmt: skip
    """The whole page.

    Args:
        lead: what there is to know, in a sentence or two.
        figures: the key numbers, each with what it is.
        sections: in order; their titles are the contents.
        ending: what stands at the foot.
    """
    style, script = _read("style.css"), _read("script.js")
    # The one script that may run is this one, known by its hash.
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    contents = "".join(
        f'<li><a href="#{section.key}">{inline(section.title)}</a></li>' for section in sections
    )
    body = "\n".join(section.html() for section in sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{html.escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="kind">chainrule report</p>
<h1>{inline(title)}</h1>
<p class="lead">{inline(lead)}</p>
{_figures(figures)}
<nav aria-label="Contents"><ol>{contents}</ol></nav>
</header>
<main>
{body}
</main>
<footer>
{written(ending)}
</footer>
<script>{script}</script>
</body>
</html>
"""


def _figures(figures: Sequence[tuple[str, str]]) -> str:
    if not figures:
        return ""
    cells = "".join(
        f"<div><dt>{inline(name)}</dt><dd>{inline(value)}</dd></div>" for name, value in figures
    )
    return f'<dl class="figures">{cells}</dl>'


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
