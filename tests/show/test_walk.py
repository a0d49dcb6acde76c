"""The walk: every number of a graph, and the rule behind it, against numbers known otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import DtypeError, OptionError, ShapeError
from chainrule.graph.apply import apply
from chainrule.graph.graph import Graph
from chainrule.graph.op import OPS
from chainrule.show.arrays import Room, array_lines, number_text, summary

SHOPPING = """\
forward
  apples               2
  price                100
  tax                  1.1
  u1 = apples * price  200
  y = u1 * tax         220

backward
  y = u1 * tax         dy = 1
    to u1              ∂y/∂u1 = 1.1       dy * tax = 1 * 1.1 = 1.1
    to tax             ∂y/∂tax = 200      dy * u1 = 1 * 200 = 200
  u1 = apples * price  du1 = 1.1
    to apples          ∂u1/∂apples = 100  du1 * price = 1.1 * 100 = 110
    to price           ∂u1/∂price = 2     du1 * apples = 1.1 * 2 = 2.2

gradients
  apples  110
  price   2.2
  tax     200"""


def shopping():
    return cr.trace(lambda apples, price, tax: apples * price * tax, 2.0, 100.0, 1.1)


def test_the_shopping_graph():
    walk = shopping().walk(2, 100, 1.1)
    assert str(walk) == SHOPPING
    assert {name: g.item() for name, g in walk.gradients.items()} == pytest.approx(
        {"apples": 110, "price": 2.2, "tax": 200}
    )
    assert [row.node for row in walk.rows] == [
        "apples", "price", "tax", "u1", "y", "y", "y", "u1", "u1",
    ]  # fmt: skip
    (row,) = [row for row in walk.backward if row.to == "tax"]
    assert (row.cotangent, row.local, row.sent) == (1.0, 200.0, 200.0)
    assert (row.rule, row.filled) == ("dy * u1", "1 * 200")


def test_inputs_by_name():
    assert str(shopping().walk(2, tax=1.1, price=100)) == SHOPPING
    for given_by_place, named, text in (
        ((), {}, "Missing: apples, price, tax."),
        ((2, 100), {}, "Missing: tax."),
        ((2, 100, 1.1, 3), {}, "given were 4 by place."),
        ((2, 100, 1.1), {"tax": 1}, "given were 3 by place and tax."),
        ((2, 100), {"tac": 1}, "given were 2 by place and tac. Missing: tax."),
    ):
        with pytest.raises(OptionError) as raised:
            shopping().walk(*given_by_place, **named)
        assert str(raised.value).startswith("the graph takes apples, price, tax; ")
        assert str(raised.value).endswith(text)
    with pytest.raises(ShapeError, match="traced with shape"):
        shopping().walk([1, 2], 1, 1)
    with pytest.raises(DtypeError, match="traced as float64 and is given complex"):
        shopping().walk(1j, 1, 1)


def test_sigmoid_by_nodes():
    """Negate, exp, add 1, reciprocal: the local derivatives multiply to y (1 - y)."""
    x = cr.tensor(0.7, name="x")
    total = apply(OPS["add"](), apply(OPS["exp"](), apply(OPS["negative"](), x)), 1.0)
    y = apply(OPS["divide"](), 1.0, total)
    walk = Graph([x], [y]).walk()
    assert [row.how for row in walk.forward] == ["", "-x", "np.exp(u1)", "u2 + 1", "1 / u3"]
    value = walk.forward[-1].value
    assert value == pytest.approx(1 / (1 + np.exp(-0.7)))
    local = [row.local for row in walk.backward]
    assert len(local) == 4
    assert np.prod(local) == pytest.approx(value * (1 - value))
    assert walk.gradients["x"] == pytest.approx(value * (1 - value))


def test_what_comes_back_on_several_ways_is_added_up():
    walk = cr.trace(lambda x: x * x + np.exp(x), 1.0).walk(2.0)
    sent = [row.sent.item() for row in walk.backward if row.to == "x"]
    assert sum(sent) == pytest.approx(walk.gradients["x"].item()) == 4 + np.exp(2.0)
    assert "x  11.3891  the sum of 7.38906, 2 and 2" in str(walk)


def loss(X, W1, b1, W2, t):
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    return cr.mean((A1 @ W2 - t) ** 2)


def arrays(seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in ((4, 2), (2, 3), (3,), (3, 1), (4, 1))]


@given(st.integers(0, 1000))
def test_a_network_agrees_with_its_gradient(seed):
    given_arrays = arrays(seed)
    walk = cr.trace(loss, *given_arrays).walk(*given_arrays)
    value, expected = cr.value_and_grad(loss, wrt=range(5))(*given_arrays)
    assert walk.forward[-1].value == value
    for found, wanted in zip(walk.gradients.values(), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def test_every_rule_computes_what_is_sent():
    """The rules as Python: with the forward values, they give the numbers beside them."""
    given_arrays = arrays(3)
    walk = cr.trace(loss, *given_arrays).walk(*given_arrays)
    known = {row.node: row.value for row in walk.forward} | {"np": np}
    for row in walk.forward:
        if row.how:
            np.testing.assert_allclose(eval(row.how, dict(known)), row.value)
    for row in walk.backward:
        computed = eval(row.rule, {**known, f"d{row.node}": row.cotangent})
        np.testing.assert_allclose(np.broadcast_to(computed, row.sent.shape), row.sent)
        if row.local is not None and row.local.shape == row.sent.shape == row.cotangent.shape:
            np.testing.assert_allclose(row.cotangent * row.local, row.sent)
    assert {row.rule for row in walk.backward} >= {"du2 @ W2.T", "A1.T @ du2", "dZ1.sum(axis=0)"}


def test_small_arrays_whole_and_large_ones_summed_up():
    graph = cr.trace(lambda x: cr.sum(x), np.ones((3, 2)))
    assert "  x               [1  2]\n                  [3  4]\n" in str(
        graph.walk(np.arange(1.0, 7).reshape(3, 2))
    )
    large = cr.trace(lambda x: cr.sum(x), np.ones((100, 2)))
    assert "(100, 2)\n                  min 0, mean 99.5, max 199\n" in str(
        large.walk(np.arange(200.0).reshape(100, 2))
    )


def test_without_one_number_there_is_no_way_back():
    walk = cr.trace(lambda x: x * 2.0, np.ones(3)).walk(np.arange(3.0))
    assert walk.backward == ()
    assert walk.gradients == {}
    assert str(walk).endswith(
        "no way back: it begins at one number, such as a loss, and this graph gives (3,)"
    )
    several = cr.trace(lambda x: (x, x * 2.0), 1.0).walk(1.0)
    assert several.note.endswith("this graph gives (), ()")


def test_infinite_and_missing_numbers_are_shown_without_warning():
    text = str(cr.trace(lambda x: np.log(x) * x, 1.0).walk(0.0))
    assert "-inf" in text
    assert "nan" in text


def test_inputs_that_nothing_needs_have_zero_gradients():
    walk = cr.trace(lambda x, y, k: x * x, 1.0, np.ones(2), 3).walk(3.0, np.ones(2), 1)
    assert list(walk.gradients) == ["x", "y"]
    assert walk.gradients["y"].tolist() == [0, 0]


def test_notebooks_get_tables_in_which_nothing_is_html():
    graph = cr.trace(lambda x: cr.less(x, 2.0) * x, cr.tensor(1.0, name="a<b>"))
    html = graph.walk(1.0)._repr_html_()
    assert html.count("<table>") == 3
    assert "<b>" not in html
    assert "&lt;" in html
    assert repr(shopping().walk(2, 100, 1.1)) == (
        "<Walk: 5 values forward, 4 contributions backward>"
    )


@pytest.mark.parametrize("name", sorted(OPS))
def test_every_op_can_be_walked(name):
    """Through a sum, with random arrays; what is sent back is what differentiate finds."""
    rng = np.random.default_rng(5)
    for op, values in OPS[name].examples(rng):
        weights = rng.normal(size=op.shape(*[v.shape for v in values]))
        graph = cr.trace(lambda *x, op=op, w=weights: cr.sum(apply(op, *x) * w), *values)
        walk = graph.walk(*values)
        if not any(value.dtype.kind == "f" for value in values):
            assert not walk.gradients
            continue
        floats = [row for row in walk.forward if row.node in walk.gradients]
        gradients = graph.backward(*walk.gradients).evaluate(*values)
        wanted = gradients if isinstance(gradients, list | tuple) else [gradients]
        assert len(wanted) == len(floats)
        for found, one in zip(walk.gradients.values(), wanted, strict=True):
            np.testing.assert_allclose(found, one, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("array", "lines"),
    [
        (np.array(2.0), ["2"]),
        (np.array(-0.0), ["0"]),
        (np.array(1 / 3), ["0.333333"]),
        (np.array(12), ["12"]),
        (np.array(True), ["True"]),
        (np.array([1.0, -2.5]), ["[1  -2.5]"]),
        (np.array([[1.0, 10.0], [-1.0, 2.0]]), ["[ 1  10]", "[-1   2]"]),
        (np.zeros((0, 3)), ["(0, 3)", "empty"]),
        (np.zeros((2, 2, 2)), ["(2, 2, 2)", "all 0"]),
        (np.arange(7.0), ["(7,)", "min 0, mean 3, max 6"]),
    ],
)
def test_arrays_in_lines(array, lines):
    assert array_lines(array) == lines


def test_sums_of_large_arrays():
    assert summary(np.array([1.0, np.nan, np.inf])) == "all 1; 2 of 3 not finite"
    assert summary(np.full(9, np.nan)) == "9 of 9 not finite"
    assert summary(np.array([True, False])) == "1 of 2 true"
    assert summary(np.full(9, 3e38, np.float32)) == "all 3e+38"
    assert array_lines(np.arange(9.0), Room(2, 2, 2, is_narrow=True)) == ["(9,)", "0 to 8"]
    assert number_text(1 + 2j, 3) == "1+2j"
