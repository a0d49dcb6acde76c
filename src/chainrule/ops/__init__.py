"""The table of ops, and their public functions. Importing this fills the table."""

from chainrule.ops import (
    activation,
    arithmetic,
    cast,
    choice,
    comparison,
    einsum,
    exponential,
    extreme,
    indexing,
    linear,
    loss,
    random,
    reduce,
    shape,
    stacking,
)

__all__ = [
    "activation",
    "arithmetic",
    "cast",
    "choice",
    "comparison",
    "einsum",
    "exponential",
    "extreme",
    "indexing",
    "linear",
    "loss",
    "random",
    "reduce",
    "shape",
    "stacking",
]
