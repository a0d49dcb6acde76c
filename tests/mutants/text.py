"""The text of a program, line by line, and beside each line the ways to mistype it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Slip:
    """One mistake: its kind, and where. Lines that share a slip go wrong together.

    ``also`` are kinds that describe the very same mistake in other words.
    """

    kind: str
    where: str = ""
    also: frozenset[str] = field(default=frozenset(), compare=False)

    def __str__(self) -> str:
        return f"{self.kind} ({self.where})" if self.where else self.kind


#: What stands in a line instead, after each slip. None: no line at all.
Slips = dict[Slip, str | None]


@dataclass(frozen=True)
class Line:
    """What is right, and what stands there instead. None: no line at all."""

    right: str | None
    slips: Mapping[Slip, str | None] = field(default_factory=dict)

    def text(self, slip: Slip | None) -> str | None:
        """The line as it stands in the program with this slip."""
        return self.right if slip is None else self.slips.get(slip, self.right)


Lines = list[Line]


def plain(*lines: str) -> Lines:
    """Lines that nobody mistypes."""
    return [Line(line) for line in lines]


def indented(lines: Iterable[Line], by: int = 1) -> Lines:
    """The same lines, further in."""

    def move(text: str) -> str:
        return "\n".join("    " * by + row if row else "" for row in text.split("\n"))

    return changed(lines, move)


def changed(lines: Iterable[Line], how: Callable[[str], str]) -> Lines:
    """The same lines with every text, right or wrong, written another way."""
    return [
        Line(
            None if line.right is None else how(line.right),
            {slip: None if text is None else how(text) for slip, text in line.slips.items()},
        )
        for line in lines
    ]


def slips_of(lines: Iterable[Line]) -> list[Slip]:
    """Every mistake that can be made in these lines, each once, in the order of the lines."""
    return list(dict.fromkeys(slip for line in lines for slip in line.slips))


def written(lines: Iterable[Line], slip: Slip | None = None) -> str:
    """The program's source, with one slip or with none."""
    texts = (line.text(slip) for line in lines)
    return "".join(f"{text}\n" for text in texts if text is not None)
