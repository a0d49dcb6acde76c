"""Engines: what runs a graph. ``reference`` is the definition, ``numpy`` the fast one.

An engine is known by two things. ``ENGINES[name](graph)`` compiles a graph to a function of arrays.
``PROGRAMS[name](graph, bound, replaces)`` makes a program whose bound inputs are arrays of the
caller's, read and replaced in place: what training runs, step after step.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

from chainrule.distributed import current
from chainrule.engine.loop import ReferenceRepeated, Repeated
from chainrule.engine.numpy_engine import Program, compile_numpy
from chainrule.engine.reference import ReferenceProgram, compile_reference, evaluate_nodes
from chainrule.engine.xla import (
    SharedRepeated,
    XlaProgram,
    XlaRepeated,
    compile_seconds,
    compile_xla,
)
from chainrule.errors import unknown_name
from chainrule.graph.graph import ENGINES, Graph
from chainrule.graph.op import Array


class Runnable(Protocol):
    """A graph with its inputs bound: ``run`` it, then look into ``outputs``."""

    run: Callable[..., Any]

    @property
    def outputs(self) -> list[Array]: ...


class Repeatable(Protocol):
    """A step in a loop: ``run`` it with an iterator over some of ``rows``."""

    rows: list[tuple[Any, ...]]
    run: Callable[..., Any]


PROGRAMS: dict[str, Callable[..., Any]] = {
    "reference": ReferenceProgram,
    "numpy": Program,
    "xla": XlaProgram,
}

REPEATED: dict[str, Callable[..., Any]] = {
    "reference": ReferenceRepeated,
    "numpy": Repeated,
    "xla": XlaRepeated,
}

ENGINES["reference"] = compile_reference
ENGINES["numpy"] = compile_numpy
ENGINES["xla"] = compile_xla


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
    made: Runnable = _known(PROGRAMS, engine)(graph, bound, replaces, steady)
    return made


def repeated(
    graph: Graph, bound: Mapping[str, Array], replaces: Mapping[int, str], engine: str,
    steady: Collection[str], kept: Mapping[int, Array],
    gathered: Mapping[str, Array] | None = None, fed: str | None = None,
    beside: Iterable[Repeatable] = (),
) -> Repeatable:  # fmt: skip
    """A step to be run many times in a call, on the engine called ``engine``: see ``Repeated``.

    Where memory is planned, it is shared with the steps ``beside`` it, which run at other times.
    In a group of processes or devices, the XLA engine gives each of them a share of every batch.

    Raises:
        OptionError: no such engine, with the nearest name.
    """
    group = current()
    if engine == "xla" and group is not None and group.devices > 1:
        shared: Any = SharedRepeated(group, graph, bound, replaces, steady, kept, gathered, fed)
        spread: Repeatable = shared
        return spread
    room = [b for other in beside if isinstance(other, Repeated) for b in other.buffers]
    shared = {"room": room} if room else {}
    given = (graph, bound, replaces, steady, kept, gathered, fed)
    made: Repeatable = _known(REPEATED, engine)(*given, **shared)
    return made


def _known(table: dict[str, Callable[..., Any]], engine: str) -> Callable[..., Any]:
    if not isinstance(engine, str) or engine not in table:
        raise unknown_name("engine", engine, table)
    return table[engine]


__all__ = [
    "PROGRAMS",
    "REPEATED",
    "Program",
    "ReferenceProgram",
    "ReferenceRepeated",
    "Repeatable",
    "Repeated",
    "Runnable",
    "SharedRepeated",
    "XlaProgram",
    "XlaRepeated",
    "compile_numpy",
    "compile_reference",
    "compile_seconds",
    "compile_xla",
    "evaluate_nodes",
    "program",
    "repeated",
]
