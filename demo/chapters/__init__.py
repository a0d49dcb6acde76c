"""The chapters, each a function that trains, measures and draws, and returns a ``Chapter``."""

from __future__ import annotations

from collections.abc import Callable

from page import Chapter

from chapters import (
    activations,
    collapse,
    cost,
    descent,
    digits,
    mnist,
    program,
    regions,
    shopping,
    sigmoid_and_tanh,
    stability,
    zeros,
)

IN_ORDER: tuple[Callable[[], Chapter], ...] = (
    activations.chapter,
    descent.chapter,
    shopping.chapter,
    zeros.chapter,
    sigmoid_and_tanh.chapter,
    regions.chapter,
    collapse.chapter,
    cost.chapter,
    stability.chapter,
    program.chapter,
    digits.chapter,
    mnist.chapter,
)
