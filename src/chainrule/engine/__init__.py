"""Engines: what runs a graph. ``reference`` is the definition, ``numpy`` the fast one.

An engine is known by two things. ``ENGINES[name](graph)`` compiles a graph to a function of arrays.
``PROGRAMS[name](graph, bound, replaces)`` makes a program whose bound inputs are arrays of the
caller's, read and replaced in place: what training runs, step after step.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from chainrule.engine.numpy_engine import Program, compile_numpy
from chainrule.engine.reference import ReferenceProgram, compile_reference, evaluate_nodes
from chainrule.errors import unknown_name
from chainrule.graph.graph import ENGINES, Graph
from chainrule.graph.op import Array


class Runnable(Protocol):
    """A graph with its inputs bound: ``run`` it, then look into ``outputs``."""

    run: Callable[..., Any]

    @property
    def outputs(self) -> list[Array]: ...


PROGRAMS: dict[str, Callable[..., Any]] = {
    "reference": ReferenceProgram,
    "numpy": Program,
}

ENGINES["reference"] = compile_reference
ENGINES["numpy"] = compile_numpy


def program(
    graph: Graph,
    bound: Mapping[str, Array],
    replaces: Mapping[int, str],
    engine: str = "numpy",
    steady: Collection[str] = (),
) -> Runnable:
    """A program of ``graph`` on the engine called ``engine``; the rest as :class:`Program`.

    Raises:
        OptionError: no such engine, with the nearest name.
    """
    if engine not in PROGRAMS:
        raise unknown_name("engine", engine, PROGRAMS)
    made: Runnable = PROGRAMS[engine](graph, bound, replaces, steady)
    return made


__all__ = [
    "PROGRAMS",
    "Program",
    "ReferenceProgram",
    "Runnable",
    "compile_numpy",
    "compile_reference",
    "evaluate_nodes",
    "program",
]
