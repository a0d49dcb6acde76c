"""MathML: well-formed, and the same lines as the formula."""

from __future__ import annotations

import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from op_checks import CASES, Case

import chainrule as cr
from chainrule.errors import MissingPackageError
from chainrule.graph.apply import apply

MATH = "{http://www.w3.org/1998/Math/MathML}"


def rows(text: str) -> list[str]:
    """The text of each line of a formula."""
    root = ElementTree.fromstring(text)
    assert root.tag == f"{MATH}math"
    assert root.get("display") == "block"
    return ["".join(row.itertext()) for row in root.iter(f"{MATH}mtr") if len(row) == 3]


def test_the_lines_of_a_network() -> None:
    net = cr.Sequential(cr.Dense(3, "tanh"), cr.Dense(1, "sigmoid")).build(2)
    graph = net.graph(4, loss="binary_cross_entropy")
    found = rows(graph.mathml())
    assert len(found) == graph.formula().count("&=")
    assert found[0] == "Z[1]=XW[1]+b[1]"
    assert found[3] == "y^=σ(Z[2])"
    assert rows(graph.backward().mathml())[4] == "∂L∂Z[2]=y^−ym"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_op_is_well_formed(case: Case) -> None:
    assert rows(cr.trace(lambda *x: apply(case.op, *x), *case.inputs).mathml())


def test_the_package_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    with pytest.raises(MissingPackageError) as raised:
        cr.trace(np.sin, 1.0).mathml()
    assert str(raised.value) == (
        "MathML needs the package 'latex2mathml', which is not installed: "
        "pip install 'chainrule[show]'"
    )
