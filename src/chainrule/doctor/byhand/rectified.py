"""Rectified units: found in the recorded forward pass, and how many are 0 for every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.activations import RELU, Site, activations
from chainrule.check.anatomy import Anatomy
from chainrule.check.replay import Replay
from chainrule.doctor.byhand.program import Parameters, Program
from chainrule.engine.reference import evaluate_nodes
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array
from chainrule.graph.tensor import placeholder
from chainrule.graph.trace import recorded


@dataclass(frozen=True)
class Rectified:
    """A hidden layer of ReLU units, before a training and after it.

    Attributes:
        weight: the parameter whose products it rectifies, or "" if there is no telling.
        units: how many units it has.
        before, after: the share of them that is 0 for every row.
    """

    weight: str
    units: int
    before: float
    after: float


def rectified(
    program: Program, usual: Parameters, X: Array, before: Parameters, after: Parameters
) -> tuple[Rectified, ...]:
    """The ReLU layers in ``program.forward``, in order, however they are written.

    They are told by what they compute with the parameters ``usual``, where units are on for some
    rows and off for others.

    Raises:
        Exception: whatever the user's forward pass raises when it is handed Tensors.
    """
    graph = _recorded(program, usual, X)
    anatomy = Anatomy(Replay(graph, usual))
    sites = [s for s in activations(anatomy) if s.known is RELU and not s.is_last]
    shares = [_dead(graph, p, sites, anatomy) for p in (before, after)]
    return tuple(
        Rectified(site.layer, units, first, last)
        for site, (units, first), (_, last) in zip(sites, *shares, strict=True)
    )


def _recorded(program: Program, p: Parameters, X: Array) -> Graph:
    forward: Any = program.forward
    inputs = {name: placeholder(a.shape, a.dtype, name) for name, a in p.items()}
    with program.undisturbed():
        out = recorded(forward(dict(inputs), X.copy()))
    return Graph(list(inputs.values()), [out])


def _dead(
    graph: Graph, p: Parameters, sites: list[Site], anatomy: Anatomy
) -> list[tuple[int, float]]:
    """For each site the number of its units, and the share of them that is 0 throughout."""
    given = [np.asarray(p[name], node.dtype) for name, node in zip(p, graph.inputs, strict=True)]
    values = dict(evaluate_nodes(graph, given))
    found = []
    for site in sites:
        assert site.a is not None
        zero = np.all(values[site.a] == 0, axis=anatomy.sample_axes(site.a) or 0)
        found.append((zero.size, float(np.mean(zero))))
    return found
