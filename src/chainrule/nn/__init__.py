"""Networks: layers, losses, metrics, initializers, and what puts them together."""

from chainrule.nn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
)
from chainrule.nn.losses import (
    Loss,
    binary_cross_entropy,
    cross_entropy,
    half_sum_squared_error,
    huber,
    mean_absolute_error,
    mean_squared_error,
    sum_squared_error,
)
from chainrule.nn.metrics import accuracy, balanced_accuracy, confusion_matrix, r2, top_k
from chainrule.nn.sequential import Sequential

__all__ = [
    "Activation",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LayerNorm",
    "Loss",
    "Sequential",
    "accuracy",
    "balanced_accuracy",
    "binary_cross_entropy",
    "confusion_matrix",
    "cross_entropy",
    "half_sum_squared_error",
    "huber",
    "mean_absolute_error",
    "mean_squared_error",
    "r2",
    "sum_squared_error",
    "top_k",
]
