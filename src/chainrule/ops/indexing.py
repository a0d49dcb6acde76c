"""Indexing: picking entries out, by slices, numbers and arrays, and adding them back in."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import DtypeError, OptionError, RecordingError, ShapeError
from chainrule.graph.apply import apply
from chainrule.graph.op import Array, Op, Shape, public, speaks_for
from chainrule.graph.tensor import Tensor
from chainrule.ops.base import once, sample, stack_of, stack_size
from chainrule.ops.keys import ARRAY as _ARRAY
from chainrule.ops.keys import Key, arranged, of_each, place_of_arrays, ready_to_broadcast, to_front
from chainrule.ops.reduce import known_axis
from chainrule.ops.shape import reshape, shape_of


def _python_key(key: Key, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    rest = iter(arrays)
    return tuple(
        slice(*part) if isinstance(part, tuple) else next(rest) if part == _ARRAY else part
        for part in key
    )


def _spelled(key: Key, arrays: tuple[str, ...]) -> str:
    def one(part: Any) -> str:
        if not isinstance(part, slice):
            return "..." if part is ... else str(part)
        ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
        return ":".join(ends if ends[2] else ends[:2])

    return ", ".join(one(part) for part in _python_key(key, arrays)) or "()"


@dataclass(frozen=True, slots=True, repr=False)
class Index(Op):
    """y = x[key], a key of slices, whole numbers, new axes and integer arrays."""

    key: Key
    name = "index"

    @property
    def is_open(self) -> bool:  # type: ignore[override]
        return _ARRAY not in self.key

    @property
    def is_view(self) -> bool:  # type: ignore[override]
        return _ARRAY not in self.key

    def value(self, xp: Any, x: Any, *arrays: Any) -> Any:
        return x[_python_key(self.key, arrays)]

    def shape(self, *x: Shape) -> Shape:
        stand_in = np.broadcast_to(np.empty((), bool), x[0])
        arrays = tuple(np.zeros(shape, np.intp) for shape in x[1:])
        try:
            picked: Array = stand_in[_python_key(self.key, arrays)]
        except IndexError as error:
            raise ShapeError(f"indexing a Tensor of shape {x[0]}: {error}.") from None
        return picked.shape

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        return x[0]

    def pull(self, g: Any, y: Any, x: Any, *arrays: Any) -> tuple[Any, ...]:
        return (apply(_index_add(self.key, x.shape), g, *arrays), *[None for _ in arrays])

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        source, *arrays = x
        size = stack_size(stacked, x)
        if stacked[0]:
            key, arrays, axes = of_each(self.key, source.ndim - 1, arrays, stacked[1:], size)
            return arranged(apply(Index(key), source, *arrays), axes)
        # The same source for all: the places' leading axis comes out where their axes come out.
        place, _ = place_of_arrays(self.key, source.ndim)
        picked = apply(self, source, *ready_to_broadcast(arrays, stacked[1:]))
        return arranged(picked, to_front(place))

    def formula(self, *x: str) -> str:
        return f"{x[0]}_{{{_spelled(self.key, x[1:])}}}"

    def source(self, *x: str) -> str:
        return f"{x[0]}[{_spelled(self.key, x[1:])}]"

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        x = sample("real", (4, 5), rng)
        twice = np.array([0, 2, 2, -1])
        yield cls((1,)), (x,)
        yield cls(((1, 3, None), (None, None, 2))), (x,)
        yield cls((..., None, -1)), (x,)
        yield cls((_ARRAY,)), (x, twice)
        yield cls((_ARRAY, _ARRAY)), (x, twice, np.array([1, 0, 0, 3]))
        yield cls(((None, None, None), _ARRAY)), (x, np.array([[0, 1], [1, 4]]))


@dataclass(frozen=True, slots=True, repr=False)
class IndexAdd(Op):
    """Zeros of a shape, with x added at x's key: what an index pulls back. Repeats add up."""

    key: Key
    to: Shape
    name, is_open = "index_add", False
    helper = """
def index_add(shape, key, x):
    total = np.zeros(shape, x.dtype)
    np.add.at(total, key, x)
    return total
"""

    def value(self, xp: Any, x: Any, *arrays: Any) -> Any:
        key = _python_key(self.key, arrays)
        if not isinstance(x, np.ndarray | np.generic):
            return xp.zeros(self.to, x.dtype).at[key].add(x)
        total = np.zeros(self.to, x.dtype)
        if arrays:
            np.add.at(total, key, x)
        else:
            total[key] = x
        return total

    def shape(self, *x: Shape) -> Shape:
        return self.to

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        return x[0]

    def pull(self, g: Any, y: Any, x: Any, *arrays: Any) -> tuple[Any, ...]:
        return (apply(_index(self.key), g, *arrays), *[None for _ in arrays])

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        size = stack_size(stacked, x)
        source, arrays = stack_of(x[0], stacked[0], size), list(x[1:])
        key, arrays, axes = of_each(self.key, len(self.to), arrays, stacked[1:], size)
        back = None if axes is None else lambda ndim: tuple(int(i) for i in np.argsort(axes(ndim)))
        return apply(IndexAdd(key, (size, *self.to)), arranged(source, back), *arrays)

    def formula(self, *x: str) -> str:
        return rf"\operatorname{{add}}_{{{_spelled(self.key, x[1:])}}}({x[0]})"

    def source(self, *x: str) -> str:
        return f"index_add({self.to}, np.s_[{_spelled(self.key, x[1:])}], {x[0]})"

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        for op, (x, *arrays) in Index.examples(rng):
            assert isinstance(op, Index)
            shape = op.shape(x.shape, *[a.shape for a in arrays])
            yield cls(op.key, x.shape), (sample("real", shape, rng), *arrays)


@dataclass(frozen=True, slots=True, repr=False)
class OneHot(Op):
    """A row of zeros with a 1 at the label's place, for each label."""

    classes: int
    to: str = "float64"
    name = "one_hot"
    latex = r"\operatorname{{onehot}}({0})"
    code = "np.eye({classes}, dtype='{to}')[{0}]"

    def value(self, xp: Any, labels: Any) -> Any:
        places = xp.arange(self.classes, dtype=labels.dtype)
        return xp.astype(xp.equal(xp.expand_dims(labels, -1), places), np.dtype(self.to))

    def shape(self, *x: Shape) -> Shape:
        return (*x[0], self.classes)

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        return np.dtype(self.to)

    def pull(self, g: Any, y: Any, labels: Any) -> tuple[Any, ...]:
        return (None,)

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        return apply(self, *x)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        yield cls(4), (np.array([0, 3, 1, 1]),)


@public
def getitem(x: Any, key: Any) -> Any:
    """y = x[key], as NumPy indexes: slices, whole numbers, None, ..., integer and boolean arrays.

    Raises:
        DtypeError: an index that is not a whole number.
        ShapeError: more indices than axes, or one that lies outside; a condition of other sizes.
        RecordingError: a boolean Tensor without a value, whose result has no known shape.
    """
    parts: list[Any] = []
    arrays: list[Any] = []
    #: The key with all but its conditions left open: what they choose from must be of their sizes.
    conditions: list[Any] = []
    for part in key if isinstance(key, tuple) else (key,):
        conditions.append(part if part is None or part is ... else slice(None))
        if isinstance(part, slice):
            parts.append(_ends(part))
        elif part is None or part is ...:
            parts.append(part)
        elif isinstance(part, int | np.integer) and not isinstance(part, bool):
            parts.append(int(part))
        else:
            picked, condition = _index_arrays(part)
            if condition is not None:
                conditions[-1] = condition
                _require_fitting(conditions, shape_of(x))
            parts.extend([_ARRAY] * len(picked))
            arrays.extend(picked)
    return apply(_index(tuple(parts)), x, *arrays)


_index, _index_add = once(Index), once(IndexAdd)


def _ends(part: slice) -> tuple[int | None, int | None, int | None]:
    try:
        start, stop, step = [
            None if end is None else operator.index(end)
            for end in (part.start, part.stop, part.step)
        ]
    except RecordingError:  # a Tensor that is being traced: it has said so
        raise
    except TypeError:
        raise DtypeError(
            f"the ends and the step of a slice are whole numbers, got "
            f"{part.start!r}:{part.stop!r}:{part.step!r}. Write int(...) around what is not."
        ) from None
    return start, stop, step


def _require_fitting(conditions: list[Any], shape: Shape) -> None:
    try:
        np.broadcast_to(np.empty((), bool), shape)[tuple(conditions)]
    except IndexError as error:
        raise ShapeError(
            f"indexing a Tensor of shape {shape}: {error}. A condition has the sizes of what it "
            "chooses from, such as t[t > 0]; where places are meant, write t[np.flatnonzero(mask)]."
        ) from None


def _index_arrays(part: Any) -> tuple[list[Any], Array | None]:
    """The integer arrays that ``part`` stands for, and the condition, if it is one."""
    dtype = part.dtype if hasattr(part, "dtype") else np.asarray(part).dtype
    if dtype.kind == "b":
        if isinstance(part, Tensor) and not part.has_value:
            raise RecordingError(
                "indexing with a condition cannot be recorded while tracing: how many entries it "
                "picks is not known yet. Write cr.where(condition, x, 0) to keep the shape."
            )
        condition = part.value if isinstance(part, Tensor) else np.asarray(part)
        if not condition.ndim:
            raise DtypeError(
                f"an index is a whole number, a slice, or an array; got {condition.item()} alone. "
                "Write cr.where(condition, x, 0), or t[None] for a new axis."
            )
        return list(np.nonzero(condition)), condition
    if dtype.kind not in "iu":
        if not isinstance(part, Tensor) and np.asarray(part).size == 0:
            return [np.zeros(np.shape(part), np.intp)], None
        raise DtypeError(
            f"an index is a whole number, a slice, or an array of integers or booleans; got "
            f"{dtype}. Write indices.astype(int)."
        )
    return [part if isinstance(part, Tensor) else np.asarray(part)], None


@public
@speaks_for(np.take)
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The entries (or rows, columns, ...) of ``x`` at the integer ``indices`` along an axis.

    Without an axis the entries are counted through the whole array. The cotangent of an entry
    taken twice is the sum of both.
    """
    if axis is None:
        x, axis = reshape(x, -1), 0
    place = known_axis(x, axis, "take")
    assert isinstance(place, int)
    return getitem(x, (*[slice(None)] * place, indices))


@public
def one_hot(labels: Any, classes: int, dtype: Any = "float64") -> Any:
    """A row of zeros with a 1 at the label's place, for each label of 0 to classes - 1.

    Raises:
        DtypeError: the labels are not integers.
        OptionError: a label outside the classes.
    """
    given = labels if isinstance(labels, Tensor) else np.asarray(labels)
    if given.dtype.kind not in "iu":
        raise DtypeError(f"one_hot needs integer labels, got {given.dtype}: labels.astype(int).")
    require_classes(given, classes, "one_hot")
    return apply(OneHot(int(classes), np.dtype(dtype).name), given)


def require_classes(labels: Any, classes: int, where: str) -> None:
    """Refuse labels outside 0 to classes - 1, where their values are known already.

    Raises:
        OptionError: there is one.
    """
    if isinstance(labels, Tensor):
        if not labels.has_value:
            return
        labels = labels.value
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise OptionError(
            f"{where} of labels from {labels.min()} to {labels.max()}, but there are {classes} "
            f"classes: 0 to {classes - 1}."
        )
