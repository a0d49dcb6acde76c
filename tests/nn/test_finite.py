"""Is every number finite? Every place is looked at, by one thread and by two."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.nn import finite


@pytest.fixture(params=["each entry", "a sum", "products", "products by two threads"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The four ways, whatever the size."""
    monkeypatch.setattr(finite, "FEW", 100 if request.param == "a sum" else 0)
    if request.param == "each entry":
        monkeypatch.setattr(finite, "SHARES", {})
    monkeypatch.setattr(finite, "MANY", 0 if "threads" in request.param else 100)
    monkeypatch.setattr(finite, "cores", lambda: 2)
    return str(request.param)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("others", [0.0, -2.0, np.finfo(np.float32).max])
@pytest.mark.parametrize("size", [1, 2, 3, 8, 9])
def test_one_entry_that_is_not_finite_is_seen_in_every_place(
    size: int, others: float, bad: float
) -> None:
    data = np.full(size, others, np.float32)
    assert finite.all_finite(data)
    for place in range(size):
        spoilt = data.copy()
        spoilt[place] = bad
        assert not finite.all_finite(spoilt)


@pytest.mark.usefixtures("way")
def test_what_is_not_finite_does_not_cancel() -> None:
    assert not finite.all_finite(np.array([np.inf, np.inf, 1.0, -1.0]))
    assert not finite.all_finite(np.array([np.inf, 1.0, 1.0, 1.0, -np.inf]))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_so_many_of_the_largest_floats_are_finite(
    kind: type[np.floating], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(np, "isfinite", None)
    for size in (1, 1000, finite.FEW - 1):
        assert finite.is_finite(np.full((1, size), np.finfo(kind).max, kind))
        assert finite.is_finite(np.full(size, np.finfo(kind).smallest_subnormal, kind))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_sizes_about_the_one_where_the_way_changes(kind: type[np.floating], more: int) -> None:
    data = np.full(finite.FEW + more, np.finfo(kind).max, kind)
    assert finite.is_finite(data)
    for place in (0, len(data) // 2, -1):
        spoilt = data.copy()
        spoilt[place] = np.nan
        assert not finite.is_finite(spoilt)


@pytest.mark.parametrize("kind", ["float16", ">f4", "float32", "float64", "longdouble"])
def test_every_kind_and_layout(kind: str) -> None:
    data = np.full((40, 6), 3, kind)
    for part in (data, data[::3], data.T, data[:, 1:3], data[:0], data[0, 0]):
        assert finite.is_finite(part)
    data[9, 2] = np.inf
    data[12, 1] = -np.inf
    for part in (data, data[::3], data.T, data[:, 1:3], data[9, 2]):
        assert not finite.is_finite(part)


def test_whole_numbers_are_finite() -> None:
    for kind in ("int64", "uint8", "bool"):
        assert finite.is_finite(np.ones((3, 4), kind))


def test_two_threads_look_at_large_arrays_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    monkeypatch.setattr(finite, "MANY", 30_000)
    monkeypatch.setattr(finite, "cores", lambda: 2)
    monkeypatch.setattr(finite, "_both_sum_up", lambda flat: looked.append(flat.size) or True)
    assert finite.all_finite(np.zeros(20_000), np.zeros((300, 100)))
    assert looked == [30_000]
