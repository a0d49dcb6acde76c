"""The larger of many entries and one number: the same bits with a row, in whatever memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_checks import assert_engines_agree, assert_programs_agree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_graphs import cases, same_bits

import chainrule as cr
from chainrule.engine import Program, Repeated, beside, blocks, loop

RNG = np.random.default_rng(5)
quietly = settings(
    deadline=None, max_examples=100, suppress_health_check=list(HealthCheck), derandomize=True
)


@pytest.fixture
def short_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "LONGEST", 5)
    monkeypatch.setattr(beside, "SHORTEST", 1)


@pytest.mark.usefixtures("short_rows")
@quietly
@given(cases())
def test_random_graphs(case: Any) -> None:
    assert_engines_agree(case.graph, case.arrays)


@pytest.mark.usefixtures("short_rows")
@quietly
@given(cases(), st.sampled_from([None, 0, 1]))
def test_random_programs(case: Any, bind: int | None) -> None:
    assert_programs_agree(case, bind=bind)


def special(*shape: int, dtype: str = "float32") -> np.ndarray:
    """Numbers among which are all kinds that a comparison could get wrong."""
    x = RNG.standard_normal(shape).astype(dtype)
    x.reshape(-1)[:6] = [np.nan, -np.inf, np.inf, 0.0, -0.0, 0.5]
    return x


USED = ("maximum(", "minimum(")


def rows_of(function: Any, x: np.ndarray) -> list[tuple[int, ...]]:
    """Run the function, see that the bits are NumPy's, and return the shapes that are read."""
    bound = {"x": x.copy()}
    program = Program(cr.trace(function, x), bound, {})
    program.run()
    expected = cr.trace(function, x).evaluate(x, engine="reference")
    assert same_bits(program.outputs[0], expected)
    assert same_bits(bound["x"], x)
    names = [line for line in program.source.split("\n") if line.strip().startswith(USED)]
    inside = [name.strip(" )") for line in names for name in line.split("(")[1].split(",")]
    return [program.names[name].shape for name in inside if not name.startswith("out")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("number", [0, 0.5, -1.0, np.inf])
@pytest.mark.parametrize("op", [cr.maximum, cr.minimum])
def test_the_bits_are_those_of_the_number(op: Any, number: float, dtype: str) -> None:
    for shape in [(6,), (40,), (7, 9), (512, 128), (3, 8209), (8209, 10), (1, 1, 50), (2, 0)]:
        x = special(*shape, dtype=dtype) if np.prod(shape) else np.zeros(shape, dtype)
        rows_of(lambda x: op(x, number), x)
        rows_of(lambda x: op(number, x), x)


def test_which_rows() -> None:
    def rows(*shape: int) -> list[tuple[int, ...]]:
        return rows_of(lambda x: cr.maximum(x, 0.5), special(*shape))

    assert rows(512, 128) == [(8, 8192), (8192,)]
    assert rows(3, 40) == [(1, 120), (120,)]
    assert rows(100, 1000) == [(16, 6250), (6250,)]
    assert rows(8209, 10) == [(8209, 10), ()]  # 8209 is prime: a row would have 10 entries
    assert rows(2, 8209) == [(2, 8209), (8209,)]
    assert rows(12) == [(12,), ()]


def test_what_does_not_lie_in_order_gets_a_row_of_its_last_axis() -> None:
    x = special(60, 50)
    turned = rows_of(lambda x: cr.minimum(cr.transpose(x), 0.5) + 1.0, x)
    assert turned == [(50, 60), (60,)]


def test_what_is_handed_in_at_each_run_gets_a_row_of_its_last_axis() -> None:
    for shape, row in (((60, 50), (50,)), ((500, 6), ())):
        x = special(*shape)
        program = Program(cr.trace(lambda x: cr.maximum(x, 0.5), x))
        (found,) = program.run(x)
        assert same_bits(found, np.maximum(x, np.float32(0.5)))
        (number,) = [a for a in program.names.values() if getattr(a, "shape", None) == row]
        assert (number == 0.5).all()


def test_a_number_that_changes_is_read_anew() -> None:
    arrays = {"x": special(64, 64), "low": np.array(0.1, "float32")}
    program = Program(cr.trace(lambda x, low: cr.maximum(x, low), *arrays.values()), arrays, {})
    for low in (0.1, 0.7):
        arrays["low"][()] = low
        program.run()
        assert same_bits(program.outputs[0], np.maximum(arrays["x"], np.float32(low)))


@pytest.mark.parametrize("size", [6, 7, 9, 20])
@pytest.mark.parametrize("threads", [1, 3])
def test_in_blocks(size: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 3)
    monkeypatch.setattr(loop, "cores", lambda: threads)
    monkeypatch.setattr(loop, "threads", lambda: threads)
    arrays = {name: RNG.standard_normal(size).astype("float32") for name in "wg"}

    def step(w: Any, g: Any) -> Any:
        return w - cr.clip(g, -0.25, 0.25) * cr.maximum(w, 0.25)

    expected = arrays["w"]
    for _ in range(2):
        held = np.minimum(np.maximum(arrays["g"], np.float32(-0.25)), np.float32(0.25))
        expected = expected - held * np.maximum(expected, np.float32(0.25))
    repeated = Repeated(cr.trace(step, *arrays.values()), arrays, {0: "w"}, (), {})
    repeated.run(iter([(), ()]))
    assert same_bits(arrays["w"], expected)
    assert ("for p0" in repeated.source) == (threads == 1)
