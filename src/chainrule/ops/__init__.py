"""The table of ops, and their public functions. Importing this fills the table."""

from chainrule.ops import (
    activation,
    arithmetic,
    comparison,
    einsum,
    exponential,
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
    "comparison",
    "einsum",
    "exponential",
    "indexing",
    "linear",
    "loss",
    "random",
    "reduce",
    "shape",
    "stacking",
]
