"""Products in parts: which are cut, that nothing is left out, that the numbers are the same."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.engine import kernels
from chainrule.engine.numpy_engine import Program


@pytest.fixture
def small_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a processor whose kernels for small products OpenBLAS has, on one thread."""
    monkeypatch.setattr(kernels, "kernels", lambda: "SkylakeX")
    monkeypatch.setattr(kernels, "blas_threads", lambda: 1)


def count(left: np.ndarray, right: np.ndarray, is_alone: bool = False) -> int:
    return len(kernels.parts_of(left, right, is_alone))


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


@pytest.mark.usefixtures("small_kernels")
def test_which_products_are_cut() -> None:
    assert count(zeros(100, 784).T, zeros(100, 100)) == 9  # a gradient of weights
    assert count(zeros(100, 784), zeros(784, 100)) == 9  # few columns
    assert count(zeros(32, 512), zeros(512, 128)) == 3  # few rows
    assert count(zeros(100, 512), zeros(512, 128)) == 1  # neither
    assert count(zeros(100, 784), zeros(100, 784).T) == 1  # a transposed right factor
    assert count(zeros(100, 100), zeros(100, 100)) == 1  # small as it is
    assert count(zeros(128, 784).T, zeros(128, 1000)) == 1  # parts would have fewer than 12 rows
    assert count(zeros(512, 512).T, zeros(512, 128)) == 1  # large, and parts would have 12 rows
    assert count(zeros(512, 96).T, zeros(512, 128)) == 8  # not large
    assert count(zeros(512, 512).T, zeros(512, 64)) == 22  # parts have 24 rows
    assert count(zeros(512, 512).astype("d").T, zeros(512, 128).astype("d")) == 43
    assert count(zeros(0, 5), zeros(5, 0)) == 1
    assert count(zeros(100), zeros(100, 100)) == 1


@pytest.mark.usefixtures("small_kernels")
def test_large_products_are_left_to_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    large, small = (zeros(100, 784).T, zeros(100, 100)), (zeros(100, 200).T, zeros(100, 100))
    monkeypatch.setattr(kernels, "blas_threads", lambda: 8)
    assert count(*large) == 1
    assert count(*large, is_alone=True) == 9
    assert count(*small) == 3


@pytest.mark.parametrize("name", [None, "Haswell", "Zen"])
def test_other_kernels_are_left_alone(name: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "kernels", lambda: name)
    assert count(zeros(100, 784).T, zeros(100, 100)) == 1


@given(
    rows=st.integers(1, 900), terms=st.integers(1, 300), columns=st.integers(1, 300),
    turned=st.booleans(),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_parts_are_all_rows_once_and_each_is_small(
    rows: int, terms: int, columns: int, turned: bool
) -> None:
    left = zeros(terms, rows).T if turned else zeros(rows, terms)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "kernels", lambda: "SkylakeX")
        found = kernels.parts_of(left, zeros(terms, columns), True)
    assert np.concatenate([np.arange(rows)[part] for part in found]).tolist() == list(range(rows))
    if len(found) > 1:
        sizes = [(part.stop - part.start) * terms * columns for part in found]
        assert max(sizes) <= kernels.MOST_MULTIPLICATIONS
        assert all((part.stop - part.start) % kernels.ROUND_ROWS == 0 for part in found[:-1])


def test_the_library_is_asked_or_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels.kernels() is None or kernels.kernels().isalnum()
    assert kernels.blas_threads() >= 1
    kernels.blas_function.cache_clear()
    kernels.kernels.cache_clear()
    monkeypatch.delitem(sys.modules, "numpy._core._multiarray_umath")
    try:
        assert kernels.kernels() is None
        assert kernels.blas_threads() == 1
    finally:
        kernels.blas_function.cache_clear()
        kernels.kernels.cache_clear()


def products(dtype: str) -> tuple[Program, list[np.ndarray]]:
    """x @ w and x.T @ d as a planned program with everything bound, and its arrays."""
    rng = np.random.default_rng(4)
    shapes = {"x": (90, 300), "w": (300, 64), "d": (90, 70)}
    arrays = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}

    def both(x: Any, w: Any, d: Any) -> Any:
        return x @ w, x.T @ d

    graph = cr.trace(both, *arrays.values())
    return Program(graph, dict(zip(graph.input_names(), arrays.values(), strict=True))), [
        *arrays.values()
    ]


def error(program: Program, arrays: list[np.ndarray]) -> float:
    """The largest error, in units of 2 n ε |A| @ |B|, which any order of adding keeps to."""
    for found in program.outputs:
        found.fill(1e9)  # or what is forgotten may hold what was computed there before
    program.run()
    x, w, d = (array.astype(np.float64) for array in arrays)
    eps = np.finfo(arrays[0].dtype).eps
    return max(
        float(
            np.max(np.abs(found - left @ right) / (2 * len(right) * eps * abs(left) @ abs(right)))
        )
        for found, left, right in zip(program.outputs, (x, x.T), (w, d), strict=True)
    )


@pytest.mark.usefixtures("small_kernels")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_planned_product_in_parts_is_the_product(dtype: str) -> None:
    program, arrays = products(dtype)
    assert program.source.count("_dot(") == 2  # x[rows] lie together, x.T[rows] do not
    assert program.source.count("matmul(") == 2
    assert error(program, arrays) < 1.0


@pytest.mark.parametrize(
    ("rows", "columns", "called"),
    [(100, 100, "_dot("), (300, 200, "matmul("), (90_000, 1, "_dot(")],
)
def test_dot_does_not_fill_a_large_result_with_zeros_first(
    rows: int, columns: int, called: str
) -> None:
    rng = np.random.default_rng(2)
    x, w = rng.normal(size=(rows, 20)), rng.normal(size=(20, columns)).squeeze()
    program = Program(cr.trace(lambda x, w: x @ w, x, w), {"x": x, "w": w})
    assert called in program.source.splitlines()[1]
    program.run()
    np.testing.assert_allclose(program.outputs[0], x @ w, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("small_kernels")
def test_a_forgotten_part_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = kernels.parts_of
    monkeypatch.setattr(
        "chainrule.engine.source.parts_of",
        lambda left, right, is_alone: [*whole(left, right, is_alone)[:-1], slice(0, 1)],
    )
    program, arrays = products("float64")
    assert error(program, arrays) > 1.0
