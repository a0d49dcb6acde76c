"""Clouds of points in two or more dimensions, for pictures of decision regions.

Each function returns ``(X, y)``: X float64 (n, features) and y int64 (n,). Rows are shuffled and
the classes are balanced: their sizes differ by one at most. The same seed gives the same bits.
"""

from __future__ import annotations

import math
import operator

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import OptionError

Cloud = tuple[NDArray[np.float64], NDArray[np.int64]]
Seed = int | np.random.Generator


def moons(n: int = 200, noise: float = 0.1, seed: Seed = 0) -> Cloud:
    """Two interleaved half circles of radius 1.

    Class 0 is (cos t, sin t), class 1 is (1 - cos t, 1/2 - sin t), with t evenly from 0 to pi.

    Args:
        n: number of points, at least 2.
        noise: standard deviation of the normal noise added to both coordinates.
        seed: a non-negative integer, or a generator, which is advanced.

    Raises:
        OptionError: a number out of its range.
    """
    sizes = _class_sizes("moons", n, 2)
    noise = _not_negative("moons", "noise", noise)
    rng = generator("moons", seed)
    outer, inner = (np.linspace(0.0, np.pi, size) for size in sizes)
    parts = [
        np.column_stack([np.cos(outer), np.sin(outer)]),
        np.column_stack([1.0 - np.cos(inner), 0.5 - np.sin(inner)]),
    ]
    return _shuffled(parts, noise, rng)


def circles(n: int = 200, noise: float = 0.05, factor: float = 0.5, seed: Seed = 0) -> Cloud:
    """A circle of radius 1 (class 0) around one of radius ``factor`` (class 1).

    Args:
        n: number of points, at least 2.
        noise: standard deviation of the normal noise added to both coordinates.
        factor: radius of the inner circle, between 0 and 1, both excluded.
        seed: a non-negative integer, or a generator, which is advanced.

    Raises:
        OptionError: a number out of its range.
    """
    sizes = _class_sizes("circles", n, 2)
    noise = _not_negative("circles", "noise", noise)
    factor = _not_negative("circles", "factor", factor)
    if not 0.0 < factor < 1.0:
        raise OptionError(f"circles: factor must lie between 0 and 1, both excluded, got {factor}.")
    rng = generator("circles", seed)
    parts = []
    for radius, size in zip((1.0, factor), sizes, strict=True):
        t = np.linspace(0.0, 2.0 * np.pi, size, endpoint=False)
        parts.append(radius * np.column_stack([np.cos(t), np.sin(t)]))
    return _shuffled(parts, noise, rng)


def spirals(n: int = 300, classes: int = 3, noise: float = 0.2, seed: Seed = 0) -> Cloud:
    """Arms that wind 4 radians around the origin while their radius grows from 0 to 1.

    Arm k is r (sin a, cos a) with r evenly from 0 to 1 and a = 2 pi k / classes + 4 r + noise.

    Args:
        n: number of points, at least one for each class.
        classes: number of arms, at least 2.
        noise: standard deviation of the normal noise on the angle, in radians.
        seed: a non-negative integer, or a generator, which is advanced.

    Raises:
        OptionError: a number out of its range.

    Source: the spiral of the Stanford course CS231n (Karpathy), with arms evenly spread.
    """
    sizes = _class_sizes("spirals", n, classes)
    noise = _not_negative("spirals", "noise", noise)
    rng = generator("spirals", seed)
    parts = []
    for k, size in enumerate(sizes):
        r = np.linspace(0.0, 1.0, size)
        angle = 2.0 * np.pi * k / len(sizes) + 4.0 * r + noise * rng.standard_normal(size)
        parts.append(r[:, None] * np.column_stack([np.sin(angle), np.cos(angle)]))
    return _shuffled(parts, 0.0, rng)


def blobs(
    n: int = 300, classes: int = 3, features: int = 2, spread: float = 1.0, seed: Seed = 0
) -> Cloud:
    """Round normal clouds whose centres are drawn evenly from the box [-10, 10]^features.

    Args:
        n: number of points, at least one for each class.
        classes: number of clouds, at least 2.
        features: number of columns, at least 1.
        spread: standard deviation of every cloud in every direction.
        seed: a non-negative integer, or a generator, which is advanced.

    Raises:
        OptionError: a number out of its range.
    """
    sizes = _class_sizes("blobs", n, classes)
    features = _whole("blobs", "features", features, least=1)
    spread = _not_negative("blobs", "spread", spread)
    rng = generator("blobs", seed)
    centres = rng.uniform(-10.0, 10.0, (len(sizes), features))
    parts = [np.tile(centre, (size, 1)) for centre, size in zip(centres, sizes, strict=True)]
    return _shuffled(parts, spread, rng)


def generator(where: str, seed: Seed) -> np.random.Generator:
    """The generator that a seed stands for; a generator stands for itself.

    Raises:
        OptionError: neither a non-negative integer nor a generator.
    """
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(_whole(where, "seed", seed, least=0))


def _shuffled(parts: list[NDArray[np.float64]], noise: float, rng: np.random.Generator) -> Cloud:
    X = np.concatenate(parts)
    y = np.repeat(np.arange(len(parts)), [len(part) for part in parts]).astype(np.int64)
    X = X + noise * rng.standard_normal(X.shape)
    order = rng.permutation(len(X))
    return X[order], y[order]


def _class_sizes(where: str, n: int, classes: int) -> list[int]:
    classes = _whole(where, "classes", classes, least=2)
    n = _whole(where, "n", n, least=classes, why=f", one for each of {classes} classes")
    return [n // classes + (k < n % classes) for k in range(classes)]


def _whole(where: str, name: str, value: object, *, least: int, why: str = "") -> int:
    try:
        # True is an integer to Python; as a number of points it is a slip.
        whole = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        whole = None
    if whole is None or whole < least:
        raise OptionError(
            f"{where}: {name} must be a whole number of at least {least}{why}, got {value!r}."
        )
    return whole


def _not_negative(where: str, name: str, value: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0.0):
        raise OptionError(f"{where}: {name} must be a finite number of at least 0, got {value!r}.")
    return number
