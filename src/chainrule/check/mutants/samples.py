"""Mutants of what differs from sample to sample: one sample alone, and the mask of dropout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.check import kinds
from chainrule.check.activations import Site
from chainrule.check.anatomy import Anatomy
from chainrule.check.evidence import Array
from chainrule.check.mutants.mutant import Mutant
from chainrule.check.replay import Pass
from chainrule.graph import Tensor
from chainrule.graph.differentiate import Rule, by_the_op
from chainrule.graph.origin import came_from

#: So many samples at most, for each of which a mask may be 0 or not: all choices are tried.
TRIED = 14
#: The equations for a mask are solved if this is left over, relative to their terms.
SOLVED = 1e-6


def sample_mutants(anatomy: Anatomy) -> Iterator[Mutant]:
    """One sample's gradient alone, as a loop over samples leaves it that overwrites."""
    z = anatomy.logits
    axes = anatomy.sample_axes(z) if z is not None else ()
    if z is None or len(axes) != 1 or z.shape[axes[0]] < 2:
        return
    m = z.shape[axes[0]]
    for i in (m - 1, 0):
        mask = np.zeros([m if k == axes[0] else 1 for k in range(z.ndim)])
        mask[tuple(i if k == axes[0] else 0 for k in range(z.ndim))] = 1
        for factor in (1, m):
            yield Mutant(
                kinds.OVERWRITTEN, {z: _masked(mask * factor)}, z,
                f"Theirs is the gradient of the {'last' if i else 'first'} of the {m} samples "
                "alone: in a loop over samples each one overwrites the one before.",
                "dW += ...    # add up over the samples",
                3,
            )  # fmt: skip


def _masked(mask: Array) -> Rule:
    def rule(node: Tensor, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
        return by_the_op(node, g * mask, y, *x)

    return rule


def masks(anatomy: Anatomy) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Each node that multiplies by a mask: the node, what is multiplied, and the mask.

    A mask is data with a value for every entry, and at most two different ones, one of them 0.
    """
    for node in anatomy.replay.nodes:
        if node not in anatomy.data or not came_from(node, "multiply", "divide"):
            continue
        for x, mask in (node.inputs, node.inputs[::-1]):
            if mask in anatomy.replay.leads or x not in anatomy.data or mask.size < 2:
                continue
            different = np.unique(anatomy.replay.values[mask])
            if len(different) <= 2 and (len(different) == 1 or 0 in different):
                yield node, x, mask
                break


def mask_mutants(anatomy: Anatomy) -> Iterator[Mutant]:
    """A mask of the forward pass left out on the way back, or not scaled, or used twice."""
    for node, x, mask in masks(anatomy):
        values = np.asarray(anatomy.replay.values[mask], dtype=np.float64)
        ways = {
            "leaves it out": np.ones(values.shape),
            "applies it without its factor": (values != 0) * 1.0,
            "applies it twice": values * values,
        }
        for rank, (what, instead) in enumerate(ways.items()):
            if not np.array_equal(instead, values):
                yield Mutant(
                    kinds.NOISE, {node: _multiplying(x, instead)}, node,
                    f"The forward pass multiplies by a mask here; on the way back theirs {what}.",
                    "da = da * mask    # the very mask of the forward pass, its factor included",
                    rank,
                )  # fmt: skip


def redrawn_mutants(
    anatomy: Anatomy, sites: Sequence[Site], theirs: Mapping[str, Array], now: Pass
) -> Iterator[Mutant]:
    """Another mask on the way back than in the forward pass, worked out from their numbers.

    Each unit's column of the gradient is a sum over samples, each with the mask's value or not:
    which samples were in is found by trying them all, or by solving where equations suffice.
    """
    for node, x, mask in masks(anatomy):
        values = np.asarray(anatomy.replay.values[mask], dtype=np.float64)
        kept = float(np.max(np.abs(values)))
        site = next((s for s in sites if s.a is anatomy.source(x)), None)
        if site is None or site.a is not x or node not in now.cotangents or values.shape != x.shape:
            continue
        found = _other_mask(anatomy, site, now.cotangents[node] * kept, theirs)
        if found is not None:
            yield Mutant(
                kinds.NOISE, {node: _multiplying(x, kept * found)}, node,
                "The mask on the way back is another than in the forward pass: it was drawn again.",
                "da = da * mask    # the very mask of the forward pass, kept for the way back",
                3,
            )  # fmt: skip


def _other_mask(
    anatomy: Anatomy, site: Site, g: Array, theirs: Mapping[str, Array]
) -> Array | None:
    """The mask of zeros and ones that gives their gradient of the layer below it, if one does."""
    products = [p for p in anatomy.products if p.node in anatomy.replay.ancestors(site.z)]
    axes = anatomy.sample_axes(site.z)
    if not products or len(axes) != 1 or site.z.ndim != 2:
        return None
    product = products[-1]
    given = theirs.get(product.name)
    parameter = anatomy.replay.values[anatomy.replay.graph.input(product.name)]
    if product.node.shape != site.z.shape or given is None or given.shape != parameter.shape:
        return None
    dz = site.backward(g, site.output, anatomy.replay.values[site.z])
    inputs = anatomy.replay.values[product.input]
    columns = anatomy.as_operand(product, given)
    if axes[0] == 1:
        dz, inputs, columns = dz.T, inputs.T, columns.T
    bias = next((b for b in anatomy.biases if b.node is site.z and b.axes == axes), None)
    sums = theirs.get(bias.name) if bias is not None else None
    found = np.zeros(dz.shape)
    for j in range(dz.shape[1]):
        equations, right = inputs.T * dz[:, j], columns[:, j]
        if sums is not None and sums.size == dz.shape[1]:
            equations = np.vstack([equations, dz[:, j]])
            right = np.append(right, sums.reshape(-1)[j])
        chosen = _chosen(equations, right)
        if chosen is None:
            return None
        found[:, j] = chosen
    return found.T if axes[0] == 1 else found


def _chosen(equations: Array, right: Array) -> Array | None:
    """The zeros and ones that solve ``equations @ x = right``, if there are any."""
    count = equations.shape[1]
    size = float(np.max(np.abs(equations).sum(axis=1), initial=0.0))
    if np.linalg.matrix_rank(equations) >= count:
        x = np.round(np.linalg.lstsq(equations, right, rcond=None)[0])
        tries = x[None, :]
    elif count <= TRIED:
        tries = (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(np.float64)
    else:
        return None
    error = np.max(np.abs(tries @ equations.T - right), axis=1)
    best = int(np.argmin(error))
    return tries[best] if error[best] <= SOLVED * size else None


def _multiplying(to: Tensor, mask: Array) -> Rule:
    """The rule of a product of ``to`` and a mask, with another mask."""

    def rule(node: Tensor, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
        return tuple(g * mask if x is to else None for x in node.inputs)

    return rule
