"""Structure: how arrays are arranged in lists, tuples and dicts, apart from the arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Structure:
    """The arrangement of some leaves: a leaf, or a list, tuple or dict of structures.

    ``leaves`` takes a value apart in a fixed order; ``build`` puts new leaves in the old places.
    """

    kind: type | None
    keys: tuple[Any, ...]
    parts: tuple[Structure, ...]

    @classmethod
    def of(cls, value: Any) -> Structure:
        if isinstance(value, dict):
            return cls(dict, tuple(value), tuple(cls.of(part) for part in value.values()))
        if isinstance(value, list | tuple):
            kind = list if isinstance(value, list) else tuple
            return cls(kind, tuple(range(len(value))), tuple(cls.of(part) for part in value))
        return cls(None, (), ())

    def leaves(self, value: Any) -> Iterator[Any]:
        """The leaves of ``value``, which has this structure."""
        if self.kind is None:
            yield value
        for key, part in zip(self.keys, self.parts, strict=True):
            yield from part.leaves(value[key])

    def names(self, name: str) -> Iterator[str]:
        """A name for each leaf: ``name`` for the whole, a key's own name inside a dict."""
        if self.kind is None:
            yield name
        for key, part in zip(self.keys, self.parts, strict=True):
            yield from part.names(str(key) if self.kind is dict else f"{name}{key}")

    def build(self, leaves: Sequence[Any]) -> Any:
        """The same arrangement of other leaves."""
        return leaves[0] if self.kind is None else self._build(iter(leaves))

    def _build(self, leaves: Iterator[Any]) -> Any:
        if self.kind is None:
            return next(leaves)
        parts = [part._build(leaves) for part in self.parts]
        if self.kind is dict:
            return dict(zip(self.keys, parts, strict=True))
        return self.kind(parts)


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """``function`` of every leaf, in the same arrangement."""
    structure = Structure.of(value)
    return structure.build([function(leaf) for leaf in structure.leaves(value)])
