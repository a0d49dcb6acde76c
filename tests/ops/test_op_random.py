"""uniform against the same hash in Python's whole numbers, and against what uniform means."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

MASK = 0xFFFFFFFF


def mixed(x: int) -> int:
    """lowbias32, as it is published."""
    x ^= x >> 16
    x = x * 0x21F0AAAD & MASK
    x ^= x >> 15
    x = x * 0xD35A2D97 & MASK
    return x ^ x >> 15


def by_hand(key: tuple[int, int], stream: int, places: int) -> list[float]:
    salt = (stream * 0x9E3779B9 + 0x7F4A7C15) & MASK
    bits = [mixed(mixed(place ^ key[0] ^ salt) ^ key[1]) for place in range(places)]
    return [(word >> 8) / 2**24 for word in bits]


@pytest.mark.parametrize("key", [(0, 0), (1, 2), (MASK, 0x80000000)])
@pytest.mark.parametrize("stream", [0, 1, 77])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bits_are_the_hash(key: tuple[int, int], stream: int, dtype: str) -> None:
    drawn = cr.uniform(np.array(key, np.uint32), (3, 5), stream=stream, dtype=dtype)
    assert drawn.dtype == dtype
    assert drawn.ravel().tolist() == by_hand(key, stream, 15)


def test_it_is_uniform_and_streams_are_independent() -> None:
    key = np.array([3, 4], np.uint32)
    a, b = (cr.uniform(key, (200_000,), stream=s, dtype="float64") for s in (0, 1))
    assert a.min() >= 0.0
    assert a.max() < 1.0
    counts = np.histogram(a, 50, (0.0, 1.0))[0]
    # The statistic of 49 degrees of freedom passes 94 once in ten thousand times.
    assert np.sum((counts - 4000) ** 2 / 4000) < 94
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.01
    assert abs(np.corrcoef(a[1:], a[:-1])[0, 1]) < 0.01


def test_a_key_of_another_kind_is_refused() -> None:
    with pytest.raises(cr.errors.DtypeError, match=r"a key of two uint32, got int64"):
        cr.uniform(np.array([1, 2]), (3,))
    with pytest.raises(cr.errors.ShapeError, match=r"a key of two uint32 .*got \(3,\)"):
        cr.trace(lambda k: cr.uniform(k, (2,)), np.zeros(3, np.uint32))
