"""Op: one mathematical operation, and everything that is known of it, in one record.

An op says what its value is (over an array namespace ``xp``, so that one line serves NumPy, JAX
and the planner), how a cotangent is pulled back through it, what shape and dtype come out, and how
it is written: in a formula, in NumPy source, in SymPy, in ONNX. Whatever chainrule does with a
graph is a reading of these records; nothing else in the library knows mathematics.

A new op is a subclass with a ``name``. Being in the table ``OPS`` gives it its tests.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache, partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RecordingError
from chainrule.graph.direct import DIRECT

Array = NDArray[Any]
Shape = tuple[int, ...]


@lru_cache(4096)
def broadcast(*shapes: Shape) -> Shape:
    """The shape of arrays of these shapes together.

    Raises:
        ValueError: they do not fit.
    """
    return np.broadcast_shapes(*shapes)


OPS: dict[str, type[Op]] = {}
"""Every op by name."""

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""The public function of each op by name: what Tensor's operators and methods call."""

SPOKEN: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy's functions that Tensors understand, each with the function that records it."""


class Op:
    """One operation. Subclasses are stateless, or frozen dataclasses whose fields are settings.

    ``latex`` and ``code`` are templates: ``{0}``, ``{1}`` stand for the inputs, ``{axis}`` and the
    like for the settings. ``helper`` is the NumPy source of a function of the op's name, for ops
    that are no short expression: ``code`` calls it.
    """

    name: ClassVar[str] = ""
    latex: ClassVar[str] = ""
    code: ClassVar[str] = ""
    helper: ClassVar[str] = ""
    #: The ONNX operator that is this op; None: there is none, and ``value`` is written out in ONNX.
    onnx: ClassVar[str | None] = None
    #: The dtypes for which ONNX Runtime lacks that operator: ``value`` is written out for them.
    onnx_lacks: ClassVar[tuple[str, ...]] = ()
    #: The op works entry by entry, after broadcasting.
    is_elementwise: ClassVar[bool] = False
    #: The result is a view of the first input's memory, in NumPy.
    is_view: ClassVar[bool] = False
    #: An overflow inside leads to the right limit (as 1/(1 + exp(1000)) = 0), so it is no news.
    overflow_is_fine: ClassVar[bool] = False
    #: The result is an expression of the inputs' entries, so SymPy can write it.
    has_symbol: ClassVar[bool] = True
    #: The planner may open ``value`` and write its NumPy calls into the plan, one by one.
    is_open: ClassVar[bool] = True
    #: ``pull`` input by input, where the inputs share no work: functions of ``(g, y, *x)``.
    pulls: ClassVar[tuple[Callable[..., Any], ...]] = ()
    #: ``pulls``, or none where a class overrides ``pull``.
    apart: ClassVar[tuple[Callable[..., Any], ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.apart = cls.pulls if cls.pull is Op.pull else ()
        if cls.name:
            OPS[cls.name] = cls

    def value(self, xp: Any, *x: Any) -> Any:
        """The result, computed with the array namespace ``xp``."""
        raise NotImplementedError

    @cached_property
    def on_arrays(self) -> Callable[..., Any]:
        """``value`` as a function of NumPy arrays: what runs where code is recorded as it runs."""
        value = partial(self.value, DIRECT)
        return np.errstate(over="ignore")(value) if self.overflow_is_fine else value

    def pull(self, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
        """The cotangent of each input, given the cotangent ``g`` of the result ``y``.

        Written in differentiable ops, so that it can be differentiated again. None means that
        nothing flows to that input. A function of no arguments is called only if that input's
        cotangent is wanted: for what is costly, or undefined where nobody asks. A broadcast is
        not undone here: ``differentiate`` does that for every op.
        """
        return tuple([partial(one, g, y, *x) for one in self.pulls])

    def shape(self, *x: Shape) -> Shape:
        """The result's shape.

        Raises:
            ShapeError: the inputs do not fit together.
        """
        raise NotImplementedError

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        """The result's dtype: NumPy's promotion of the inputs', unless the op says otherwise."""
        return np.result_type(*x)

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        """The op where some inputs have one more axis, in front: the result has it too.

        ``stacked`` says which. Entry i along that axis is the op on entry i of each of these, and
        on the others as they are. Written in ops, so that it can be differentiated. This is what
        ``batch`` asks of every op.

        Raises:
            RecordingError: the op has no such rule.
        """
        raise RecordingError(
            f"the op {self.name} has no rule for a leading axis, so a graph with it cannot be "
            f"batched. Give {type(self).__name__} a method batched(stacked, *x)."
        )

    def symbol(self, *x: Any) -> Any:
        """The result on NumPy object arrays whose entries are SymPy expressions."""
        return self.value(np, *x)

    def settings(self) -> dict[str, Any]:
        """What distinguishes this op from others of its class, such as its axis."""
        if not dataclasses.is_dataclass(self):
            return {}
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def formula(self, *x: str) -> str:
        """The op in LaTeX, its inputs already written as ``x``."""
        return self.latex.format(*x, **self.settings())

    def source(self, *x: str) -> str:
        """The op as a NumPy expression, its inputs already written as ``x``."""
        return self.code.format(*x, **self.settings())

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        """The op in ONNX, ``xp`` being the array namespace that writes it.

        See :class:`chainrule.formats.onnx_arrays.OnnxNumPy`: each of its functions leaves operators
        in the file, and so does ``xp.node(operator, *inputs, **attributes)``.
        """
        if self.onnx is None or x[0].dtype.name in self.onnx_lacks:
            return self.value(xp, *x)
        return xp.node(self.onnx, *x, **self.onnx_attributes())

    def onnx_attributes(self) -> dict[str, Any]:
        """The settings of the ONNX operator, under its own names for them."""
        return {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        """Ops of this class with inputs to try them on: what every test of the table uses."""
        raise NotImplementedError

    def __reduce__(self) -> Any:
        return type(self), tuple(self.settings().values())

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value!r}" for key, value in self.settings().items())
        return f"{self.name}({settings})" if settings else self.name


class Constant(Op):
    """A number or an array that is part of the graph itself."""

    name = "constant"

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        yield from ()


CONSTANT = Constant()


def speaks_for(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Let a function also record the NumPy ``functions`` when they are handed Tensors."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for numpy_function in functions:
            SPOKEN[numpy_function] = function
        return function

    return register


def public(function: Callable[..., Any]) -> Any:
    """Enter a function under its own name, so that Tensor's operators and methods find it."""
    FUNCTIONS[function.__name__] = function
    return function
