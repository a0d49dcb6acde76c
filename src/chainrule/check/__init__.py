"""Judges: the gradient found without any derivative rule."""

from __future__ import annotations

from chainrule.check.numeric import numerical_gradient

__all__ = ["numerical_gradient"]
