"""The table of ops, and their public functions. Importing this fills the table."""

from chainrule.ops import (
    activation,
    arithmetic,
    comparison,
    exponential,
    indexing,
    linear,
    loss,
    random,
    reduce,
    shape,
)

__all__ = [
    "activation",
    "arithmetic",
    "comparison",
    "exponential",
    "indexing",
    "linear",
    "loss",
    "random",
    "reduce",
    "shape",
]
