"""Updates in one pass: what BLAS makes of them, what they replace, and what they must not."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from random_graphs import same_bits

import chainrule as cr
from chainrule.engine import Program, Repeated, blocks, source, updates
from chainrule.engine.kernels import blas_function

RNG = np.random.default_rng(11)
SIZE = 40

needs_blas = pytest.mark.skipif(
    blas_function("cblas_saxpby") is None, reason="NumPy has no OpenBLAS of its own here"
)


@pytest.fixture(autouse=True)
def by_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "axpby", updates.axpby)


def vector(size: int = SIZE, dtype: str = "float64") -> np.ndarray:
    return RNG.standard_normal(size).astype(dtype)


@needs_blas
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [2, 3, 8, 17, 64, 1_000, 10_001, 70_003])
def test_axpby_is_a_x_plus_b_y_within_its_bound(size: int, dtype: str) -> None:
    for start in (0, 1, 3):  # an odd place in memory as well
        x, y = vector(size + start, dtype)[start:], vector(size + start, dtype)[start:]
        a, b = np.array(-0.37, dtype), np.array(0.9, dtype)
        exact = float(a) * x.astype(np.longdouble) + float(b) * y.astype(np.longdouble)
        bound = np.finfo(dtype).eps * (abs(float(a) * x) + abs(float(b) * y))
        before = x.copy()
        updates.axpby(a, x, b, y)()
        assert (abs(y - exact) <= bound).all()
        assert same_bits(x, before)


@needs_blas
def test_axpby_reads_its_coefficients_anew_and_keeps_its_arrays_alive() -> None:
    a, y = np.array(1.0), np.zeros(SIZE)
    made = updates.axpby(a, np.full(SIZE, 2.0), np.array([0.5]), y)
    gc.collect()
    taken = [np.full(SIZE, -7.0) for _ in range(50)]  # where a freed vector would have lain
    made()
    a[()] = 10.0
    made()
    assert (y == 0.5 * 2.0 + 20.0).all()
    assert len(taken) == 50


@needs_blas
def test_a_coefficient_of_zero_leaves_its_vector_out() -> None:
    """As said in docs/engines.md: 0 times NaN is nothing here."""
    y = np.ones(SIZE)
    updates.axpby(np.array(0.0), np.full(SIZE, np.nan), np.array(0.5), y)()
    assert (y == 0.5).all()


#: (what replaces w, whether in one pass)
FORMS: dict[str, tuple[Callable[[Any, Any, Any], Any], bool]] = {
    "w - r g": (lambda w, g, r: w - r * g, True),
    "w + r g": (lambda w, g, r: w + r * g, True),
    "r g + w": (lambda w, g, r: r * g + w, True),
    "r g - w": (lambda w, g, r: r * g - w, True),
    "w - g r": (lambda w, g, r: w - g * r, True),
    "0.9 w + g": (lambda w, g, r: 0.9 * w + g, True),
    "g - 0.9 w": (lambda w, g, r: g - 0.9 * w, True),
    "r w + 0.1 g²": (lambda w, g, r: r * w + 0.1 * cr.square(g), True),
    "0.9 w - r g": (lambda w, g, r: 0.9 * w - r * g, True),
    "w - (r + 1) g": (lambda w, g, r: w - (r + 1.0) * g, True),
    "w - g: nothing is multiplied": (lambda w, g, r: w - g, False),
    "w - g g: no number": (lambda w, g, r: w - g * g, False),
    "w + r w: one vector": (lambda w, g, r: w + r * w, False),
    "(w - r g) 2: not the last call": (lambda w, g, r: (w - r * g) * 2.0, False),
    "w - r g, with w of another form": (lambda w, g, r: w[::-1] - r * g, False),
}


def passes(program: Program | Repeated) -> int:
    """How many of its calls are updates in one pass."""
    return program.source.count("axpby") - program.source.split("\n")[0].count("axpby")


def assert_as_defined(
    function: Any, arrays: dict[str, np.ndarray], replaces: dict[int, str]
) -> Any:
    """Three steps against plain NumPy, within some roundings; returns the program."""
    bound = {name: array.copy() for name, array in arrays.items()}
    graph = cr.trace(function, *arrays.values())
    program = Program(graph, bound, replaces)
    own = {name: array.copy() for name, array in arrays.items()}
    for _ in range(3):
        program.run()
        outputs = graph.evaluate(*own.values(), engine="reference")
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        for place, output in enumerate(outputs):
            np.testing.assert_allclose(program.outputs[place], output, rtol=1e-13, atol=1e-14)
        own |= {name: outputs[place] for place, name in replaces.items()}
    for name, array in own.items():
        np.testing.assert_allclose(bound[name], array, rtol=1e-13, atol=1e-14)
    return program


def three() -> dict[str, np.ndarray]:
    return {"w": vector(), "g": vector(), "r": np.array(0.3)}


@needs_blas
@pytest.mark.parametrize("name", FORMS)
def test_forms(name: str) -> None:
    function, is_one = FORMS[name]
    program = assert_as_defined(function, three(), {0: "w"})
    assert passes(program) == is_one
    if is_one:
        assert "copyto" not in program.source


SITUATIONS: dict[str, tuple[Callable[[Any, Any, Any], Any], dict[int, str]]] = {
    "the old value is read later": (
        lambda w, g, r: (w - r * g, cr.exp(w) + g),
        {0: "w", 1: "g"},
    ),
    "the old value is an output": (lambda w, g, r: (w - r * g, w), {0: "w", 1: "g"}),
    "the product is an output": (lambda w, g, r: (lambda p: (w - p, p))(r * g), {0: "w"}),
    "the product is read twice": (lambda w, g, r: (lambda p: (w - p, p + g))(r * g), {0: "w"}),
    "the new value is two outputs": (lambda w, g, r: (lambda n: (n, n))(w - r * g), {0: "w"}),
    "the new value is read": (
        lambda w, g, r: (lambda n: (n, cr.tanh(n) + g))(w - r * g),
        {0: "w", 1: "g"},
    ),
    "two, each of the other": (lambda w, g, r: (w - r * g, g - r * w), {0: "w", 1: "g"}),
    "two, each of the other, products first": (
        lambda w, g, r: (lambda p, q: (w - p, g - q))(r * g, r * w),
        {0: "w", 1: "g"},
    ),
    "an average of the old value, its product first": (
        lambda w, g, r: (lambda p: (w - r * cr.tanh(w), 0.9 * g + p))(r * w),
        {0: "w", 1: "g"},
    ),
    "in turn": (
        lambda w, g, r: (lambda n: (w - r * n, n))(0.9 * g + w),
        {0: "w", 1: "g"},
    ),
}


@needs_blas
@pytest.mark.parametrize("name", SITUATIONS)
def test_what_else_is_read_stays_right(name: str) -> None:
    function, replaces = SITUATIONS[name]
    assert_as_defined(function, three(), replaces)


@needs_blas
def test_what_is_not_a_vector_in_one_piece_is_left_to_numpy() -> None:
    graph = cr.trace(lambda w, g: w - 0.1 * g, np.zeros((4, 6)), np.zeros((4, 6)))
    for w, count in ((np.ones((4, 6)), 1), (np.ones((6, 4)).T, 0), (np.ones((4, 12))[:, ::2], 0)):
        program = Program(graph, {"w": w, "g": np.ones((4, 6))}, {0: "w"})
        program.run()
        assert passes(program) == count
        assert (w == 0.9).all()
    small = cr.trace(lambda w, g: w - 0.1 * g, np.zeros(7), np.zeros(7))
    assert not passes(Program(small, {"w": np.ones(7), "g": np.ones(7)}, {0: "w"}))


def test_without_openblas_numpy_makes_two_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "blas_function", lambda name: None)
    program = assert_as_defined(lambda w, g, r: w - r * g, three(), {0: "w"})
    assert not passes(program)
    assert "multiply" in program.source


@needs_blas
def test_a_rate_that_is_kept_or_fed_is_read_at_each_step() -> None:
    def step(w: Any, r: Any) -> Any:
        return w - (2.0 * r) * cr.sign(w), 2.0 * r

    graph = cr.trace(step, np.zeros(SIZE), np.array(0.0))
    w, kept = np.full(SIZE, 9.0), np.zeros(3)
    bound = {graph.input_names()[0]: w, "r": np.array(0.0)}
    steps = Repeated(graph, bound, {0: graph.input_names()[0]}, (), {1: kept}, fed="r")
    steps.run(iter(steps.rows), [0.5, 1.0, 0.25])
    assert kept.tolist() == [1.0, 2.0, 0.5]
    assert (w == 9.0 - 3.5).all()


@needs_blas
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adam_has_seven_passes_in_blocks_and_whole(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 64)
    adam = cr.Adam(0.01)
    results = []
    for size in (100, 300):  # one block, and five
        theta, g = np.linspace(-1, 1, size).astype(dtype), np.ones(size, dtype)
        state = adam.init(theta)
        names = [f"state {name}" for name in state]

        def step(theta: Any, g: Any, rate: Any, *state: Any, keys: Any = tuple(state)) -> Any:
            new, after = adam.step(theta, g, dict(zip(keys, state, strict=True)), rate)
            return new, *[after[key] for key in keys]

        arrays = {
            "theta": theta,
            "g": g,
            "rate": np.array(0.01),
            **dict(zip(names, state.values(), strict=True)),
        }
        graph = cr.trace(step, *arrays.values())
        bound = dict(zip(graph.input_names(), arrays.values(), strict=True))
        places = [0, *range(3, 3 + len(names))]
        program = Program(graph, bound, {i: graph.input_names()[p] for i, p in enumerate(places)})
        for _ in range(5):
            program.run()
        assert passes(program) == 3 + 3 * (size == 300), program.source
        results.append(theta)
    expected = np.linspace(-1, 1, 300).astype(dtype) - 5 * 0.01
    np.testing.assert_allclose(results[1], expected, rtol=1e-5, atol=1e-6)


@needs_blas
def test_planted_fault_a_lost_sign_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = updates._signed
    monkeypatch.setattr(
        updates,
        "_signed",
        lambda term, before: signed(updates.replace(term, is_negative=False), before),
    )
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        test_forms("w - r g")


@needs_blas
def test_planted_fault_a_product_that_others_read_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    term = updates._term
    monkeypatch.setattr(
        updates, "_term", lambda x, readers, late: term(x, dict.fromkeys(readers, 1), late)
    )
    with pytest.raises(AssertionError, match="a slot without memory is used"):
        test_what_else_is_read_stays_right("the product is read twice")
