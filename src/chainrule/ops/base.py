"""Elementwise ops: what they share, and how their public functions are made."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Protocol, overload

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph.apply import apply
from chainrule.graph.op import FUNCTIONS, Array, Op, Shape, broadcast, public, speaks_for
from chainrule.graph.recorders import of_one, of_two
from chainrule.graph.tensor import Tensor


class Elementwise(Op):
    """An op that works entry by entry, after NumPy's broadcasting."""

    is_elementwise = True
    #: The function of the array namespace that is this op, where there is one.
    function: ClassVar[str] = ""
    #: What comes out: "same" as NumPy's promotion, "float", or "bool".
    gives: ClassVar[str] = "float"
    #: Where each input may be tried: real, positive, nonzero, unit (-1 to 1), bool.
    domains: ClassVar[tuple[str, ...]] = ("real",)

    @functools.cached_property
    def on_arrays(self) -> Callable[..., Any]:
        if type(self).value is Elementwise.value and not self.overflow_is_fine:
            return getattr(np, self.function)  # type: ignore[no-any-return]
        return super().on_arrays

    def value(self, xp: Any, *x: Any) -> Any:
        return getattr(xp, self.function)(*x)

    def shape(self, *x: Shape) -> Shape:
        try:
            return broadcast(*x)
        except ValueError:
            raise ShapeError(
                f"{self.name} needs shapes that broadcast, got {' and '.join(map(str, x))}. "
                "From the right, sizes must be equal or 1; perhaps one of them needs "
                "reshape(-1, 1), or a transpose."
            ) from None

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        if self.gives == "bool":
            return np.dtype(bool)
        common = np.result_type(*x)
        if self.gives == "float" and common.kind in "biu":
            return np.dtype(np.float64)
        return common

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        ndim = max(part.ndim - own for part, own in zip(x, stacked, strict=True))
        return apply(
            self,
            *[aligned(part, ndim) if own else part for part, own in zip(x, stacked, strict=True)],
        )

    def source(self, *x: str) -> str:
        if not self.code:
            return f"np.{self.function}({', '.join(x)})"
        return super().source(*x)

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        # ONNX promotes nothing: its operators take one dtype.
        dtypes = [part.dtype for part in x if part.dtype.kind != "b"] or [part.dtype for part in x]
        common = np.result_type(*dtypes) if self.gives == "bool" else self.dtype(*dtypes)
        same = [
            xp.astype(part, bool if domain == "bool" else common)
            for part, domain in zip(x, self.domains, strict=True)
        ]
        return super().to_onnx(xp, *same)

    def symbol(self, *x: Any) -> Any:
        entry = np.frompyfunc(
            lambda *entries: self.entry(importlib.import_module("sympy"), *entries), len(x), 1
        )
        return entry(*x)

    def entry(self, sp: Any, *x: Any) -> Any:
        """The result for one entry, ``sp`` being SymPy."""
        return getattr(sp, self.function)(*x)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        shapes: list[tuple[Shape, ...]] = [((3, 4),) * 3, ((),) * 3]
        if len(cls.domains) > 1:
            shapes += [((3, 4), (4,), (3, 1)), ((2, 1, 4), (3, 1), (1,)), ((), (2, 3), (3,))]
        for choice in shapes:
            yield (
                cls(),
                tuple(
                    sample(domain, shape, rng)
                    for domain, shape in zip(cls.domains, choice, strict=False)
                ),
            )


def aligned(x: Any, ndim: int) -> Any:
    """``x`` with ones behind its leading axis, so that ``ndim`` others follow it.

    Broadcasting aligns axes from the right: with equal ranks, leading axes meet each other.
    """
    missing = ndim - (x.ndim - 1)
    if missing <= 0:
        return x
    return FUNCTIONS["reshape"](x, (x.shape[0], *(1,) * missing, *x.shape[1:]))


def stack_of(x: Any, is_stacked: bool, size: int) -> Any:
    """``x``, repeated ``size`` times along a new leading axis unless it has one."""
    return x if is_stacked else FUNCTIONS["broadcast_to"](x, (size, *x.shape))


def stack_size(stacked: tuple[bool, ...], x: tuple[Any, ...]) -> int:
    """The size of the leading axis of the inputs that have one."""
    size: int = next(part.shape[0] for part, own in zip(x, stacked, strict=True) if own)
    return size


def sample(domain: str, shape: Shape, rng: np.random.Generator) -> Array:
    """Random numbers of a domain, away from its borders and from kinks at zero."""
    size = rng.uniform(0.2, 2.0, shape)
    sign = np.where(rng.random(shape) < 0.5, -1.0, 1.0)
    match domain:
        case "positive":
            return np.asarray(size)
        case "unit":
            return np.asarray(sign * size / 2.1)
        case "bool":
            return np.asarray(rng.random(shape) < 0.5)
    return np.asarray(sign * size)


def once(op: Callable[..., Op]) -> Callable[..., Op]:
    """``op`` with settings, made at the first call and handed out again at the next ones."""
    return functools.lru_cache(4096)(op)


def once_of_one(op: Callable[..., Op]) -> Callable[..., Callable[[Any], Any]]:
    """As ``once``, for an op of one input: not the op, but the function that records it."""
    return functools.lru_cache(4096)(lambda *settings: of_one(op(*settings)))


class Unary(Protocol):
    """A function of one Tensor or array."""

    @overload
    def __call__(self, x: Tensor) -> Tensor: ...
    @overload
    def __call__(self, x: Any) -> Array: ...


class Binary(Protocol):
    """A function of two Tensors or arrays."""

    @overload
    def __call__(self, a: Tensor, b: Any) -> Tensor: ...
    @overload
    def __call__(self, a: Any, b: Tensor) -> Tensor: ...
    @overload
    def __call__(self, a: Any, b: Any) -> Array: ...


def floats(x: Any) -> Any:
    """``x``, with integers made float64.

    NumPy computes the exponential of a uint8 in half precision, and -x of one wraps around.
    """
    try:
        kind = x.dtype.kind
    except AttributeError:
        return x
    return FUNCTIONS["astype"](x, "float64") if kind in "biu" else x


def _named(function: Callable[..., Any], op: type[Op]) -> Any:
    """Give the public function of an op the op's name and documentation."""
    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = f"{op.__doc__}\n\nTensors are recorded; given arrays only, gives an array."
    function.__module__ = op.__module__
    return public(function)


def unary(op: type[Elementwise], *numpy_functions: Callable[..., Any]) -> Unary:
    """The public function of a one-input op without settings."""
    record = of_one(op())
    if op.gives == "float":
        function = _named(
            lambda x: record(x if type(x) is Tensor and x.dtype.kind == "f" else floats(x)), op
        )
    else:
        function = _named(record, op)
    speaks_for(*numpy_functions)(function)
    return function  # type: ignore[no-any-return]


def binary(op: type[Op], *numpy_functions: Callable[..., Any]) -> Binary:
    """The public function of a two-input op without settings."""
    function = _named(of_two(op()), op)
    speaks_for(*numpy_functions)(function)
    return function  # type: ignore[no-any-return]
