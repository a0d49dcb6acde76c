"""Programs whose outputs replace their inputs: every way to share memory wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from engine_checks import assert_programs_agree
from random_graphs import Case, same_bits

import chainrule as cr
from chainrule.engine import Program, compile_reference, updates
from chainrule.engine.faster import faster

RNG = np.random.default_rng(11)
A, B, C = (RNG.standard_normal((12, 12)) for _ in range(3))
V = RNG.standard_normal(12)
JOINED = RNG.standard_normal((24, 12))


def noisy(x: Any) -> Any:
    return cr.tanh(x @ x.T) * 0.5


def dead_chain(a: Any, b: Any) -> Any:
    new = a - 0.1 * b
    return cr.exp(new * 2) - new, cr.tanh(b + new)


def momentum(w: Any, m: Any, g: Any) -> Any:
    m = 0.9 * m + g
    return w - 0.1 * m, m


def nesterov(w: Any, m: Any, g: Any) -> Any:
    m = 0.9 * m + g
    return w - 0.1 * (g + 0.9 * m), m


def adam(w: Any, m: Any, v: Any, g: Any) -> Any:
    m = 0.9 * m + 0.1 * g
    v = 0.99 * v + 0.01 * (g * g)
    return w - 0.1 * (m / 0.9) / (cr.sqrt(cr.abs(v) / 0.99) + 1e-8), m, v


def adam_of_one_array(w: Any, m: Any, v: Any, x: Any) -> Any:
    g = cr.concatenate([cr.tanh(x), x * w[12:]])
    return (*adam(w, m, v, g), cr.sum(g[:12] * x), g[12:])


# name: the function, its arrays, {output: the input it replaces}
SITUATIONS: dict[str, tuple[Callable[..., Any], list[Any], dict[int, str]]] = {
    "plain descent": (lambda w, g: w - 0.1 * g, [A, B], {0: "w"}),
    "swap": (lambda a, b: (b, a), [A, B], {0: "a", 1: "b"}),
    "rotate": (lambda a, b, c: (b, c, a), [A, B, C], {0: "a", 1: "b", 2: "c"}),
    "swap of views": (lambda a, b: (b.T, a[::-1]), [A, B], {0: "a", 1: "b"}),
    "swap of computed": (lambda a, b: (b * 2, a * 3), [A, B], {0: "a", 1: "b"}),
    "its own transpose": (lambda a: a.T, [A], {0: "a"}),
    "its own rows reversed": (lambda a: a[::-1], [A], {0: "a"}),
    "sum with its own transpose": (lambda a: a + a.T, [A], {0: "a"}),
    "product with itself": (lambda a: (a @ a, cr.sum(a)), [A], {0: "a"}),
    "softmax of itself": (lambda a: cr.softmax(a), [A], {0: "a"}),
    "stays as it is": (lambda a, b: (a, a + b), [A, B], {0: "a"}),
    "old value is an output": (lambda a, b: (a - b, a), [A, B], {0: "a"}),
    "view of old is an output": (lambda a, b: (a - b, a.T, a[2:4]), [A, B], {0: "a"}),
    "new value is an output": (lambda a, b: (a - b,) * 2, [A, B], {0: "a"}),
    "view of new is an output": (lambda a, b: (a - b, (a - b)[::2]), [A, B], {0: "a"}),
    "one replaces two": (lambda a, b, c: (a * b - c,) * 2, [A, B, C], {0: "a", 1: "b"}),
    "one replaces three": (lambda a, b, c: (a - c,) * 3, [A, B, C], {0: "a", 1: "b", 2: "c"}),
    "new is used elsewhere": (lambda a, b: (a - b, noisy(a - b), (a - b) * a), [A, B], {0: "a"}),
    "old is read after new": (
        lambda a, b: (new := a - b, cr.exp(new) @ b, cr.sum(cr.exp(new) * a)), [A, B], {0: "a"}),
    "old is read late, through a view": (
        lambda a, b: (new := a - b, cr.tanh(new @ b) + a.T, new[0] * a[::-1, 3]), [A, B], {0: "a"}),
    "old is read late, through a view of a view": (
        lambda a, b: (new := a * b, cr.exp(new) + a.reshape(-1)[::-1].reshape(12, 12).T),
        [A, B], {0: "a"}),
    "old is read late, by an op that is not opened": (
        lambda a, b: (new := a - b, cr.where(noisy(new) > 0, a.T, new)), [A, B], {0: "a"}),
    "two replaced, each read by the other": (
        lambda a, b: (a - noisy(b), b - noisy(a)), [A, B], {0: "a", 1: "b"}),
    "second uses the first's new value": (
        lambda a, b: (new := a - b, b - noisy(new)), [A, B], {0: "a", 1: "b"}),
    "a chain that dies into it": (dead_chain, [A, B], {0: "a", 1: "b"}),
    "broadcast of old": (lambda v, a: (v * 2, cr.sum(a + v, 0), a * cr.exp(v)), [V, A], {0: "v"}),
    "replaced by a broadcast": (lambda a, v: cr.broadcast_to(v, (12, 12)), [A, V], {0: "a"}),
    "replaced by a constant": (lambda a: (a * 1.5, np.ones((12, 12))), [A], {1: "a"}),
    "replaced by a sum": (lambda v, a: (cr.max(a * v, 1), a - v), [V, A], {0: "v", 1: "a"}),
    "replaced by a join": (
        lambda w, a: cr.concatenate([a - w[:12], w[12:] * 2]), [JOINED, A], {0: "w"}),
    "replaced by a chosen": (lambda a, b: cr.where(a > b, a, b - a), [A, B], {0: "a"}),
    "replaced by a picked": (lambda a: a[np.arange(12)[::-1]], [A], {0: "a"}),
    "a part of a join replaces": (
        lambda a, b: (new := a - b, cr.concatenate([new, b * new]), noisy(new)), [A, B], {0: "a"}),
    "momentum": (momentum, [A, B, C], {0: "w", 1: "m"}),
    "nesterov": (nesterov, [A, B, C], {0: "w", 1: "m"}),
    "adam": (adam, [A, B, C * C, C], {0: "w", 1: "m", 2: "v"}),
    "adam of parameters in one array": (
        adam_of_one_array, [JOINED, JOINED * 2, JOINED**2, A], {0: "w", 1: "m", 2: "v"}),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("bind", [None, 0])
@pytest.mark.parametrize("name", SITUATIONS)
def test_equals_the_reference_program(name: str, bind: int | None, dtype: str) -> None:
    function, arrays, replaces = SITUATIONS[name]
    arrays = [array.astype(dtype) for array in arrays]
    graph = cr.trace(function, *arrays)
    # What is written as float64 cannot replace a float32: only outputs of the input's kind do.
    replaces = {i: n for i, n in replaces.items() if graph.outputs[i].dtype == graph.input(n).dtype}
    assert_programs_agree(Case(graph, arrays, replaces), steps=4, bind=bind)


def test_steps_in_place_equal_a_functional_loop() -> None:
    x = RNG.standard_normal((32, 8))
    t = RNG.integers(0, 3, 32)
    start = {"w": RNG.standard_normal((8, 3)), "b": np.zeros(3), "mw": np.zeros((8, 3)),
             "mb": np.zeros(3), "rate": np.array(0.5)}  # fmt: skip

    def step(w: Any, b: Any, mw: Any, mb: Any, rate: Any) -> Any:
        def loss(w: Any, b: Any) -> Any:
            return cr.mean(cr.softmax_cross_entropy(cr.tanh(x @ w + b), t))

        value, (gw, gb) = cr.value_and_grad(loss, wrt=(0, 1))(w, b)
        mw, mb = 0.9 * mw + gw, 0.9 * mb + gb
        return w - rate * mw, b - rate * mb, mw, mb, value

    graph = cr.trace(step, *start.values()).simplify()
    bound = {name: array.copy() for name, array in start.items()}
    program = Program(graph, bound, {0: "w", 1: "b", 2: "mw", 3: "mb"})
    functional = compile_reference(faster(graph))
    state = list(start.values())
    losses = []
    for n in range(20):
        bound["rate"][...] = state[4] = np.array(0.5 / (1 + n))  # an input may change between steps
        program.run()
        *new, loss = functional(*state)
        state[:4] = new
        losses.append(float(loss))
        for name, expected in zip(("w", "b", "mw", "mb"), new, strict=True):
            assert same_bits(bound[name], expected)
        assert same_bits(program.outputs[4], loss)
    assert losses[-1] < losses[0]


def test_what_replaces_an_input_is_that_input_s_array() -> None:
    bound = {"a": A.copy(), "b": B.copy()}
    program = Program(cr.trace(lambda a, b: (b, a, a - b, a), A, B), bound, {0: "a", 1: "b"})
    assert program.outputs[0] is bound["a"]
    assert program.outputs[1] is bound["b"]
    assert not np.shares_memory(program.outputs[3], bound["a"])
    program.run()
    assert same_bits(bound["a"], B)
    assert same_bits(bound["b"], A)
    assert same_bits(program.outputs[3], A)


def test_bound_inputs_that_nothing_replaces_are_never_changed() -> None:
    bound = {"a": A.copy(), "b": B.copy(), "v": V.copy()}

    def function(a: Any, b: Any, v: Any) -> Any:
        return (a - cr.exp(b * v)) * 2, cr.softmax(b.T), cr.concatenate([a, b]) + 1

    program = Program(cr.trace(function, A, B, V), bound, {0: "a"})
    program.run()
    program.run()
    assert same_bits(bound["b"], B)
    assert same_bits(bound["v"], V)


def test_plain_descent_needs_one_buffer_and_no_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """None with BLAS, which needs no room for 0.1 g."""
    buffers = [A.nbytes] if updates.blas_function("cblas_daxpby") is None else [0, A.nbytes]
    for nbytes in buffers:
        bound = {"w": A.copy(), "g": B.copy()}
        program = Program(cr.trace(lambda w, g: w - 0.1 * g, A, B), bound, {0: "w"})
        assert program.nbytes == nbytes
        assert "copyto" not in program.source
        monkeypatch.setattr(updates, "blas_function", lambda name: None)
