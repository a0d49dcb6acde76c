"""Lettering: the fonts of a drawing, and how much room a text takes in any of them.

Which font a reader's machine has is not known, so widths are those of the widest likely one
(DejaVu): text may leave some room free, and never runs out of its box.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

SANS = "'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"
MONO = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"

#: Widths in units of the font's size; what is not listed is a small letter or a digit.
_WIDTHS = {
    **dict.fromkeys("ijl.,:;'|!Ift ", 0.43),
    **dict.fromkeys('()[]"-/\\r', 0.46),
    **dict.fromkeys("mwMW@%", 1.0),
    **dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ&+=<>~^#", 0.84),
}
_OTHER, _FOREIGN, _WIDE = 0.65, 1.0, 1.1
_MONO = 0.61
_BOLD = 1.14


@dataclass(frozen=True)
class Style:
    """How a line is set: a font, its size in pixels, and what tells it apart beside the size."""

    size: float
    mono: bool = False
    bold: bool = False
    italic: bool = False
    ink: str = "#000000"

    @property
    def height(self) -> float:
        """From one line to the next."""
        return self.size * 1.25

    def width(self, text: str) -> float:
        """The room that ``text`` needs from left to right."""
        widths = (_width(character, self.mono) for character in text)
        return self.size * sum(widths) * (_BOLD if self.bold else 1.0)


def _width(character: str, mono: bool) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return _WIDE
    if not character.isascii():
        return _FOREIGN
    return _MONO if mono else _WIDTHS.get(character, _OTHER)


NAME = Style(13)
PARAMETER = Style(13, bold=True)
SYMBOL = Style(14)
DETAIL = Style(10.5, ink="#444444")
VALUE = Style(11, mono=True)
GRADIENT = Style(11, mono=True, italic=True, ink="#a1260d")
NOTE = Style(11, ink="#444444")
TITLE = Style(15, bold=True)
