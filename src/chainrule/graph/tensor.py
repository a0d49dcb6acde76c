"""Tensor: a node of the graph that looks and behaves like a NumPy array.

A Tensor remembers the op that made it and that op's inputs. With a value it computes as it goes
(``cr.tensor([1., 2.])``); without one it is a placeholder that only records (inside ``trace``).
Operators, methods and NumPy's own functions all lead to ``apply``, the one door through which an
op enters a graph.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any, final

import numpy as np
from numpy import ndarray

from chainrule.errors import DtypeError, GradientError, RecordingError
from chainrule.graph import recording
from chainrule.graph.op import FUNCTIONS, Array, Op, Shape
from chainrule.graph.operators import Operators
from chainrule.graph.spoken import no_attribute, not_one_number, not_spoken, record

_next_index = itertools.count().__next__
_new = object.__new__


@final
class Tensor(Operators):
    """A node: an op and its inputs, a shape, a dtype, perhaps a name and a value.

    ``value`` is the NumPy array; ``grad`` the array that the last ``backward()`` left here (each
    call starts afresh: nothing is ever added to an older gradient).
    """

    __slots__ = (
        "_arrived", "_grad", "_value", "dtype", "index", "inputs", "name", "op", "place", "scope",
        "shape",
    )  # fmt: skip
    #: The order of recording, which is a topological order: inputs come before what uses them.
    index: int
    op: Op | None
    inputs: tuple[Tensor, ...]
    shape: Shape
    dtype: np.dtype[Any]
    name: str | None
    scope: str
    place: str

    def __init__(
        self,
        op: Op | None,
        inputs: tuple[Tensor, ...],
        value: Array | None,
        shape: Shape,
        dtype: np.dtype[Any],
        name: str | None = None,
    ) -> None:
        self.index = _next_index()
        self.op = op
        self.inputs = inputs
        self._value = value if value is None or type(value) is ndarray else np.asarray(value)
        self.shape = shape
        self.dtype = dtype
        self.name = name
        self.scope = self.place = ""
        # What backward() brought, which several Tensors may share, and a copy for who asks.
        self._arrived: Array | None = None
        self._grad: Array | None = None

    # --- what it holds -------------------------------------------------------------------------

    @property
    def value(self) -> Array:
        """The NumPy array that this Tensor stands for.

        Raises:
            RecordingError: the Tensor is a placeholder of a trace and has no value yet.
        """
        if self._value is None:
            raise RecordingError(
                f"{self!r} has no value: it is being traced, so only its shape and dtype are known "
                "yet. Compute with it, and read the value from what the graph returns."
            )
        return self._value

    @property
    def has_value(self) -> bool:
        """False for the placeholders of a trace and everything computed from them."""
        return self._value is not None

    @property
    def grad(self) -> Array | None:
        """The gradient that the last ``backward()`` left here, or None before any.

        Raises:
            DtypeError: the Tensor holds integers or complex numbers, which have none.
        """
        if self.dtype.kind == "c":
            raise no_complex_gradient(self)
        if self.dtype.kind != "f":
            raise DtypeError(
                f"a Tensor of {self.dtype} has no gradient: a small step away from an integer is "
                "not an integer. Make it of floats: cr.tensor([1., 2.]) or array.astype(float)."
            )
        if self._grad is None and self._arrived is not None:
            self._grad = np.array(self._arrived)
        return self._grad

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def item(self) -> Any:
        """The only entry, as a Python number."""
        return self.value.item()

    def backward(self, cotangent: Any = None) -> None:
        """Set ``grad`` on every Tensor of floats that this one was computed from.

        Starts afresh at each call: an older ``grad`` is replaced, never added to.

        Args:
            cotangent: the weight of each entry, of this Tensor's shape; may be left out for a
                Tensor of one entry, where it is 1.

        Raises:
            GradientError: more than one entry and no cotangent, or one of another shape.
        """
        FUNCTIONS["backward"](self, cotangent)

    # --- Python's protocols --------------------------------------------------------------------

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        if self._value is None:
            return f"<Tensor{name} {self.shape} {self.dtype}, traced>"
        text = np.array2string(self._value, precision=8, threshold=20, separator=", ")
        return f"tensor({text}, {self.dtype}{', name=' + repr(self.name) if self.name else ''})"

    def __format__(self, spec: str) -> str:
        if spec and (self._value is None or self.size != 1):
            raise not_one_number(
                f"the format {spec!r}", repr(self) if self._value is None else f"of {self.shape}"
            )
        return format(self.item(), spec) if spec else repr(self)

    def __getattr__(self, name: str) -> Any:  # what is found nowhere else
        raise no_attribute(name)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a Tensor without axes has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if self._value is None:
            raise RecordingError(
                f"a decision on {self!r} cannot be recorded: its value is not known while tracing. "
                "Write cr.where(condition, a, b) instead of if, and & | ~ instead of and or not."
            )
        return bool(self._value)

    def _number(self, kind: Callable[[Any], Any]) -> Any:
        if self._value is None:
            raise RecordingError(
                f"{kind.__name__}() of {self!r} cannot be recorded: its value is not known while "
                f"tracing. Leave out {kind.__name__}() and compute with the Tensor itself."
            )
        if recording.is_for_gradient() and self.dtype.kind == "f":
            raise RecordingError(
                f"{kind.__name__}() inside a function that is being differentiated would leave the "
                f"graph, and the gradient through it would silently be zero. Leave out "
                f"{kind.__name__}() and use NumPy's functions instead of math's; t.item() where no "
                "gradient is wanted."
            )
        if self._value.size != 1:
            raise not_one_number(f"{kind.__name__}()", f"of {self.shape}")
        return kind(self._value.item())

    def __float__(self) -> float:
        return self._number(float)  # type: ignore[no-any-return]

    def __int__(self) -> int:
        return self._number(int)  # type: ignore[no-any-return]

    def __index__(self) -> int:
        return operator.index(self.value.item() if self.size == 1 else self.value)

    def __setitem__(self, key: object, value: object) -> None:
        raise RecordingError(
            "assigning into a Tensor cannot be recorded: a node never changes. Build a new one: "
            "cr.where(mask, new, t) instead of t[mask] = new, cr.concatenate or cr.stack instead "
            "of filling rows."
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        raise RecordingError(
            "turning a Tensor into a NumPy array would leave the graph, and gradients through it "
            "would silently be zero. Use a NumPy function that can be recorded (np.exp, np.dot, "
            "np.sum, ...), or take t.value where no gradient is wanted."
        )

    # --- NumPy's protocols ---------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if options.get("out") is not None:
            raise RecordingError(
                f"np.{ufunc.__name__} writing into an array (out=, or += on an array) cannot be "
                f"recorded: write a = np.{ufunc.__name__}(...), or a = a + t, and let it be new."
            )
        if method == "reduce" and ufunc is np.add:
            options.setdefault("axis", 0)
            return record(np.sum, inputs, options)
        if method != "__call__":
            raise not_spoken(f"np.{ufunc.__name__}.{method}")
        return record(ufunc, inputs, {k: v for k, v in options.items() if k != "out"})

    def __array_function__(
        self, function: Callable[..., Any], types: Any, inputs: Any, options: Any
    ) -> Any:
        if options.get("out") is not None:
            raise RecordingError(
                f"np.{function.__name__}(..., out=...) cannot be recorded: leave out= away and "
                "use what it returns."
            )
        return record(function, inputs, options)


def tensor(data: Any, *, dtype: Any = None, name: str | None = None) -> Tensor:
    """A Tensor that holds ``data``: numbers, nested lists, or an array (which is copied).

    Args:
        data: Python floats become float64, Python integers int64; an array keeps its dtype.
        dtype: another dtype.
        name: how it is called in graphs and formulas.

    Raises:
        DtypeError: the data are not numbers.
    """
    if type(data) is Tensor:
        data = data.value
    try:
        value = np.array(data, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DtypeError(f"a Tensor holds numbers; {type(data).__name__} given: {error}") from error
    if value.dtype.kind not in "biufc":
        raise DtypeError(f"a Tensor holds numbers; given were entries of {value.dtype}.")
    node = node_of(None, (), value)
    node.name = name
    return node


def placeholder(shape: Shape, dtype: Any, name: str | None = None) -> Tensor:
    """A Tensor without a value: an input of a graph that is being traced."""
    return Tensor(None, (), None, tuple(shape), np.dtype(dtype), name)


def node_of(op: Op | None, inputs: tuple[Tensor, ...], value: Any) -> Tensor:
    """A Tensor that was computed, written field by field: Tensor(...) takes twice as long."""
    if type(value) is not ndarray:
        value = np.asarray(value)
    node = _new(Tensor)
    node.index = _next_index()
    node.op = op
    node.inputs = inputs
    node._value = value
    node.shape = value.shape
    node.dtype = value.dtype
    node.name = node._grad = node._arrived = None
    node.scope = node.place = ""
    return node


def require_float(x: Tensor, purpose: str) -> None:
    """Refuse what cannot want a gradient.

    Raises:
        DtypeError: ``x`` holds integers, booleans or complex numbers.
    """
    if x.dtype.kind == "c":
        raise no_complex_gradient(x)
    if x.dtype.kind != "f":
        raise DtypeError(
            f"{purpose} needs floats, and {x.name or 'the tensor'} holds {x.dtype}: an integer "
            "Tensor cannot want a gradient. Write 3. instead of 3, or array.astype(float)."
        )


def no_complex_gradient(x: Tensor) -> DtypeError:
    """What to tell whoever asks for a gradient by complex numbers, or through them."""
    made = f"what {x.op.name} made" if x.op is not None else "the tensor"
    return DtypeError(
        f"{x.name or made} holds {x.dtype}, and gradients are of real numbers: those of complex "
        "ones are not known here. Keep real and imaginary parts as two arrays of floats; "
        "|a + bi|² is a**2 + b**2."
    )


def require_scalar(y: Tensor, purpose: str) -> None:
    """Refuse what has more than one entry.

    Raises:
        GradientError: it has.
    """
    if y.size != 1:
        raise GradientError(
            f"{purpose} needs one number, and got shape {y.shape}. Reduce it first (cr.sum(y) or "
            "cr.mean(y)), or give a cotangent of that shape: y.backward(cotangent)."
        )
