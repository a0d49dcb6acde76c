"""Programs as files: written, loaded, and measured by differences of their own loss."""

from __future__ import annotations

import copy
import itertools
import random
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mutants.layouts import write
from mutants.loops import write_loop
from mutants.objects import write_objects
from mutants.recipes import Recipe, draw_recipe
from mutants.recurrent import write_recurrent
from mutants.spelling import DATA_NAMES, Spelling
from mutants.text import Lines, Slip, changed, slips_of, written

WRITERS: dict[str, Callable[[Recipe, Spelling], Lines]] = {
    "loop": write_loop,
    "objects": write_objects,
    "recurrent": write_recurrent,
}
#: Mistakes that can only be seen if the gradients are a function.
NEEDS_FUNCTION = {"stale cache", "argument written into", "not deterministic"}


@dataclass(frozen=True)
class Program:
    """A program's source, and the mistake that was planted in it (None: none)."""

    recipe: Recipe
    slip: Slip | None
    source: str

    def load(self, folder: Path) -> Loaded:
        """Run the program from a file of its own, as a person would."""
        path = folder / f"net_{self.recipe.seed}_{zlib.crc32(self.source.encode())}.py"
        path.write_text(self.source, encoding="utf-8")
        space: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
        exec(compile(self.source, str(path), "exec"), space)
        backward = space.get("backward", space["gradients"])
        asked = (space["loss"], space["parameters"], space["gradients"])
        if self.as_object:
            data = next((space[x], space[t]) for x, t in DATA_NAMES if {x, t} <= set(space))
            asked = (space["net"], data)
        return Loaded(space["loss"], space["parameters"], backward, asked)

    @property
    def as_object(self) -> bool:
        """Whether the judge gets an object with its data, and no functions."""
        stale = self.slip is not None and self.slip.kind == "stale cache"  # seen by calls alone
        return self.recipe.style == "class" and self.recipe.seed % 3 == 0 and not stale


@dataclass(frozen=True)
class Loaded:
    """A program that has run. ``asked`` is what the judge is given."""

    loss: Callable[[Any], Any]
    parameters: Any
    backward: Callable[[Any], Any]
    asked: tuple[Any, ...]

    def theirs(self, arrays: list[np.ndarray] | None = None) -> list[np.ndarray]:
        """The program's own gradients, in the order of the parameters; at other ones, if given."""
        np.random.seed(0)
        at = copy.deepcopy(self.parameters) if arrays is None else self.like_theirs(arrays)
        given = self.backward(at)
        if isinstance(given, dict):
            given = [given[key] for key in self.parameters]
        return [np.asarray(array, np.float64) for array in given]

    def like_theirs(self, arrays: list[np.ndarray]) -> Any:
        """Copies of these arrays in the program's own form: a dict or a list."""
        arrays = [array.copy() for array in arrays]
        if isinstance(self.parameters, dict):
            return dict(zip(self.parameters, arrays, strict=True))
        return arrays

    def arrays(self) -> list[np.ndarray]:
        """The parameters in float64."""
        given = self.parameters
        values = given.values() if isinstance(given, dict) else given
        return [np.array(value, np.float64) for value in values]

    def loss_of(self, arrays: list[np.ndarray]) -> float:
        """The loss at these parameters, with NumPy's global generator put back for each call."""
        np.random.seed(0)
        return float(self.loss(self.like_theirs(arrays)))


def write_program(recipe: Recipe) -> Lines:
    """The lines of the recipe's program, with every way to mistype them."""
    say = Spelling(recipe)
    lines = WRITERS.get(recipe.style, write)(recipe, say)
    return changed(lines, fraction_first) if say.fraction_first else lines


def fraction_first(text: str) -> str:
    """(1 / m) * ... for ... / m, where that is the whole right side."""
    return re.sub(r"^(\s*[\w.\[\]'\"{}]+ = )([^+]*) / m$", r"\1(1 / m) * (\2)", text)


# What is right


@dataclass(frozen=True)
class Truth:
    """The gradient by differences of the program's own loss, and where it was taken.

    ``moved``: at the program's parameters the loss has a kink (ReLU at exactly zero), so it was
    taken a little beside them, where there is one gradient and no doubt.
    """

    at: list[np.ndarray]
    gradient: list[np.ndarray]
    moved: bool

    @property
    def scale(self) -> float:
        """The largest number in it."""
        return max(float(np.abs(array).max(initial=0.0)) for array in self.gradient)

    def holds(self, theirs: list[np.ndarray], tolerance: float) -> bool:
        """Whether these gradients have the right shapes and numbers."""
        return same(theirs, self.gradient, tolerance * self.scale)


def same(one: list[np.ndarray], other: list[np.ndarray], room: float) -> bool:
    """Whether both have the same numbers, in shapes that differ by axes of length 1 at most."""
    pairs = [(a.squeeze(), b.squeeze()) for a, b in zip(one, other, strict=True)]
    return all(a.shape == b.shape and bool(np.all(np.abs(a - b) <= room)) for a, b in pairs)


def differences(loaded: Loaded) -> Truth | None:
    """The gradient of the program's loss, by calls of the loss alone.

    None where it is of no use: no smooth place found, not finite, or as good as zero.
    """
    arrays = loaded.arrays()
    rng = np.random.default_rng(0)
    for step in range(5):
        beside = [array + (step > 0) * 0.01 * rng.standard_normal(array.shape) for array in arrays]
        gradient = smooth_gradient(loaded, beside)
        if gradient is not None:
            truth = Truth(beside, gradient, step > 0)
            return truth if np.isfinite(truth.scale) and truth.scale > 1e-6 else None
    return None


def smooth_gradient(loaded: Loaded, arrays: list[np.ndarray]) -> list[np.ndarray] | None:
    """Central differences; None where the slopes from the left and from the right differ."""
    h = 1e-5
    at = loaded.loss_of(arrays)
    gradient = []
    for array in arrays:
        slopes = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            kept = array[index]
            f = {}
            for k in (-2, -1, 1, 2):
                array[index] = kept + k * h
                f[k] = loaded.loss_of(arrays)
            array[index] = kept
            # Three points a side: the error of each slope is of the order h².
            right = (-3 * at + 4 * f[1] - f[2]) / (2 * h)
            left = (3 * at - 4 * f[-1] + f[-2]) / (2 * h)
            slopes[index] = (f[1] - f[-1]) / (2 * h)
            if abs(right - left) > 1e-5 * (1 + abs(slopes[index])):
                return None
        gradient.append(slopes)
    return gradient


# Drawing


def right_program(number: int, folder: Path) -> Program | None:
    """The program number ``number`` without a mistake. None: its numbers are not fit for use."""
    recipe = draw_recipe(number)
    program = Program(recipe, None, written(write_program(recipe)))
    return program if is_right(program, folder) else None


def is_right(program: Program, folder: Path) -> bool:
    """Whether the program's gradient is that of its loss. Every right program must be."""
    loaded = program.load(folder)
    true = differences(loaded)
    if true is None:
        return False
    float32 = program.recipe.dtype == "float32"
    if not true.holds(loaded.theirs(true.at), 1e-3 if float32 else 1e-5):
        # y - t leaves out the guard in the logarithm: wrong where the network is sure and mistaken.
        if program.recipe.guard:
            return False
        raise AssertionError(f"a program meant to be right is wrong:\n{program.source}")
    return True


def is_wrong(program: Program, folder: Path) -> bool:
    """Whether the planted mistake makes a difference that can be seen."""
    assert program.slip is not None
    loaded = program.load(folder)
    if program.slip.kind == "not deterministic":
        arrays = loaded.arrays()
        return loaded.loss_of(arrays) != loaded.loss_of(arrays)
    true = differences(loaded)
    if true is None:
        return False
    theirs = loaded.theirs(true.at)
    if not all(np.isfinite(array).all() for array in theirs):
        return False
    tolerance = 1e-2 if program.recipe.dtype == "float32" else 1e-4
    if true.holds(theirs, tolerance):
        return False
    # Beside a kink it is wrong: it must be so at the kink too, where the judge looks.
    right = Program(program.recipe, None, written(write_program(program.recipe))).load(folder)
    return not true.moved or not same(loaded.theirs(), right.theirs(), tolerance * true.scale)


def planted(kind: str, seed: int, folder: Path) -> Iterator[Program]:
    """Programs with one mistake of this kind, one after the other, for ever."""
    # Each kind has recipes of its own: a recipe that the judge cannot cope with counts once.
    start = seed * 1_000_000 + 10_000 + zlib.crc32(kind.encode()) % 900_000
    for number in itertools.count(start):
        recipe = draw_recipe(number)
        if recipe.style == "arrays" and kind in NEEDS_FUNCTION:
            continue
        lines = write_program(recipe)
        slips = [slip for slip in slips_of(lines) if slip.kind == kind]
        if not slips:
            continue
        slip = random.Random(number).choice(slips)
        program = Program(recipe, slip, written(lines, slip))
        if is_wrong(program, folder):
            yield program


def right_programs(seed: int, folder: Path) -> Iterator[Program]:
    """Programs without a mistake, one after the other, for ever."""
    for number in itertools.count(seed * 1_000_000):
        program = right_program(number, folder)
        if program is not None:
            yield program
