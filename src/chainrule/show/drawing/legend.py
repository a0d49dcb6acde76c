"""Legend: what the shapes of a picture mean, in rows that are not wider than the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.show.drawing.kinds import KINDS
from chainrule.show.drawing.lettering import NOTE
from chainrule.show.drawing.picture import Picture

#: From one row to the next.
ROW = 22.0


@dataclass(frozen=True)
class Entry:
    """A text, behind a sample of a kind of box if there is one."""

    text: str
    kind: str = ""

    @property
    def width(self) -> float:
        """With the room to the next entry."""
        return NOTE.width(self.text) + (42.0 if self.kind else 14.0)


LegendRow = Sequence[Entry]


def legend(picture: Picture, is_down: bool, width: float) -> list[list[Entry]]:
    """The entries for what is in ``picture``, in rows of ``width``."""
    there = {box.kind for box in picture.boxes}
    entries = [Entry(kind.legend, name) for name, kind in KINDS.items() if name in there]
    forth, back = ("left of", "right") if is_down else ("above", "below")
    if any(wire.back for wire in picture.wires):
        entries.append(Entry(f"{forth} an arrow: value; {back}, in italics: gradient"))
    elif picture.has_numbers:
        entries.append(Entry(f"{forth} an arrow: value"))
    rows: list[list[Entry]] = [[]]
    for entry in entries:
        if rows[-1] and legend_width(rows[-1]) + entry.width > width:
            rows.append([])
        rows[-1].append(entry)
    return rows


def legend_width(row: LegendRow) -> float:
    """The width of a row."""
    return sum(entry.width for entry in row)
