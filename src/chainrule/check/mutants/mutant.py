"""The two records: a rule altered for everything further back, and a slip in one parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.check.activations import Site
from chainrule.check.evidence import Array
from chainrule.graph import Tensor
from chainrule.graph.differentiate import Rule, by_the_op


@dataclass(frozen=True, eq=False)
class Mutant:
    """Rules altered as people alter them.

    ``node`` is the one whose line of code is meant. ``what`` is a sentence on what theirs
    computes, ``repair`` a line of NumPy. ``rank`` orders mutants of one kind, the likeliest first.
    ``at`` gives the rules for another strength, such as a learning rate, where there is one that
    only their numbers can tell: ``rules`` are those for 1.
    """

    kind: str
    rules: Mapping[Tensor, Rule]
    node: Tensor | None
    what: str
    repair: str
    rank: int = 0
    at: Callable[[float], Mapping[Tensor, Rule]] | None = None


@dataclass(frozen=True, eq=False)
class Slip:
    """A wrong line for one parameter: the array that it gives instead of the gradient.

    Slips with the same ``kind`` and ``note`` in several parameters are one mistake. ``what`` may
    hold ``{names}``, where the names of the parameters go.
    """

    kind: str
    parameter: str
    gives: Array = field(repr=False)
    note: str
    what: str
    repair: str
    node: Tensor | None = None
    rank: int = 0


def scaled(node: Tensor, factor: float) -> Mapping[Tensor, Rule]:
    """The rule of ``node`` with what arrives there multiplied by ``factor``."""

    def rule(node: Tensor, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
        return by_the_op(node, factor * g, y, *x)

    return {node: rule}


def edges_scaled(edges: Sequence[tuple[Tensor, Tensor]], factor: float) -> Mapping[Tensor, Rule]:
    """What each first node sends back to its second one, multiplied by ``factor`` (0: nothing)."""
    into: dict[Tensor, list[Tensor]] = {}
    for node, x in edges:
        into.setdefault(node, []).append(x)

    def rule(node: Tensor, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
        pulled = by_the_op(node, g, y, *x)
        return tuple(
            _times(gx, factor) if any(to is wanted for wanted in into[node]) else gx
            for to, gx in zip(node.inputs, pulled, strict=True)
        )

    return dict.fromkeys(into, rule)


def _times(gx: Any, factor: float) -> Any:
    if gx is None or factor == 0:
        return None
    return (lambda: factor * gx()) if callable(gx) else factor * gx


def derivative_replaced(site: Site, change: Callable[[Any], Any]) -> Mapping[Tensor, Rule]:
    """What reaches z through the activation becomes ``change(g)``, g being what arrived at a.

    Where the activation was recorded with the loss, ``change`` is handed nothing (None).
    """
    if site.a is site.z:  # no activation: what arrives there is changed

        def at_z(node: Tensor, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
            return by_the_op(node, change(g), y, *x)

        return {site.z: at_z}
    arrived: dict[str, Any] = {"g": None}
    last = site.inside[-1]

    def rule(node: Tensor, g: Any, y: Any, *x: Any) -> tuple[Any, ...]:
        if node is site.a:
            arrived["g"] = g
        pulled = by_the_op(node, g, y, *x)
        sent = tuple(
            None if to is site.z else gx for to, gx in zip(node.inputs, pulled, strict=True)
        )
        if node is not last:
            return sent
        place = next(i for i, to in enumerate(node.inputs) if to is site.z)
        return (*sent[:place], change(arrived["g"]), *sent[place + 1 :])

    altered = {*site.inside, *([site.a] if site.a is not None else [])}
    return dict.fromkeys(altered, rule)
