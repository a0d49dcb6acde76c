"""The chain of layers: which arrays are weights, which are biases, and of what shape they stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hand_programs import given, names

from chainrule.doctor.byhand.chain import chain, fresh, weights, widened
from chainrule.doctor.byhand.given import program_of
from chainrule.doctor.byhand.prescriptions import zero_biases
from chainrule.doctor.byhand.probes import Probes

#: Biases of one row, as tutorials write them.
ROWS = (
    ("np.zeros(10)", "np.zeros((1, 10))"),
    ('"b3": np.zeros(3)', '"b3": np.zeros((1, 3))'),
    ("d1.sum(axis=0)", "d1.sum(axis=0, keepdims=True)"),
    ("d2.sum(axis=0)", "d2.sum(axis=0, keepdims=True)"),
    ("d3.sum(axis=0)", "d3.sum(axis=0, keepdims=True)"),
)
CHAINS: dict[str, tuple[int, dict[str, Any], str]] = {
    "flat": (4, {"W1": (4, 8), "b1": 8, "W2": (8, 1), "b2": 1}, "W1+b1 W2+b2"),
    "rows": (4, {"W1": (4, 8), "b1": (1, 8), "W2": (8, 1), "b2": (1, 1)}, "W1+b1 W2+b2"),
    "at the end": (4, {"W1": (4, 8), "W2": (8, 1), "b1": (1, 8), "b2": (1, 1)}, "W1+b1 W2+b2"),
    "ahead": (4, {"b1": (1, 8), "W1": (4, 8), "b2": (1, 3), "W2": (8, 3)}, "W1+b1 W2+b2"),
    "one input": (1, {"W1": (1, 8), "b1": (1, 8), "W2": (8, 1), "b2": (1, 1)}, "W1+b1 W2+b2"),
    "one unit": (4, {"W1": (4, 1), "b1": (1, 1), "W2": (1, 1), "b2": (1, 1)}, "W1+b1 W2+b2"),
    "one flat unit": (4, {"W1": (4, 1), "W2": (1, 1), "b1": 1, "b2": 1}, "W1+b1 W2+b2"),
    "one layer": (4, {"W": (4, 1), "b": (1, 1)}, "W+b"),
    "of one size": (4, {"W1": (4, 4), "b1": (1, 4), "W2": (4, 4), "b2": (1, 4)}, "W1+b1 W2+b2"),
    "no biases": (4, {"W1": (4, 1), "W2": (1, 3)}, "W1 W2"),
    "one bias": (4, {"W1": (4, 8), "W2": (8, 3), "b2": (1, 3)}, "W1 W2+b2"),
    "no chain": (4, {"W1": (8, 4), "b1": (8, 1)}, ""),
}


def _arrays(shapes: dict[str, Any]) -> dict[str, Any]:
    return {name: np.ones(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("name", CHAINS)
def test_weights_and_their_biases(name: str) -> None:
    inputs, shapes, told = CHAINS[name]
    found = chain(_arrays(shapes), inputs)
    assert " ".join(x.weight + (f"+{x.bias}" if x.bias else "") for x in found) == told


def test_what_is_made_anew_keeps_its_shape() -> None:
    p = _arrays({"W1": (4, 1), "b1": (1, 1), "W2": (1, 3), "b2": (1, 3)})
    layers = chain(p, 4)
    drawn = fresh(p, layers, 0)
    assert {name: array.shape for name, array in drawn.items()} == {
        n: a.shape for n, a in p.items()
    }
    assert [name for name, array in drawn.items() if not array.any()] == ["b1", "b2"]
    wide = widened(p, layers, 0)
    assert [wide[name].shape for name in p] == [(4, 32), (1, 32), (32, 3), (1, 3)]


def test_without_a_chain_a_row_after_its_weight_is_a_bias() -> None:
    p = _arrays({"E": (9, 5), "e": (1, 5), "W": (7, 2), "b": (1, 2), "V": (1, 6)})
    assert chain(p, 4) == ()
    assert weights(p, ()) == {"E", "W", "V"}


def test_zero_biases_keep_the_weights_and_their_shape() -> None:
    program = program_of(**given(*ROWS, ("np.zeros((1, 10))", "np.full((1, 10), -8.0)")))
    repair: Any = zero_biases(Probes(program, lambda line: None))
    p = repair.apply(program).parameters
    assert p["b1"].shape == (1, 10)
    assert not any(p[name].any() for name in ("b1", "b2", "b3"))
    assert all(np.array_equal(p[name], program.parameters[name]) for name in ("W1", "W2", "W3"))


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        ((("np.zeros((1, 10))", "np.full((1, 10), -8.0)"),), "dead_biases"),
        ((("rng.normal(size=", "30 * rng.normal(size="),), "weights_too_large"),
        ((("rng.normal(size=", "0.0 * rng.normal(size="),), "zero_weights"),
        (
            (("size=(2, 10)", "size=(2, 1)"), ("size=(10, 10)", "size=(1, 1)"),
             ("np.zeros((1, 10))", "np.zeros((1, 1))"), ("size=(10, 3)", "size=(1, 3)")),
            "too_few_units",
        ),
        ((), None),
    ],
)  # fmt: skip
def test_the_cause_is_named_with_biases_of_one_row(edits: Any, told: str | None) -> None:
    assert names(*ROWS, *edits)[:1] == ([] if told is None else [told])
