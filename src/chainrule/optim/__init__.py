"""Optimizers, learning-rate schedules, and gradient descent on a plain function."""

from chainrule.optim.descent import Path, gradient_descent
from chainrule.optim.optimizers import LBFGS, SGD, AdaGrad, Adam, AdamW, Optimizer, RMSProp
from chainrule.optim.schedules import (
    Constant,
    Cosine,
    Exponential,
    OneCycle,
    Schedule,
    Step,
    WarmUp,
)

__all__ = [
    "LBFGS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Exponential",
    "OneCycle",
    "Optimizer",
    "Path",
    "RMSProp",
    "Schedule",
    "Step",
    "WarmUp",
    "gradient_descent",
]
