"""Functions of NumPy that are written in ops: values, gradients and second gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import OptionError, RecordingError, ShapeError

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(0)


def judged(ours: Callable[..., Any], theirs: Callable[..., Any], *inputs: Array) -> None:
    """Value, gradient for a random cotangent, and its own gradient, against PyTorch's."""
    rng = np.random.default_rng(1)
    nodes, tensors = [cr.tensor(x) for x in inputs], [torch.tensor(x) for x in inputs]
    for one in tensors:
        one.requires_grad_()
    y, z = ours(*nodes), theirs(*tensors)
    np.testing.assert_allclose(y.value, z.detach().numpy(), rtol=1e-12, atol=1e-13)
    v = rng.standard_normal(y.shape)
    first = cr.differentiate(y, nodes, cr.tensor(v))
    other = torch.autograd.grad(z, tensors, torch.tensor(v), create_graph=True)
    us = [rng.standard_normal(x.shape) for x in inputs]
    total, their_total = cr.tensor(0.0), torch.tensor(0.0, dtype=torch.float64)
    for g, h, u in zip(first, other, us, strict=True):
        np.testing.assert_allclose(g.value, h.detach().numpy(), rtol=1e-11, atol=1e-12)
        total = total + cr.sum(u * g * g)
        their_total = their_total + torch.sum(torch.tensor(u) * h * h)
    second = cr.differentiate(total, nodes)
    if not their_total.requires_grad:
        assert not any(g.value.any() for g in second)
        return
    found = torch.autograd.grad(their_total, tensors, allow_unused=True)
    for g, h in zip(second, found, strict=True):
        expected = np.zeros(g.shape) if h is None else h.detach().numpy()
        np.testing.assert_allclose(g.value, expected, rtol=1e-10, atol=1e-11)


def normal(*shape: int) -> Array:
    return np.asarray(RNG.standard_normal(shape))


# --- stacking -----------------------------------------------------------------------------------

BESIDE: list[Any] = [((2,), (3,)), ((2, 3), (2, 1)), ((), ()), ((2, 1, 2), (2, 3, 2))]
ABOVE: list[Any] = [((2,), (2,)), ((2, 3), (3,)), ((), ()), ((2, 1, 2), (3, 1, 2))]


def with_square(stack: Callable[..., Any]) -> Callable[..., Any]:
    """What stacks its arguments and the square of the first, so that a second order is there."""
    return lambda *x: stack([*x, x[0] * x[0]])


@pytest.mark.parametrize("shapes", BESIDE)
def test_hstack(shapes: Any) -> None:
    inputs = [normal(*shape) for shape in shapes]
    np.testing.assert_array_equal(cr.hstack(inputs), np.hstack(inputs))
    judged(with_square(np.hstack), with_square(torch.hstack), *inputs)


@pytest.mark.parametrize("shapes", ABOVE)
def test_vstack(shapes: Any) -> None:
    inputs = [normal(*shape) for shape in shapes]
    np.testing.assert_array_equal(cr.vstack(inputs), np.vstack(inputs))
    judged(with_square(np.vstack), with_square(torch.vstack), *inputs)


@pytest.mark.parametrize("reps", [2, (3,), (2, 1), (2, 3), (2, 1, 3), (), 1, (1, 1), np.int64(2)])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (), (1, 2, 2)])
def test_tile(shape: Any, reps: Any) -> None:
    x = normal(*shape)
    np.testing.assert_array_equal(cr.tile(x, reps), np.tile(x, reps))
    counts = reps if isinstance(reps, tuple) else (int(reps),)
    judged(lambda x: np.tile(x * x, reps), lambda x: torch.tile(x * x, counts), x)


def test_tile_of_none_and_of_nonsense() -> None:
    assert cr.tile(normal(2, 3), 0).shape == np.tile(normal(2, 3), 0).shape
    for reps in (-1, 1.5, (2, True), "2", None):
        with pytest.raises(OptionError, match="tile repeats a whole number of times, 0 or more"):
            cr.tile(cr.tensor([1.0]), reps)  # type: ignore[arg-type]


def test_stacks_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="concatenate along axis 1 needs shapes that agree"):
        np.hstack([cr.tensor(normal(2, 3)), cr.tensor(normal(3, 3))])
    with pytest.raises(OptionError, match="concatenate needs at least one part"):
        cr.vstack([])


# --- logaddexp ----------------------------------------------------------------------------------


def test_logaddexp_is_finite_and_knows_softplus() -> None:
    judged(np.logaddexp, torch.logaddexp, normal(3, 4), normal(4))
    a, b = cr.tensor([1000.0, -1000.0, 0.0]), cr.tensor([999.0, 1000.0, -1e308])
    y = np.logaddexp(a, b)
    np.testing.assert_array_equal(y.value, np.logaddexp(a.value, b.value))
    cr.sum(y * cr.tensor([1.0, 2.0, 3.0])).backward()
    np.testing.assert_allclose(a.grad, [1 / (1 + np.exp(-1)), 0.0, 3.0])
    for function in (lambda x: np.logaddexp(0, x), lambda x: np.logaddexp(x, 0.0)):
        assert function(a).op.name == "softplus"
    assert np.logaddexp(cr.tensor([1, 2]), 3).dtype == np.float64


# --- einsum -------------------------------------------------------------------------------------

WRITTEN = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij,kj->ik", (2, 3), (4, 3)),
    ("ij->ji", (2, 3)), ("ji", (2, 3)), ("ij->", (2, 3)), ("ij->i", (2, 3)), ("ii->i", (3, 3)),
    ("ii", (3, 3)), ("iij->ji", (3, 3, 2)), ("iji->j", (3, 2, 3)), ("i,i->", (3,), (3,)),
    ("i,i", (3,), (3,)), ("i,j->ij", (2,), (3,)), ("i,j->ji", (2,), (3,)), ("i,j->", (2,), (3,)),
    ("ij,ij->ij", (2, 3), (2, 3)), ("ij,j->ij", (2, 3), (3,)), ("ij,j->i", (2, 3), (3,)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)), ("bij,jk->bik", (2, 3, 4), (4, 2)),
    ("bi,bi->b", (4, 3), (4, 3)), ("bhqd,bhkd->bhqk", (2, 3, 4, 2), (2, 3, 5, 2)),
    ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 2)), ("...ij,jk", (5, 2, 3, 4), (4, 2)),
    ("...i->...", (2, 3)), ("...,...->...", (2, 3), (3,)), ("...ij->...ji", (2, 3, 4)),
    ("i...,i...->...", (3, 2), (3, 1)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("i,j,k->kji", (2,), (3,), (4,)), ("ij,ik,il->jkl", (5, 2), (5, 3), (5, 4)),
    ("ij , jk -> ik", (2, 3), (3, 4)), ("ij,jk->ik", (2, 1), (3, 4)), ("a,->a", (3,), ()),
    ("ij,ij,ij->", (2, 3), (2, 3), (2, 3)), ("Ab,bA->A", (2, 3), (3, 2)),
]  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN, ids=str)
def test_einsum(case: Any) -> None:
    subscripts, *shapes = case
    inputs = [normal(*shape) for shape in shapes]
    expected = np.einsum(subscripts, *inputs)
    found = cr.einsum(subscripts, *inputs)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    judged(
        lambda *x: np.einsum(subscripts, *x, optimize=True),
        lambda *x: torch.einsum(subscripts, *x),
        *inputs,
    )


@st.composite
def sums_of_products(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    sizes = {letter: draw(st.integers(1, 3)) for letter in "abcde"}
    count = draw(st.integers(1, 3))
    parts = [draw(st.text("abcde", min_size=0, max_size=3)) for _ in range(count)]
    letters = sorted(set("".join(parts)))
    output = draw(st.permutations(letters)) if letters else []
    kept = output[: draw(st.integers(0, len(letters)))]
    shapes = [tuple(sizes[letter] for letter in part) for part in parts]
    return f"{','.join(parts)}->{''.join(kept)}", shapes


@settings(max_examples=60, deadline=None)
@given(sums_of_products())
def test_einsum_of_any_letters(case: tuple[str, list[tuple[int, ...]]]) -> None:
    subscripts, shapes = case
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(shape) for shape in shapes]
    judged(lambda *x: np.einsum(subscripts, *x), lambda *x: torch.einsum(subscripts, *x), *inputs)


def test_einsum_is_the_plain_op_where_there_is_one() -> None:
    a, b = cr.tensor(normal(2, 3)), cr.tensor(normal(3, 4))
    graph = cr.trace(lambda a, b: np.einsum("ij,jk->ik", a, b), a, b)
    assert [node.op.name for node in graph.nodes if node.op] == ["matmul"]
    assert graph.formula() == cr.trace(lambda a, b: a @ b, a, b).formula()
    assert "a @ b" in graph.program()
    graph = cr.trace(lambda a: np.einsum("ij->ji", a), a)
    assert [node.op.name for node in graph.nodes if node.op] == ["transpose"]
    graph = cr.trace(lambda a, b: np.einsum("ij,jk->k", a, b), a, b)
    assert graph.symbolic().output[0].count_ops() > 5
    assert graph.symbolic().agrees("a")


@pytest.mark.parametrize(
    ("subscripts", "shapes", "error", "told"),
    [
        ("ij,jk->ik", ((2, 3), (4, 5)), ShapeError, "einsum 'ij,jk->ik': the axis 'j' has size 3 "
         "and size 4; the operands have shapes (2, 3), (4, 5)."),
        ("ijk->i", ((2, 3),), ShapeError, "einsum 'ijk->i': 'ijk' names 3 axes, and the operand has"
         " 2."),
        ("i->i", ((2, 3),), ShapeError, "'i' names 1 axes, and the operand has 2."),
        ("ij,jk->ik", ((2, 3),), OptionError, "einsum 'ij,jk->ik' names 2 operands, and 1 "),
        ("ij->k", ((2, 3),), OptionError, "the result names 'k', which no operand has."),
        ("ij->ii", ((2, 3),), OptionError, "the result names a letter twice."),
        ("i1->i", ((2, 3),), OptionError, "'i1' is not understood. An axis is a letter, ... are "),
        ("...i->i", ((2, 3),), OptionError, "the result needs ... for the other axes."),
        ("...i,...i->...", ((2, 3), (4, 3)), ShapeError, "the axis '...' has size 2 and size 4"),
    ],
)  # fmt: skip
def test_einsum_that_is_not_understood(
    subscripts: str, shapes: Any, error: type[Exception], told: str
) -> None:
    with pytest.raises(error) as caught:
        np.einsum(subscripts, *[cr.tensor(normal(*shape)) for shape in shapes])
    assert told in str(caught.value)


def test_einsum_with_lists_of_axes_and_unknown_options() -> None:
    a = cr.tensor(normal(2, 3))
    with pytest.raises(OptionError, match="einsum takes the names of the axes as text"):
        np.einsum(a, [0, 1], [1, 0])
    with pytest.raises(RecordingError, match="was given an option that cannot be recorded"):
        np.einsum("ij->ji", a, order="C")
