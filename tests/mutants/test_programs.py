"""The generator: right programs are right, planted ones wrong, and both are of many kinds."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mutants.programs import (
    Program,
    differences,
    is_right,
    is_wrong,
    planted,
    right_programs,
    write_program,
)
from mutants.recipes import STYLES, Recipe, draw_recipe
from mutants.scoring import KINDS, difference, twins
from mutants.text import Line, Slip, changed, indented, slips_of, written

SMALL = Recipe(
    seed=4,
    style="dict",
    sizes=(3, 3, 1),
    m=6,
    columns=False,
    flipped=False,
    bias="vector",
    hidden=("tanh",),
    output="linear",
    loss="squared",
    factor=1,
    norm="m",
    norm_at="delta",
)


def with_slip(recipe: Recipe, kind: str, where: str | None = None) -> Program:
    """The recipe's program with the first slip of this kind (at this place)."""
    lines = write_program(recipe)
    slips = [s for s in slips_of(lines) if s.kind == kind and where in (None, s.where)]
    return Program(recipe, slips[0], written(lines, slips[0]))


def test_right_programs_are_right(tmp_path: Path) -> None:
    numbers = [p.recipe.seed for p in itertools.islice(right_programs(0, tmp_path), 120)]
    # Hardly any draw is unfit for use; is_right raises where a gradient is not the loss's.
    assert numbers[-1] < 130


def test_a_wrong_program_taken_for_right_is_found_out(tmp_path: Path) -> None:
    wrong = dataclasses.replace(with_slip(SMALL, "wrong sign"), slip=None)
    with pytest.raises(AssertionError, match="a program meant to be right is wrong:\nimport numpy"):
        is_right(wrong, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_planted_in_several_ways(kind: str, tmp_path: Path) -> None:
    found = list(itertools.islice(planted(kind, 0, tmp_path), 3))
    assert len({program.source for program in found}) == 3
    for program in found:
        assert program.slip is not None
        assert program.slip.kind == kind
        right = written(write_program(program.recipe))
        assert program.source != right
        assert difference(program)


def test_a_slip_of_no_effect_does_not_count(tmp_path: Path) -> None:
    alone = dataclasses.replace(SMALL, m=1)
    assert not is_wrong(with_slip(alone, "missing 1/m"), tmp_path)
    assert not is_wrong(with_slip(alone, "bias not summed", "b1 first sample"), tmp_path)
    assert is_wrong(with_slip(SMALL, "missing 1/m"), tmp_path)


def test_the_same_number_is_the_same_program() -> None:
    for number in range(40):
        first, second = (write_program(draw_recipe(number)) for _ in range(2))
        assert written(first) == written(second)
        assert slips_of(first) == slips_of(second)


def test_the_draws_are_various() -> None:
    recipes = [draw_recipe(number) for number in range(400)]
    met = Counter[object]()
    for recipe in recipes:
        met.update([recipe.style, recipe.depth, recipe.bias, recipe.dtype, *recipe.hidden])
        met.update([(recipe.output, recipe.loss), ("columns", recipe.columns)])
        met.update(["one sample"] * (recipe.m == 1))
        met.update(["m is a width"] * (recipe.m in recipe.sizes))
        met.update(["one unit"] * (1 in recipe.sizes[1:-1]))
        met.update(["square"] * any(a == b for a, b in itertools.pairwise(recipe.sizes)))
        met.update(["zeros"] * recipe.zeros + ["dead"] * recipe.dead)
        met.update(["dropout"] * (recipe.keep < 1) + ["skip"] * (recipe.skip > 1))
        met.update(["tied"] * recipe.tied + ["penalty"] * bool(recipe.penalty))
        met.update(["labels"] * recipe.labels + ["sum"] * (recipe.norm == "1"))
    wanted = [
        *STYLES, 1, 2, 3, 4, "none", "vector", "matrix", "float32", "float64", "sigmoid", "tanh",
        "relu", "leaky", ("linear", "squared"), ("sigmoid", "squared"), ("tanh", "squared"),
        ("softmax", "squared"), ("sigmoid", "cross_entropy"), ("softmax", "cross_entropy"),
        ("columns", True), "one sample", "m is a width", "one unit", "square", "zeros", "dead",
        "dropout", "skip", "tied", "penalty", "labels", "sum",
    ]  # fmt: skip
    assert [what for what in wanted if met[what] < 3] == []


def test_the_text_is_what_a_person_would_write() -> None:
    source = written(write_program(SMALL))
    assert "def loss(p):" in source
    assert "def gradients(p):" in source
    assert with_slip(SMALL, "transposed").source != source
    line = difference(with_slip(SMALL, "activation derivative missing"))
    removed, added = line.split("\n")
    assert removed.startswith("-     ")
    assert "(1 - " in removed or "tanh" in removed
    assert "(1 - " not in added
    assert "tanh" not in added


def test_twins_give_the_very_same_numbers(tmp_path: Path) -> None:
    two = dataclasses.replace(SMALL, m=2)
    assert "factor 2" in twins(with_slip(two, "missing 1/m", "everywhere"), tmp_path)
    three = dataclasses.replace(SMALL, m=3)
    assert "factor 2" not in twins(with_slip(three, "missing 1/m", "everywhere"), tmp_path)


def test_at_a_kink_the_gradient_is_taken_beside_it(tmp_path: Path) -> None:
    gates = dataclasses.replace(
        SMALL, sizes=(2, 3, 1), m=4, hidden=("relu",), zeros=True, bias="matrix"
    )
    true = differences(Program(gates, None, written(write_program(gates))).load(tmp_path))
    assert true is not None
    assert true.moved
    smooth = differences(Program(SMALL, None, written(write_program(SMALL))).load(tmp_path))
    assert smooth is not None
    assert not smooth.moved


def test_differences_are_those_of_the_loss(tmp_path: Path) -> None:
    """On a network without a hidden layer, against the formula of least squares."""
    recipe = dataclasses.replace(SMALL, sizes=(3, 1), hidden=(), bias="none")
    program = Program(recipe, None, written(write_program(recipe)))
    loaded = program.load(tmp_path)
    space: dict[str, np.ndarray] = {}
    exec(program.source, space)
    true = differences(loaded)
    assert true is not None
    (weight,) = loaded.arrays()
    data, targets = (
        next(space[name] for name in names if name in space)
        for names in (("X", "x", "inputs"), ("y", "Y", "t", "T", "targets"))
    )
    wanted = data.T @ (data @ weight - targets) / recipe.m
    np.testing.assert_allclose(true.gradient[0], wanted, rtol=1e-7)


def test_lines_move_and_change_with_all_their_slips() -> None:
    slip = Slip("wrong sign", "W1")
    other = Slip("transposed", "W1")
    lines = [Line("a = b", {slip: "a = -b"}), Line(None, {slip: "c = d"})]
    assert written(indented(lines), slip) == "    a = -b\n    c = d\n"
    assert written(indented(lines), other) == written(indented(lines)) == "    a = b\n"
    assert written(changed(lines, str.upper), slip) == "A = -B\nC = D\n"
    assert str(slip) == "wrong sign (W1)"
    assert str(Slip("scaled")) == "scaled"
