"""Runs what ``program`` prints, as its reader would."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from chainrule.graph.graph import Graph

Array = np.ndarray[Any, Any]


def executed(source: str) -> dict[str, Any]:
    """The names that a printed program defines; it may import NumPy alone."""
    imports = [line for line in source.splitlines() if "import" in line.split("#")[0]]
    assert imports == ["import numpy as np"]
    namespace: dict[str, Any] = {}
    exec(compile(source, "program", "exec"), namespace)
    return namespace


def results(source: str, *arrays: Any) -> list[Array]:
    """What the last function of a program returns for these arrays."""
    functions = [line.split("(")[0][4:] for line in source.splitlines() if line[:4] == "def "]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = executed(source)[functions[-1]](*arrays)
    return [np.asarray(x) for x in (found if isinstance(found, tuple) else (found,))]


def same_numbers(source: str, graph: Graph, *arrays: Any, rtol: float = 1e-12) -> None:
    """Assert that the program gives what the graph gives, in shape and to rounding."""
    with np.errstate(all="ignore"):
        wanted = graph.evaluate(*arrays)
    wanted = list(wanted) if isinstance(wanted, tuple) else [wanted]
    found = results(source, *arrays)
    assert len(found) == len(wanted)
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.shape == theirs.shape, source
        scale = float(np.max(np.abs(theirs), initial=1.0))
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * scale, err_msg=source)
