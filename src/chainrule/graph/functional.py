"""grad and value_and_grad: from a function to the function that is its gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from chainrule.errors import GradientError, OptionError
from chainrule.graph.differentiate import differentiate, gradients
from chainrule.graph.op import FUNCTIONS
from chainrule.graph.recording import for_gradient, is_for_gradient
from chainrule.graph.structure import Structure, mapped
from chainrule.graph.tensor import Tensor, require_float, require_scalar
from chainrule.graph.trace import recorded


def value_and_grad(
    function: Callable[..., Any], wrt: int | Sequence[int] = 0
) -> Callable[..., tuple[Any, Any]]:
    """A function that gives both the value of ``function`` and its gradient.

    The result can be differentiated again, and traced. Handed arrays it gives arrays, handed
    Tensors it gives Tensors. An argument may be a list, tuple or dict of arrays: the gradient has
    the same arrangement. A list of numbers is an array.

    Args:
        function: gives one number (a Tensor of one entry).
        wrt: which arguments, by place; several give a tuple of gradients.

    Raises (when called):
        DtypeError: an argument of integers or complex numbers, or these on the way.
        GradientError: the function gave more than one entry.
    """

    @wraps(function)
    def both(*arguments: Any, **options: Any) -> tuple[Any, Any]:
        places = [wrt] if isinstance(wrt, int) else list(wrt)
        if not all(isinstance(place, int) for place in places):
            raise OptionError(f"wrt names arguments by place, as 0 or (0, 2); got {wrt!r}.")
        if any(not 0 <= place < len(arguments) for place in places):
            raise OptionError(
                f"wrt={wrt} names arguments by place from 0, and {len(arguments)} were given."
            )
        # Inside another gradient the result must stay a Tensor, even if only numbers were handed
        # in: through a closure it may depend on what the outer gradient is taken of.
        nested = is_for_gradient() or any(
            isinstance(leaf, Tensor) for a in arguments for leaf in Structure.of(a).leaves(a)
        )
        handed = [_one_array(argument) for argument in arguments]
        for place in places:
            handed[place] = mapped(_variable, handed[place])
        with for_gradient():
            value = recorded(function(*handed, **options))
            require_scalar(value, "grad")
            structure = Structure.of([handed[place] for place in places])
            leaves = list(structure.leaves([handed[place] for place in places]))
            with np.errstate(all="ignore"):
                found = differentiate(value, leaves) if nested else gradients(value, leaves)
        result = structure.build(found)
        result = result[0] if isinstance(wrt, int) else tuple(result)
        return value if nested else value.value, result

    return both


def grad(function: Callable[..., Any], wrt: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The gradient of ``function``: see :func:`value_and_grad`.

    >>> import chainrule as cr
    >>> float(cr.grad(lambda x: x**3)(2.0)), float(cr.grad(cr.grad(lambda x: x**3))(2.0))
    (12.0, 12.0)
    """
    both = value_and_grad(function, wrt)

    @wraps(function)
    def gradient(*arguments: Any, **options: Any) -> Any:
        return both(*arguments, **options)[1]

    return gradient


def _one_array(argument: Any) -> Any:
    """A list of numbers, or of rows of numbers, means an array; a list of arrays stays a list."""
    if not isinstance(argument, list):
        return argument
    leaves = list(Structure.of(argument).leaves(argument))
    if leaves and all(isinstance(leaf, bool | int | float) for leaf in leaves):
        return np.array(argument)
    return argument


def _variable(leaf: Any) -> Tensor:
    """A Tensor of its own for an argument, so that a closure over the same one stays apart."""
    if isinstance(leaf, Tensor):
        require_float(leaf, "grad")
        alias: Tensor = FUNCTIONS["identity"](leaf)
        alias.name = leaf.name
        return alias
    array = np.asarray(leaf)
    if array.dtype.kind not in "biufc":
        raise GradientError(f"grad needs arguments of numbers, got {type(leaf).__name__}.")
    variable = Tensor(None, (), array.copy(), array.shape, array.dtype)
    require_float(variable, "grad")
    return variable
