"""Slips in the gradient of a weight: another layer's input or error, or one sample alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.check import kinds
from chainrule.check.activations import Site
from chainrule.check.anatomy import Anatomy, Product
from chainrule.check.evidence import Array
from chainrule.check.mutants.mutant import Slip
from chainrule.check.replay import Pass
from chainrule.graph import Tensor


def weight_slips(anatomy: Anatomy, sites: Sequence[Site], name: str, now: Pass) -> Iterator[Slip]:
    """The product that is the weight's gradient, with something else as one of its factors."""
    uses = [p for p in anatomy.products if p.name == name and p.node in now.cotangents]
    if not uses:
        return
    if len(uses) == 1:
        yield from _of_one_use(anatomy, sites, uses[0], now)
    elif len({(p.input.shape, p.node.shape) for p in uses}) == 1:
        yield from _of_all_uses(anatomy, uses, now)


def _of_one_use(
    anatomy: Anatomy, sites: Sequence[Site], product: Product, now: Pass
) -> Iterator[Slip]:
    g = now.cotangents[product.node]
    own = anatomy.replay.values[product.input]
    for node, values in _like(anatomy, own, product.input):
        yield Slip(
            kinds.OTHER_INPUT, product.name, weight_gradient(anatomy, product, values, g),
            f"input {node.index}",
            "{names}: theirs multiplies dz by " + _told(anatomy, node, product) + ", and not by "
            "what this layer was given in the forward pass.",
            repair(product), product.node, _rank(anatomy, node),
        )  # fmt: skip
    for site in sites:
        if site.a is None and site.output.shape == own.shape:  # it is no node of the graph
            yield Slip(
                kinds.OTHER_INPUT, product.name,
                weight_gradient(anatomy, product, site.output, g), "input of the loss",
                "{names}: theirs multiplies dz by the output of the network, and not by what this "
                "layer was given in the forward pass.",
                repair(product), product.node, 1,
            )  # fmt: skip
    for node, other in now.cotangents.items():
        if other.shape == g.shape and node in anatomy.data and not np.array_equal(other, g):
            yield Slip(
                kinds.OTHER_INPUT, product.name, weight_gradient(anatomy, product, own, other),
                f"error {node.index}",
                "{names}: theirs multiplies this layer's input by the gradient that arrives at "
                f"another place (after {anatomy.after(node) or 'the input'}).",
                repair(product), product.node, 8,
            )  # fmt: skip
    axes = anatomy.sample_axes(product.node)
    if len(axes) == 1 and g.ndim == own.ndim == 2 and g.shape[axes[0]] > 1:
        m = g.shape[axes[0]]
        for i in (m - 1, 0):
            one = np.zeros_like(g)
            place = (slice(None),) * axes[0] + (i,)
            one[place] = g[place]
            for factor in (1, m):
                yield Slip(
                    kinds.OVERWRITTEN, product.name,
                    weight_gradient(anatomy, product, own, one * factor),
                    "one sample",
                    "{names}: theirs is the gradient of one sample alone; the sum over all "
                    "samples belongs there.",
                    repair(product), product.node, 3,
                )  # fmt: skip


def _of_all_uses(anatomy: Anatomy, uses: list[Product], now: Pass) -> Iterator[Slip]:
    """The same slip in every step of a loop: the input of the step before, or after."""
    inputs = [anatomy.replay.values[p.input] for p in uses]
    errors = [now.cotangents[p.node] for p in uses]
    for shift in (1, -1):
        moved = inputs[shift:] + inputs[:shift]
        total = sum(
            (
                weight_gradient(anatomy, p, x, g)
                for p, x, g in zip(uses, moved, errors, strict=True)
            ),
            np.zeros(()),
        )
        yield Slip(
            kinds.OTHER_INPUT, uses[0].name, np.asarray(total), f"shifted {shift}",
            "{names}: theirs takes the input of the neighbouring step.",
            repair(uses[0]), uses[-1].node, 4,
        )  # fmt: skip
    for mine, values in _outputs_of_steps(anatomy, uses):
        total = sum(
            (
                weight_gradient(anatomy, p, x, g)
                for p, x, g in zip(uses, values, errors, strict=True)
            ),
            np.zeros(()),
        )
        yield Slip(
            kinds.OTHER_INPUT, uses[0].name, np.asarray(total), f"of steps {mine}",
            "{names}: theirs multiplies dz by another quantity of the step than its input.",
            repair(uses[0]), uses[-1].node, 5,
        )  # fmt: skip


def _outputs_of_steps(anatomy: Anatomy, uses: list[Product]) -> Iterator[tuple[str, list[Array]]]:
    """For every line of code that ran once in each step, what it gave."""
    lines: dict[tuple[str, str], list[Tensor]] = {}
    for node in anatomy.replay.nodes:
        if node.shape == uses[0].input.shape and node.op is not None:
            lines.setdefault((node.op.name, node.place), []).append(node)
    for (op, place), nodes in lines.items():
        for start in range(max(0, len(nodes) - len(uses) + 1)):
            chosen = nodes[start : start + len(uses)]
            yield f"{op} {place} {start}", [anatomy.replay.values[n] for n in chosen]


def weight_gradient(anatomy: Anatomy, product: Product, x: Array, g: Array) -> Array:
    """The gradient of the parameter through one product, with these inputs and this error."""
    weight = anatomy.replay.values[product.weight]
    first = product.weight is product.node.inputs[0]
    inputs = (weight, x) if first else (x, weight)
    found = anatomy.replay.pulled(product.node, g, *inputs)
    node = product.weight
    while node not in anatomy.replay.names:
        found = anatomy.replay.pulled(node, found[node])
        node = node.inputs[0]
    return found[node]


def _like(anatomy: Anatomy, own: Array, to: Tensor) -> Iterator[tuple[Tensor, Array]]:
    """Every other array of the graph that could stand in the input's place."""
    for node in anatomy.replay.nodes:
        values = anatomy.replay.values[node]
        if node.dtype.kind not in "biuf" or node is to or values.ndim != own.ndim:
            continue
        for candidate in (values, values.T):
            if candidate.shape == own.shape and not np.array_equal(candidate, own):
                yield node, np.asarray(candidate, dtype=np.float64)
                break


def _rank(anatomy: Anatomy, node: Tensor) -> int:
    return 0 if any(p.input is node for p in anatomy.products) else 2


def _told(anatomy: Anatomy, node: Tensor, product: Product) -> str:
    for other in anatomy.products:
        if anatomy.source(other.input) is anatomy.source(node):
            return f"the input of {other.name}"
    if node in anatomy.replay.names:
        return anatomy.replay.names[node]
    layer = anatomy.after(node)
    return f"a result that comes after {layer}" if layer else "other data"


def repair(product: Product) -> str:
    """The line that computes a weight's gradient, as it goes with the product's layout."""
    moved = product.weight.op is not None and bool(product.weight.inputs)
    if product.input is product.node.inputs[0]:
        return f"d{product.name} = " + ("dz.T @ x" if moved else "x.T @ dz") + "    # x: its input"
    return f"d{product.name} = " + ("x @ dz.T" if moved else "dz @ x.T") + "    # x: its input"
