"""Programs of random graphs: whatever is recorded, the printed NumPy computes it."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from random_graphs import Case, cases
from running import results

import chainrule as cr
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT
from chainrule.show.program import MOST_ENTRIES

#: Half of the arrays are of float32, and comparisons turn a last bit into a 1.
CLOSE = 1e-3


def agree(graph: Graph, case: Case) -> None:
    """The formula is written, and the program gives the graph's numbers and shapes."""
    assert graph.formula().count("{") == graph.formula().count("}")
    if any(node.op is CONSTANT and node.size > MOST_ENTRIES for node in graph.nodes):
        return
    source = graph.program()
    with np.errstate(all="ignore"):
        wanted = graph.evaluate(*case.arrays)
    listed = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    for ours, theirs in zip(results(source, *case.arrays), listed, strict=True):
        assert ours.shape == theirs.shape, source
        scale = np.max(np.abs(theirs), initial=1.0, where=np.isfinite(theirs))
        with np.errstate(all="ignore"):
            near = np.isclose(ours, theirs, rtol=CLOSE, atol=CLOSE * scale, equal_nan=True)
        assert near.all(), source


@settings(
    deadline=None, derandomize=True, database=None, max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(cases(most=15))
def test_programs_of_random_graphs(case: Case) -> None:
    outputs = case.graph.outputs
    if len(outputs) > 1 or outputs[0].size != 1 or outputs[0].dtype.kind != "f":
        agree(case.graph, case)
    floats = [node for node in outputs if node.dtype.kind == "f" and node.size]
    if floats:
        with np.errstate(all="ignore"):
            total = cr.sum(floats[0])
        graph = Graph(case.graph.inputs, [total], notes=case.graph.notes)
        agree(graph.value_and_gradients(), case)
        agree(graph.backward(), case)
