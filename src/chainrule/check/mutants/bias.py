"""Slips in the gradient of a bias, which is a sum over the samples."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from chainrule.check import kinds
from chainrule.check.anatomy import Anatomy, Bias
from chainrule.check.evidence import Array
from chainrule.check.mutants.mutant import Slip
from chainrule.check.replay import Pass


def bias_slips(anatomy: Anatomy, name: str, shape: tuple[int, ...], now: Pass) -> Iterator[Slip]:
    """What people write in the place of the sum, in every shape it may come in.

    ``shape`` is that of their gradient.
    """
    uses = [bias for bias in anatomy.biases if bias.name == name]
    if not uses or len({(bias.node.shape, bias.axes) for bias in uses}) > 1:
        return
    g = sum((now.cotangents[b.node] for b in uses if b.node in now.cotangents), np.zeros(()))
    if g.ndim == 0:
        return
    bias = uses[0]
    axes = bias.axes or anatomy.sample_axes(bias.node)  # a single sample stretches nothing
    for kind, note, what, array, rank in _ways(np.asarray(g), axes, anatomy.samples):
        fitted = _fitted(array, shape)
        if fitted is not None:
            yield Slip(kind, name, fitted, note, what, _repair(bias, axes), bias.node, rank)


def _ways(g: Array, axes: tuple[int, ...], m: int) -> Iterator[tuple[str, str, str, Array, int]]:
    """Kind, note, sentence and array of each; 1/m may be in dz, or be forgotten with the sum."""
    summed = g.sum(axis=axes)
    count = math.prod(g.shape[i] for i in axes)
    others = tuple(i for i in range(g.ndim) if i not in axes)
    yield (
        kinds.AVERAGED, "mean",
        "{names}: theirs takes the mean over the samples; the sum belongs there, because 1/m (if "
        "the loss has it) is in dz already.",
        summed / count, 0,
    )  # fmt: skip
    for more, (factor, told) in enumerate(((1.0, ""), (m, ", times m"), (1 / m, ", by m"))):
        if more and m == 1:
            break
        for kind, note, what, array, rank in _unsummed(g * factor, axes, count, others):
            yield kind, note + told, what, array, rank + more


def _unsummed(
    g: Array, axes: tuple[int, ...], count: int, others: tuple[int, ...]
) -> Iterator[tuple[str, str, str, Array, int]]:
    whole = "{names}: theirs is the whole dz, a row for every sample; its sum over the samples "
    yield kinds.NOT_SUMMED, "whole", whole + "belongs there.", g, 0
    single = "{names}: theirs takes one sample's dz (number %s); the sum over all belongs there."
    if len(axes) == 1:
        for i in dict.fromkeys((0, count - 1, *range(count))):
            row = np.take(g, i, axis=axes[0])
            yield kinds.NOT_SUMMED, f"row {i}", single % i, row, 1
    if g.size == count:  # one unit: its sum over everything is its sum
        return
    everything = "{names}: theirs sums over every axis, and gives all units the same number."
    total = np.asarray(g.sum())
    yield kinds.SUMMED_OVER_ALL, "all", everything, total, 0
    yield kinds.SUMMED_OVER_ALL, "mean of all", everything, total / g.size, 1
    yield kinds.SUMMED_OVER_ALL, "all by units", everything, total * count / g.size, 1
    if others:
        wrong_axis = "{names}: theirs sums over the units; the sum over the samples belongs there."
        across = g.sum(axis=others)
        if across.size == 1:
            return
        yield kinds.NOT_SUMMED, "wrong axis", wrong_axis, across, 3
        yield kinds.NOT_SUMMED, "mean along the wrong axis", wrong_axis, across * count / g.size, 3


def _fitted(array: Array, shape: tuple[int, ...]) -> Array | None:
    """``array`` in the shape of their gradient, if that shows the same numbers."""
    if array.shape == shape:
        return array
    slim = tuple(size for size in shape if size != 1)
    if tuple(size for size in array.shape if size != 1) == slim:
        return array.reshape(shape)
    if array.size == 1:
        return np.full(shape, float(array.reshape(())))
    if array.T.shape == shape:
        return array.T
    return None


def _repair(bias: Bias, axes: tuple[int, ...]) -> str:
    axis = axes[0] if len(axes) == 1 else axes
    keep = ", keepdims=True" if bias.operand.ndim == bias.node.ndim else ""
    return f"d{bias.name} = dz.sum(axis={axis}{keep})"
