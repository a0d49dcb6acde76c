"""Judges: the gradient found without any derivative rule, and what is wrong with somebody's."""

from __future__ import annotations

from chainrule.check.evidence import Evidence, Truth
from chainrule.check.gradients import check_gradients
from chainrule.check.kinds import KINDS, Mistake
from chainrule.check.numeric import numerical_gradient
from chainrule.check.report import GradientReport, Verdict
from chainrule.check.step import check_step

__all__ = [
    "KINDS",
    "Evidence",
    "GradientReport",
    "Mistake",
    "Truth",
    "Verdict",
    "check_gradients",
    "check_step",
    "numerical_gradient",
]
