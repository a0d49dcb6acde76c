"""What the tests of the engine share: one graph on both engines, compared bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from random_graphs import Case, same_bits

from chainrule.engine import Program, ReferenceProgram, compile_numpy, compile_reference
from chainrule.engine.faster import faster
from chainrule.graph.graph import Graph


def assert_engines_agree(graph: Graph, arrays: list[Any]) -> None:
    """The compiled graph on both engines: equal, repeatable, fresh, and no input changed."""
    kept = [np.array(array) for array in arrays]
    quick, definition = compile_numpy(graph), compile_reference(faster(graph))
    expected = list(graph.structure.leaves(definition(*arrays)))
    first = list(graph.structure.leaves(quick(*arrays)))
    _assert_same(expected, first, graph)
    for result in first:
        result[...] = 0  # the caller's to change: nothing in the engine may notice
    _assert_same(expected, list(graph.structure.leaves(quick(*arrays))), graph)
    _assert_same(kept, arrays, graph)


def assert_programs_agree(case: Case, steps: int = 2, bind: int | None = None) -> None:
    """Planned and reference program, step after step, with inputs bound and some replaced.

    ``bind`` says how many of the inputs are bound; those that are replaced always are.
    """
    names = case.graph.input_names()
    bound = {
        name: place
        for place, name in enumerate(names)
        if bind is None or place < bind or name in case.replaces.values()
    }
    ours = {name: np.array(case.arrays[place]) for name, place in bound.items()}
    theirs = {name: np.array(array) for name, array in ours.items()}
    free = [array for place, array in enumerate(case.arrays) if names[place] not in bound]
    planned = Program(case.graph, ours, case.replaces)
    definition = ReferenceProgram(faster(case.graph), theirs, case.replaces)
    for _ in range(steps):
        with np.errstate(all="ignore"):
            returned = planned.run(*free)
        definition.run(*free)
        results = list(returned) if free else planned.outputs
        _assert_same(definition.outputs, results, case)
        _assert_same(list(theirs.values()), list(ours.values()), case)


def _assert_same(expected: list[Any], got: list[Any], case: Any) -> None:
    assert len(expected) == len(got)
    for i, (a, b) in enumerate(zip(expected, got, strict=True)):
        assert same_bits(a, b), f"array {i}: {np.asarray(b)} is not {np.asarray(a)} in\n{case}"
