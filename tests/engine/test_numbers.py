"""Single numbers by Python's arithmetic: the bits of NumPy's, and what NumPy is left with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.engine import numbers
from chainrule.engine.calls import Call, Slot, viewed
from chainrule.engine.numpy_engine import Program
from chainrule.engine.reference import ReferenceProgram

X = np.arange(600.0)
DOUBLES = st.floats(width=64)


def both(function: Any, *arguments: Any, replaces: dict[int, str] | None = None) -> list[Any]:
    """For the NumPy engine and the reference: the program, run three times, and its memory."""
    graph = cr.trace(function, *arguments)
    found = []
    for kind in (Program, ReferenceProgram):
        bound = {n: np.array(x) for n, x in zip(graph.input_names(), arguments, strict=True)}
        program = kind(graph, bound, replaces or {})
        with np.errstate(all="ignore"):
            for _ in range(3):
                program.run()
        found.append((program, [*program.outputs, *bound.values()]))
    return found


def same_bits(found: list[Any]) -> None:
    (_, ours), (_, theirs) = found
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.all(np.signbit(a) == np.signbit(b)), "0 and -0 differ"


def chain(x: Any, y: Any, z: Any) -> Any:
    a = x * y + z
    b = cr.sqrt(a - x) / (y - z)
    c = -cr.square(b) / x
    return a, b, c, c - a / z


@given(DOUBLES, DOUBLES, DOUBLES)
def test_any_numbers_give_numpys_bits(x: float, y: float, z: float) -> None:
    found = both(chain, x, y, z)
    signs = [not np.isnan(a) for a in found[1][1]]  # a NaN's sign says nothing
    for ours, theirs, known in zip(found[0][1], found[1][1], signs, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert not known or np.signbit(ours) == np.signbit(theirs)


def test_they_are_written_without_calls_of_numpy() -> None:
    (program, _), _ = found = both(chain, 2.0, 3.0, 5.0)
    for name in ("multiply(", "add(", "subtract(", "negative(", "square(", "divide(", "sqrt("):
        assert name not in program.source
    same_bits(found)


def test_what_is_replaced_is_written_back_every_time_and_passes_see_it() -> None:
    """Adam's powers: each step makes the next one's, and a pass reads what follows from them."""

    def step(power: Any, x: Any) -> Any:
        power = power * 0.9
        return power, x * (1.0 - power) - x / (1.0 - power * 0.5)

    found = both(step, 1.0, X, replaces={0: "power"})
    same_bits(found)
    assert found[0][1][-2] == pytest.approx(0.9**3)
    assert found[0][0].source.count("multiply(") == 1  # of x


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_cast_rounds_before_what_reads_it(dtype: str) -> None:
    def step(x: Any, v: Any) -> Any:
        short = (x * 0.1).astype(dtype)
        return -short, v * -short, short.astype("float64") + x

    same_bits(both(step, 1 / 3, X.astype(dtype)))


def test_a_view_of_a_number_has_its_value() -> None:
    """What was computed is written into memory after all, so a view's memory is not read."""
    x, product, total = (Slot((), np.dtype(float)) for _ in range(3))
    view = viewed(product, (), "reshape", ((),), True)
    calls = [
        Call("ufunc", np.multiply, (x, x), product),
        Call("ufunc", np.add, (view, x), total),
    ]
    arrays = {slot: np.zeros(()) for slot in (x, product, total)}
    arrays[view] = arrays[product].reshape(())
    written = numbers.lines(calls, arrays, lambda kind, thing: kind)
    assert written == ["n0 = item()", "n1 = n0 * n0", "n2 = n1 + n0", "fill(n1)", "fill(n2)"]


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_other_numbers_are_left_to_numpy(dtype: str) -> None:
    x = np.array(7, dtype)
    (program, _), _ = found = both(lambda x: (x * x - x) * x, x)
    assert "multiply(" in program.source
    same_bits(found)


def test_a_result_that_is_never_written_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault."""
    write = numbers._Writer.write

    def forgetful(self: Any, calls: Any) -> None:
        write(self, calls)
        self.lines = [line for line in self.lines if not line.startswith("fill")]

    monkeypatch.setattr(numbers._Writer, "write", forgetful)
    with pytest.raises(AssertionError, match="not equal"):
        test_what_is_replaced_is_written_back_every_time_and_passes_see_it()


@pytest.mark.parametrize("operation", [np.divide, np.sqrt, np.subtract])
def test_a_wrong_line_is_found(operation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault in each kind of line."""
    monkeypatch.setitem(numbers.ARITHMETIC, operation, ("{0} + 1.0",))
    with pytest.raises(AssertionError):
        same_bits(both(chain, 2.0, 3.0, 5.0))
