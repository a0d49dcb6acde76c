"""Names: what each parameter is called, and which of what they gave is its gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import GradientError, near

Path = tuple[Any, ...]


def leaves(value: Any) -> Iterator[tuple[Path, Any]]:
    """Every leaf in lists, tuples and dicts, with the keys that lead to it."""
    items = _items(value)
    if items is None:
        yield (), value
        return
    for key, part in items:
        for path, leaf in leaves(part):
            yield (key, *path), leaf


def rebuilt(value: Any, new: Mapping[Path, Any], path: Path = ()) -> Any:
    """``value`` with the leaves that ``new`` names replaced; the rest as it is."""
    items = _items(value)
    if items is None:
        return new.get(path, value)
    parts = {key: rebuilt(part, new, (*path, key)) for key, part in items}
    if isinstance(value, Mapping):
        return parts
    return tuple(parts.values()) if isinstance(value, tuple) else list(parts.values())


def written(path: Path, base: str) -> str:
    """A path as people write it: W1, layers[0].W; ``base`` for what a list itself is called."""
    text = ""
    for key in path:
        if isinstance(key, str):
            text += f".{key}" if text else key
        else:
            text += f"[{key}]" if text else f"{base}[{key}]"
    return text or base


def gradient_keys(name: str) -> tuple[str, ...]:
    """What the gradient of ``name`` may be called, besides ``name`` itself."""
    head, dot, last = name.rpartition(".")
    ways = (
        f"d{last}", f"d_{last}", f"grad_{last}", f"{last}_grad", f"{last}_gradient", f"g{last}",
        f"dL_d{last}", f"dL{last}", f"dLd{last}", f"dJ_d{last}", f"delta_{last}", f"g_{last}",
        f"D{last}", f"nabla_{last}", f"grad{last}", f"dJ{last}",
    )  # fmt: skip
    return tuple(f"{head}{dot}{way}" for way in ways)


def matched(result: Any, names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> dict[str, Any]:
    """The gradient of each parameter in what was given, None where there is none.

    A dict is read by its keys: those of the parameters, or dW1, grad_W1, W1_grad and the like. A
    list or tuple goes by place. One array belongs to one parameter.

    Raises:
        GradientError: there is no telling which is whose.
    """
    if result is None:
        raise GradientError(
            "the gradients are None. A function of gradients must return them: a dict with the "
            "keys of the parameters, or a list in their order."
        )
    if len(names) == 1 and (_items(result) is None or _is_row(result)):
        return {names[0]: result}
    found = {written(path, ""): leaf for path, leaf in leaves(result)}
    if any(isinstance(key, str) for path, _ in leaves(result) for key in path):
        by_name = {name: _of(name, found) for name in names}
        if any(g is not None for g in by_name.values()):
            return by_name
    in_order = list(found.values())
    is_list = isinstance(result, list | tuple)
    if len(in_order) == len(names) and (is_list or _shapes(in_order) == list(shapes)):
        return dict(zip(names, in_order, strict=True))
    raise GradientError(_told(found, names))


def _of(name: str, found: Mapping[str, Any]) -> Any:
    for key in (name, *gradient_keys(name)):
        if key in found:
            return found[key]
    return None


def _told(found: Mapping[str, Any], names: Sequence[str]) -> str:
    if not found:
        return f"no gradients were given; the parameters are {', '.join(names)}."
    return (
        f"{len(found)} gradients were given ({', '.join(found)}) for {len(names)} parameters "
        f"({', '.join(names)}), and there is no telling which is whose. Give a dict with the "
        f"parameters' keys, or a list in their order.{near(next(iter(found)), names)}"
    )


def _shapes(values: Sequence[Any]) -> list[tuple[int, ...]]:
    return [np.shape(value) for value in values]


def _items(value: Any) -> list[tuple[Any, Any]] | None:
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, list | tuple):
        # A list of numbers, or of rows of numbers, is an array; a tuple of numbers is several.
        return None if _is_array(value) else list(enumerate(value))
    return None


def _is_array(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    rows = all(_is_array(part) for part in value) and len({len(part) for part in value}) == 1
    return rows or _is_row(value)


def _is_row(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(x, int | float) for x in value)
