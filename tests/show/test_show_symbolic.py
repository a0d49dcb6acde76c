"""Symbols: the same derivatives by our chain rule and by SymPy's."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np
import pytest
import sympy
from op_checks import CASES, Case

import chainrule as cr
from chainrule.errors import DtypeError, MissingPackageError, OptionError, ShapeError
from chainrule.graph.apply import apply


def network(*layers: Any) -> cr.Sequential:
    return cr.Sequential(*layers, dtype="float64").build(2)


def test_the_derivative_array_of_an_affine_map() -> None:
    """Y = W X: dY_i/dW_jk is X_k where i = j, else 0."""
    s = cr.trace(lambda W, X: W @ X, np.ones((3, 2)), np.ones(2)).symbolic()
    x1, x2 = sympy.symbols("X_1 X_2", real=True)
    assert s.inputs["X"].tolist() == [x1, x2]
    found = s.derivative("W")
    assert found.shape == (3, 3, 2)
    for i in range(3):
        for j in range(3):
            assert found[i, j].tolist() == ([x1, x2] if i == j else [0, 0])
    assert s.derivative_by_sympy("W") == found
    assert s.agrees("W")
    assert s.agrees("X")


def test_the_sigmoid_node_by_node() -> None:
    def sigmoid(x: Any) -> Any:
        a = -x
        b = np.exp(a)
        c = cr.identity(1 + b)
        y = 1 / c
        return y  # noqa: RET504 - its name is asked for

    s = cr.trace(sigmoid, 0.5).symbolic()
    x = sympy.Symbol("x", real=True)
    assert list(s.named) == ["a", "b", "c", "y"]
    chain = ["x", "a", "b", "c", "y"]
    local = [s.derivative(by, of)[()] for by, of in itertools.pairwise(chain)]
    assert local == [-1, sympy.exp(-x), 1, -1 / (1 + sympy.exp(-x)) ** 2]
    y = s.output[()]
    assert sympy.simplify(sympy.prod(local) - y * (1 - y)) == 0
    assert s.agrees("x")


def test_second_derivatives() -> None:
    graph = cr.trace(lambda x: cr.sum(x**3 * x[::-1]), np.ones(2)).backward("x")
    s = graph.symbolic()
    hessian = s.derivative("x")
    assert hessian.shape == (2, 2)
    assert s.agrees("x")
    a, b = s.inputs["x"]
    assert sympy.expand(hessian[0, 0] - 6 * a * b) == 0
    assert sympy.expand(hessian[0, 1] - 3 * a**2 - 3 * b**2) == 0


@pytest.mark.parametrize("last", ["sigmoid", "softplus", "relu"])
def test_a_network_agrees(last: str) -> None:
    net = network(cr.Dense(2, "tanh"), cr.Dense(1, last))
    s = net.graph(1, loss="mean_squared_error").symbolic()
    for name in ("W1", "b2"):
        assert s.agrees(name)


def test_numbers_are_exact() -> None:
    s = cr.trace(lambda x: cr.mean(x * 0.1), np.ones(3)).symbolic()
    assert s.output[()] == sum(sympy.symbols("x_1:4", real=True)) / 30
    assert not s.output[()].atoms(sympy.Float)
    assert s.derivative("x").tolist() == [sympy.Rational(1, 30)] * 3


def test_values_may_stand_for_symbols() -> None:
    net = network(cr.Dense(2, "softmax"))
    graph = net.graph(1, loss="cross_entropy")
    s = graph.symbolic(y=[1], X=[[0.5, 2]])
    assert s.agrees("b1")
    assert not any("X" in str(one) for one in s.output[()].free_symbols)
    with pytest.raises(ShapeError, match=r"y has shape \(1,\), and was given as \(2,\)"):
        graph.symbolic(y=[0, 1])
    with pytest.raises(OptionError, match="input 'z' is not known"):
        graph.symbolic(y=[1], z=3.0)
    with pytest.raises(OptionError, match="SymPy differentiates by symbols, and X is made of"):
        s.derivative_by_sympy("X")


def test_a_choice_is_written_as_pieces() -> None:
    s = cr.trace(lambda x: cr.where(x > 0, x**2, -x), 1.0).symbolic()
    x = s.inputs["x"][()]
    assert s.output[()].subs(x, 3) == 9
    assert s.output[()].subs(x, -3) == 3
    assert s.derivative("x")[()].subs(x, 3) == 6


def test_disagreement_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(cr.graph.OPS["tanh"]()), "pull", lambda op, g, y, x: (g * (1.0 - y),))
    s = cr.trace(np.tanh, 0.5).symbolic()
    assert not s.agrees("x")


SMALL = [
    case for case in CASES if sum(x.size for x in case.inputs) <= 14 or case.op.name == "index"
]


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_every_small_op(case: Case) -> None:
    """Each op's symbol is reached from a graph, or the error says why not."""
    graph = cr.trace(lambda *x: apply(case.op, *x), *case.inputs)
    whole = {f"x{i}": x for i, x in enumerate(case.inputs) if x.dtype.kind != "f"}
    if not case.op.has_symbol:
        with pytest.raises(OptionError, match=f"{case.op.name} is no expression of its inputs'"):
            graph.symbolic(**whole)
        return
    s = graph.symbolic(**whole)
    numbers = {}
    for i in case.floats:
        symbols = np.ravel(np.array(s.inputs[f"x{i}"], dtype=object))
        numbers |= dict(zip(symbols, case.inputs[i].ravel().tolist(), strict=True))
    entries = np.ravel(np.array(s.output, dtype=object))
    found = np.array([sympy.sympify(entry).subs(numbers) for entry in entries], dtype=object)
    if case.value.dtype.kind == "f":
        np.testing.assert_allclose(
            [float(x) for x in found], case.value.ravel(), rtol=1e-9, atol=1e-12
        )
    else:
        assert [bool(x) for x in found] == case.value.ravel().tolist()


def test_every_op_has_a_small_example() -> None:
    assert {case.op.name for case in SMALL} == {case.op.name for case in CASES}


# --- errors that teach -------------------------------------------------------------------------


def test_large_arrays_are_refused() -> None:
    with pytest.raises(ShapeError) as raised:
        network(cr.Dense(3)).graph(200).symbolic()
    assert str(raised.value) == (
        "symbols are for small arrays: X has 400 entries (shape (200, 2)), and 64 is the most. "
        "Record the graph for fewer rows and smaller layers: the expressions have the same form."
    )
    with pytest.raises(ShapeError, match=r"multiply has 100 entries"):
        cr.trace(lambda u, v: np.outer(u, v), np.ones(10), np.ones(10)).symbolic()


def test_whole_numbers_need_values() -> None:
    with pytest.raises(OptionError) as raised:
        network(cr.Dense(2, "softmax")).graph(2, loss="cross_entropy").symbolic()
    assert str(raised.value) == (
        "y holds int64, which symbols cannot stand for (an index must be a number): give its "
        "values, as graph.symbolic(y=...)."
    )


def test_names_that_are_not_there() -> None:
    s = cr.trace(lambda x, k: (np.sin(x), x * k), 1.0, 2).symbolic(k=3)
    with pytest.raises(OptionError, match="the graph has 2 outputs: say which by of=, one of y, y"):
        s.derivative("x")
    with pytest.raises(OptionError, match="node 'w' is not known"):
        s.derivative("w", of="y")
    with pytest.raises(DtypeError, match="a derivative needs floats, and k holds int64"):
        s.derivative("k", of="y")
    assert len(s.outputs) == 2


def test_sympy_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'chainrule\[show\]'"):
        cr.trace(np.sin, 1.0).symbolic()
