"""Random numbers as a function of a key: the same key gives the same numbers on every engine.

A generator with hidden state cannot stand in a graph. Here each entry is a hash of its place, of
the key (an input of the graph, another one at each step) and of the stream (one per layer).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import DtypeError, OptionError, ShapeError
from chainrule.graph.apply import apply
from chainrule.graph.op import Array, Op, Shape, public


@dataclass(frozen=True, slots=True, repr=False)
class Uniform(Op):
    """Independent numbers, uniform in [0, 1) in steps of 2^-24, from a key of two uint32.

    Several keys, in an array (..., 2), give that many arrays, each what its key alone would give.

    Each place is hashed twice, with half of the key mixed in before each round. The rounds are the
    32-bit bijection "lowbias32" (C. Wellons, hash prospector, 2018; constants of the 2022 search).
    """

    to: Shape
    stream: int = 0
    dtype_name: str = "float32"
    name, is_open, has_symbol = "uniform", False, False
    latex = r"\operatorname{{uniform}}({0})"
    code = "uniform({0}, {to}, {stream}, '{dtype_name}')"
    helper = """
def uniform(key, shape, stream, dtype):
    def mixed(x):
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD)
        x = (x ^ (x >> np.uint32(15))) * np.uint32(0xD35A2D97)
        return x ^ (x >> np.uint32(15))

    salt = np.uint32((stream * 0x9E3779B9 + 0x7F4A7C15) & 0xFFFFFFFF)
    places = np.arange(np.prod(shape), dtype=np.uint32)
    bits = mixed(mixed(places ^ (key[..., :1] ^ salt)) ^ key[..., 1:])
    unit = (bits >> np.uint32(8)).astype(dtype) * np.dtype(dtype).type(2.0**-24)
    return unit.reshape((*key.shape[:-1], *shape))
"""

    def value(self, xp: Any, key: Any) -> Any:
        places = xp.arange(math.prod(self.to), dtype=np.uint32)
        salt = np.uint32((self.stream * 0x9E3779B9 + 0x7F4A7C15) & 0xFFFFFFFF)
        bits = _mixed(places ^ (key[..., :1] ^ salt))
        bits = _mixed(bits ^ key[..., 1:])
        unit = xp.astype(bits >> np.uint32(8), np.dtype(self.dtype_name))
        return xp.reshape(unit * unit.dtype.type(2.0**-24), self.shape(key.shape))

    def shape(self, *x: Shape) -> Shape:
        if x[0][-1:] != (2,):
            raise ShapeError(f"uniform needs a key of two uint32 (shape (2,)), got {x[0]}.")
        return (*x[0][:-1], *self.to)

    def dtype(self, *x: np.dtype[Any]) -> np.dtype[Any]:
        return np.dtype(self.dtype_name)

    def pull(self, g: Any, y: Any, key: Any) -> tuple[Any, ...]:
        return (None,)

    def to_onnx(self, xp: Any, *x: Any) -> Any:
        raise OptionError(
            "uniform draws the random numbers of training, which ONNX has no operator for. Export "
            "the prediction, where nothing is drawn: net.export(path), or net.graph() without loss."
        )

    def batched(self, stacked: tuple[bool, ...], *x: Any) -> Any:
        return apply(self, *x)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Iterator[tuple[Op, tuple[Array, ...]]]:
        yield cls((3, 4)), (rng.integers(0, 2**32, 2, dtype=np.uint32),)
        yield cls((4,)), (rng.integers(0, 2**32, (3, 2), dtype=np.uint32),)


def _mixed(x: Any) -> Any:
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0xD35A2D97)
    return x ^ (x >> np.uint32(15))


@public
def uniform(key: Any, shape: Shape, *, stream: int = 0, dtype: Any = "float32") -> Any:
    """Numbers uniform in [0, 1), decided by ``key`` (two uint32) and ``stream`` alone.

    Raises:
        DtypeError: the key is not of uint32.
    """
    key = key if hasattr(key, "dtype") else np.asarray(key, dtype=np.uint32)
    if key.dtype != np.uint32:
        raise DtypeError(f"uniform needs a key of two uint32, got {key.dtype}.")
    return apply(Uniform(tuple(shape), int(stream), np.dtype(dtype).name), key)
