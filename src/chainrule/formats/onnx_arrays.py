"""ONNX as an array namespace: what an op's ``value`` does to these arrays is written as operators.

As JAX does, it takes NumPy's place: ``xp.exp(x)`` leaves the operator Exp in the file and gives the
array that will come out of it. So every op can be exported by the same line that computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

import numpy as np

from chainrule.errors import OptionError
from chainrule.formats.onnx_index import picked
from chainrule.graph.apply import constant
from chainrule.graph.op import OPS, Array, Op, Shape
from chainrule.ops.reduce import known_axis


@dataclass(frozen=True)
class Node:
    """One operator of the file; an input "" is left out. ``op`` says in messages whose it is."""

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any]
    op: str


def _operator(name: str, *, is_right: bool = False) -> Callable[..., OnnxArray]:
    """Python's operator that is the op ``name``."""

    def method(self: OnnxArray, *other: Any) -> OnnxArray:
        both = (*other, self) if is_right else (self, *other)
        return self.xp.apply(OPS[name](), *both)

    return method


class OnnxArray:
    """An array that will be known when the file is run: a name, a shape and a dtype."""

    __hash__ = None  # type: ignore[assignment]
    #: NumPy's own arrays and numbers leave the arithmetic to this class.
    __array_ufunc__ = None

    def __init__(self, xp: OnnxNumPy, name: str, shape: Shape, dtype: np.dtype[Any]) -> None:
        self.xp, self.name, self.shape, self.dtype = xp, name, shape, dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    __add__, __radd__ = _operator("add"), _operator("add", is_right=True)
    __sub__, __rsub__ = _operator("subtract"), _operator("subtract", is_right=True)
    __mul__, __rmul__ = _operator("multiply"), _operator("multiply", is_right=True)
    __truediv__, __rtruediv__ = _operator("divide"), _operator("divide", is_right=True)
    __pow__, __rpow__ = _operator("power"), _operator("power", is_right=True)
    __matmul__, __rmatmul__ = _operator("matmul"), _operator("matmul", is_right=True)
    __lt__, __le__ = _operator("less"), _operator("less_equal")
    __gt__, __ge__ = _operator("greater"), _operator("greater_equal")
    __eq__ = _operator("equal")  # type: ignore[assignment]
    __ne__ = _operator("not_equal")  # type: ignore[assignment]
    __and__, __or__ = _operator("logical_and"), _operator("logical_or")
    __invert__, __neg__ = _operator("logical_not"), _operator("negative")

    def __getitem__(self, key: Any) -> OnnxArray:
        return picked(self.xp, self, key if isinstance(key, tuple) else (key,))

    @property
    def at(self) -> _At:
        """``x.at[key].add(y)``, as JAX writes it."""
        return _At(self)


class _At:
    def __init__(self, x: OnnxArray, key: Any = None) -> None:
        self.x, self.key = x, key

    def __getitem__(self, key: Any) -> _At:
        return _At(self.x, key)

    def add(self, y: OnnxArray) -> OnnxArray:
        """x with y added at the key, repeats too: by the places of its entries, in one row."""
        x, xp = self.x, self.x.xp
        counted = np.arange(int(np.prod(x.shape)), dtype=np.int64).reshape(x.shape)
        places = xp.array(counted)[self.key]
        rows = [xp.reshape(part, (-1,)) for part in (x, places, y)]
        total = xp.node("ScatterElements", *rows, axis=0, reduction="add")
        return xp.reshape(total, x.shape)


class OnnxNumPy:
    """The array namespace: collects ``nodes`` and ``constants``, the numbers that they need.

    Functions that are ops of ours are written as these ops say; here are the others.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        #: The layer and the op that are being written, for names and messages.
        self.scope = self.op = ""
        self._taken: set[str] = set()

    # --- what goes into the file ---------------------------------------------------------------

    def apply(self, op: Op, *inputs: Any) -> OnnxArray:
        """Write an op.

        Raises:
            OptionError: it cannot be written; the text names it.
        """
        found = [part.dtype for part in inputs if hasattr(part, "dtype")]
        like = np.result_type(*found) if found else None
        x = [
            part if isinstance(part, OnnxArray) else self.array(constant(part, like).value)
            for part in inputs
        ]
        shape = op.shape(*[part.shape for part in x])
        dtype = op.dtype(*[part.dtype for part in x])
        try:
            written = op.to_onnx(self, *x)
        except (TypeError, AttributeError) as error:
            raise OptionError(
                f"{self.op or op.name} cannot be written in ONNX: {error}. Compute it by other "
                f"functions, or give {type(op).__name__} a method to_onnx(xp, *x)."
            ) from error
        return OnnxArray(self, written.name, shape, dtype)

    def node(self, operator: str, *inputs: Any, **attributes: Any) -> OnnxArray:
        """Write one operator; an input of None is left out.

        The result has the dtype of the first input and no known shape: both are put right where
        ``apply`` knows them from the op.
        """
        arrays = [None if part is None else self.array(part) for part in inputs]
        names = tuple("" if part is None else part.name for part in arrays)
        output = self.fresh(f"{self.scope}/{operator}" if self.scope else operator)
        self.nodes.append(Node(operator, names, output, attributes, self.op))
        assert arrays[0] is not None
        return OnnxArray(self, output, (), arrays[0].dtype)

    def array(self, x: Any, name: str = "") -> OnnxArray:
        """``x`` itself, or a constant of the file."""
        if isinstance(x, OnnxArray):
            return x
        value = np.asarray(x)
        called = self.fresh(name or f"{self.scope}/constant".lstrip("/"))
        self.constants[called] = value
        return OnnxArray(self, called, value.shape, value.dtype)

    def input(self, name: str, shape: Shape, dtype: np.dtype[Any]) -> OnnxArray:
        """An array that whoever runs the file hands over."""
        return OnnxArray(self, self.fresh(name), shape, dtype)

    def fresh(self, name: str) -> str:
        """A name that nothing has."""
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found

    # --- functions of NumPy --------------------------------------------------------------------

    def __getattr__(self, name: str) -> Callable[..., OnnxArray]:
        op = OPS.get(name)
        if op is None or not op.is_elementwise or is_dataclass(op):
            raise AttributeError(f"there is no {name} for ONNX")
        return lambda *x: self.apply(op(), *x)

    def astype(self, x: Any, dtype: Any) -> OnnxArray:
        """x in another dtype."""
        from onnx.helper import np_dtype_to_tensor_dtype

        to = np.dtype(dtype)
        if x.dtype == to:
            return self.array(x)
        cast = self.node("Cast", x, to=np_dtype_to_tensor_dtype(to))
        return OnnxArray(self, cast.name, x.shape, to)

    def reshape(self, x: Any, shape: Shape) -> OnnxArray:
        """The same entries in another shape, of which one size may be -1."""
        known = int(np.prod([size for size in shape if size != -1]))
        full = tuple(int(np.prod(x.shape)) // known if size == -1 else size for size in shape)
        to = np.array(shape, np.int64)
        return OnnxArray(self, self.node("Reshape", x, to).name, full, x.dtype)

    def transpose(self, x: Any, axes: tuple[int, ...]) -> OnnxArray:
        """The axes in another order."""
        return self.apply(OPS["transpose"](axes), x)  # type: ignore[call-arg]

    def broadcast_to(self, x: Any, shape: Shape) -> OnnxArray:
        """x repeated to fill a shape."""
        return self.apply(OPS["broadcast_to"](shape), x)  # type: ignore[call-arg]

    def concatenate(self, parts: Any, axis: int = 0) -> OnnxArray:
        """The parts one after the other."""
        return self.apply(OPS["concatenate"](axis), *parts)  # type: ignore[call-arg]

    def expand_dims(self, x: Any, axis: int) -> OnnxArray:
        """A new axis of size 1."""
        place = axis % (x.ndim + 1)
        wide = self.node("Unsqueeze", x, np.array([place], np.int64))
        return OnnxArray(self, wide.name, (*x.shape[:place], 1, *x.shape[place:]), x.dtype)

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> OnnxArray:
        """Σ x over the axes."""
        return self._reduced("sum", x, axis, keepdims)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> OnnxArray:
        """The largest entry over the axes."""
        return self._reduced("max", x, axis, keepdims)

    def min(self, x: Any, axis: Any = None, keepdims: bool = False) -> OnnxArray:
        """The smallest entry over the axes."""
        return self._reduced("min", x, axis, keepdims)

    def _reduced(self, name: str, x: Any, axis: Any, keepdims: bool) -> OnnxArray:
        return self.apply(OPS[name](known_axis(x, axis, name), keepdims), x)  # type: ignore[call-arg]

    def dot(self, a: Any, b: Any) -> OnnxArray:
        """The product of matrices."""
        return self.apply(OPS["matmul"](), a, b)

    matmul = dot

    def copysign(self, x: Any, sign: float) -> OnnxArray:
        """|x| with the sign of a number."""
        return self.abs(x) if np.copysign(1.0, sign) > 0 else -self.abs(x)

    def arange(self, stop: int, dtype: Any = np.int64) -> OnnxArray:
        """0, 1, ..., stop - 1."""
        return self.array(np.arange(stop, dtype=dtype))

    def zeros(self, shape: Shape, dtype: Any) -> OnnxArray:
        """Zeros."""
        return self.array(np.zeros(shape, dtype))

    def ones_like(self, x: Any) -> OnnxArray:
        """A one, which broadcasts."""
        return self.array(np.ones((), x.dtype))
