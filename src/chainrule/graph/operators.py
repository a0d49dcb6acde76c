"""Operators: the arithmetic and the methods of a NumPy array, each the op of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.graph.op import FUNCTIONS
from chainrule.graph.spoken import not_spoken

if TYPE_CHECKING:
    from chainrule.graph.tensor import Tensor

# mypy: disable-error-code="no-any-return"


class Operators:
    """What a Tensor inherits to be written like an array."""

    __slots__ = ()

    def __add__(self, other: Any) -> Tensor:
        return FUNCTIONS["add"](self, other)

    def __radd__(self, other: Any) -> Tensor:
        return FUNCTIONS["add"](other, self)

    def __sub__(self, other: Any) -> Tensor:
        return FUNCTIONS["subtract"](self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return FUNCTIONS["subtract"](other, self)

    def __mul__(self, other: Any) -> Tensor:
        return FUNCTIONS["multiply"](self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return FUNCTIONS["multiply"](other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return FUNCTIONS["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return FUNCTIONS["divide"](other, self)

    def __pow__(self, other: Any) -> Tensor:
        return FUNCTIONS["power"](self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return FUNCTIONS["power"](other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return FUNCTIONS["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return FUNCTIONS["matmul"](other, self)

    def __lt__(self, other: Any) -> Tensor:
        return FUNCTIONS["less"](self, other)

    def __le__(self, other: Any) -> Tensor:
        return FUNCTIONS["less_equal"](self, other)

    def __gt__(self, other: Any) -> Tensor:
        return FUNCTIONS["greater"](self, other)

    def __ge__(self, other: Any) -> Tensor:
        return FUNCTIONS["greater_equal"](self, other)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return FUNCTIONS["equal"](self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return FUNCTIONS["not_equal"](self, other)

    # Comparing gives a Tensor, as in NumPy; as the key of a dict a Tensor is just itself.
    __hash__ = object.__hash__

    def __and__(self, other: Any) -> Tensor:
        return FUNCTIONS["&"](self, other)

    def __rand__(self, other: Any) -> Tensor:
        return FUNCTIONS["&"](other, self)

    def __or__(self, other: Any) -> Tensor:
        return FUNCTIONS["|"](self, other)

    def __ror__(self, other: Any) -> Tensor:
        return FUNCTIONS["|"](other, self)

    def __invert__(self) -> Tensor:
        return FUNCTIONS["~"](self)

    def __mod__(self, other: Any) -> Tensor:
        raise not_spoken("%, the remainder,")

    def __floordiv__(self, other: Any) -> Tensor:
        raise not_spoken("//, a division rounded down,")

    def __round__(self, digits: Any = None) -> Tensor:
        raise not_spoken("round()")

    __rmod__, __rfloordiv__ = __mod__, __floordiv__

    def __neg__(self) -> Tensor:
        return FUNCTIONS["negative"](self)

    def __pos__(self) -> Tensor:
        return FUNCTIONS["identity"](self)

    def __abs__(self) -> Tensor:
        return FUNCTIONS["abs"](self)

    def __getitem__(self, key: Any) -> Tensor:
        return FUNCTIONS["getitem"](self, key)

    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The axes in reverse order."""
        return FUNCTIONS["transpose"](self)

    @property
    def mT(self) -> Tensor:  # noqa: N802 - NumPy's name
        """Each matrix transposed: the last two axes exchanged."""
        return FUNCTIONS["swapaxes"](self, -1, -2)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return FUNCTIONS["sum"](self, axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return FUNCTIONS["mean"](self, axis, keepdims)

    def var(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return FUNCTIONS["var"](self, axis, keepdims)

    def std(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return FUNCTIONS["std"](self, axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return FUNCTIONS["max"](self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return FUNCTIONS["min"](self, axis, keepdims)

    def argmax(self, axis: int | None = None) -> Tensor:
        return FUNCTIONS["argmax"](self, axis)

    def reshape(self, *shape: Any) -> Tensor:
        return FUNCTIONS["reshape"](self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Tensor:
        return FUNCTIONS["transpose"](self, (axes[0] if len(axes) == 1 else axes) or None)

    def flatten(self) -> Tensor:
        return FUNCTIONS["reshape"](self, (-1,))

    ravel = flatten

    def squeeze(self, axis: Any = None) -> Tensor:
        return FUNCTIONS["squeeze"](self, axis)

    def dot(self, other: Any) -> Tensor:
        return FUNCTIONS["dot"](self, other)

    def clip(self, low: Any = None, high: Any = None) -> Tensor:
        return FUNCTIONS["clip"](self, low, high)

    def take(self, indices: Any, axis: int | None = None) -> Tensor:
        return FUNCTIONS["take"](self, indices, axis)

    def astype(self, dtype: Any) -> Tensor:
        return FUNCTIONS["astype"](self, dtype)

    def copy(self) -> Tensor:
        return FUNCTIONS["identity"](self)
