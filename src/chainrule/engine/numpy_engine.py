"""The NumPy engine: a graph becomes a straight-line Python function of NumPy calls.

The graph is lowered to calls (``lower``), each call gets its memory (``plan``), and the whole is
written as the source of one function in which every array, constant and bound method is a local
name: a step makes no look-ups and, opaque ops apart, allocates nothing.
``Program.source`` shows it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from contextvars import Context
from functools import partial
from typing import Any

import numpy as np

from chainrule.engine.faster import faster
from chainrule.engine.lower import lower
from chainrule.engine.plan import plan
from chainrule.engine.reference import fitter
from chainrule.engine.source import Source
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array


class Program:
    """A planned graph.

    ``run`` takes the arrays of the inputs that were not bound, in order, checks nothing, and
    returns nothing: results lie in ``outputs`` (arrays that the next run overwrites; those that
    replace a bound input are that input's array).

    Args:
        graph: what to run.
        bound: an array for each input whose memory is known, by the input's name.
        replaces: the place of an output, and the bound input that it is written into.
        steady: bound inputs that never change: what depends on them alone is computed now.
    """

    def __init__(
        self,
        graph: Graph,
        bound: Mapping[str, Array] | None = None,
        replaces: Mapping[int, str] | None = None,
        steady: Collection[str] = (),
    ) -> None:
        bound, replaces = bound or {}, replaces or {}
        names = graph.input_names()
        places = {names.index(name): array for name, array in bound.items()}
        fixed_inputs = {names.index(name): bound[name] for name in steady}
        lowered = lower(faster(graph, steady), fixed_inputs)
        self.graph = graph
        planned = plan(lowered, places, {out: names.index(name) for out, name in replaces.items()})
        free = [slot for i, slot in enumerate(lowered.inputs) if i not in places]
        writer = Source(planned, free)
        self.nbytes = planned.nbytes
        #: Nothing runs but NumPy's functions: no op does its own computing.
        self.is_numpy_alone = all(call.kind != "opaque" for call in lowered.calls)
        #: What the names in ``source`` stand for.
        self.names = writer.bound
        self.source, self.run, fixed = writer.function(lowered.outputs)
        self._fixed: list[Array | None] = fixed

    @property
    def outputs(self) -> list[Array]:
        """The arrays in which the outputs lie (of a program whose inputs are all bound)."""
        return [array for array in self._fixed if array is not None]


def compile_numpy(graph: Graph) -> Callable[..., Any]:
    """A function of arrays that runs the planned graph and returns fresh arrays.

    Threads may share it: they take turns, because the plan has one set of buffers.
    """
    program, turn, fit = Program(graph), threading.Lock(), fitter(graph)
    compute = _without_warnings(program)

    def run(*arrays: Any) -> Any:
        given = fit(arrays)
        with turn:
            results = compute(*given)
            if not graph.inputs:
                results = program.outputs
            return graph.structure.build([np.array(result) for result in results])

    return run


def _without_warnings(program: Program) -> Callable[..., Any]:
    """``program.run`` where overflow and the like go unsaid, for callers that take turns.

    NumPy keeps in the context what it says of them. To enter one of our own takes 0.04 µs,
    ``errstate`` 0.8, as much as two passes over one row. An op that does its own computing may ask
    for things in its caller's context, and stays there.
    """
    if not program.is_numpy_alone:
        return np.errstate(all="ignore")(program.run)
    context = Context()
    context.run(np.seterr, all="ignore")
    return partial(context.run, program.run)
