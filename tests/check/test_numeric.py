from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from chainrule.check import numerical_gradient
from chainrule.errors import DataError, DtypeError, GradientError, OptionError
from chainrule.graph.tensor import tensor


def bowl(x: Any) -> Any:
    return x[0] ** 2 + x[1] ** 2


def smooth(x: np.ndarray) -> Any:
    return np.sum(np.sin(x) * np.exp(x / 2)) + np.prod(x)


def smooth_gradient(x: np.ndarray) -> np.ndarray:
    return np.cos(x) * np.exp(x / 2) + np.sin(x) * np.exp(x / 2) / 2 + np.prod(x) / x


def test_the_very_digits_of_the_textbook() -> None:
    assert numerical_gradient(lambda x: x**2 + 16, 3.0, h=1e-4) == 6.00000000000378
    assert numerical_gradient(lambda x: 9 + x**2, 4.0, h=1e-4) == 7.999999999999119
    assert str(numerical_gradient(bowl, np.array([3.0, 4.0]), h=1e-4)) == "[6. 8.]"
    assert str(numerical_gradient(bowl, np.array([0.0, 2.0]), h=1e-4)) == "[0. 4.]"


@pytest.mark.parametrize("shape", [(1,), (4,), (2, 3), (2, 1, 3), (0,)])
@pytest.mark.parametrize(("method", "tolerance"), [("central", 1e-9), ("complex", 1e-14)])
def test_both_methods_on_any_shape(shape: tuple[int, ...], method: str, tolerance: float) -> None:
    x = np.random.default_rng(0).uniform(0.5, 2.0, shape)
    found = numerical_gradient(smooth, x, method=method)
    assert found.shape == shape
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, smooth_gradient(x), rtol=tolerance)


@pytest.mark.parametrize("x", [1e-6, 1.0, 1e3, 1e8])
def test_the_default_step_suits_small_and_large_numbers(x: float) -> None:
    assert numerical_gradient(lambda x: x**2, x) == pytest.approx(2 * x, rel=1e-5, abs=1e-11)


def test_numbers_go_in_as_numbers_and_come_out_as_floats() -> None:
    found = numerical_gradient(math.sin, 1.0)  # math.sin takes no arrays of one axis
    assert type(found) is float
    assert found == pytest.approx(math.cos(1.0), rel=1e-9)
    assert type(numerical_gradient(lambda x: x**2, np.float32(3))) is float
    # A Python int is no integer array: 3 + h keeps h.
    assert numerical_gradient(lambda x: x**2 + 16, 3, h=1e-4) == 6.00000000000378
    zero_d = numerical_gradient(lambda x: x**2, np.array(3.0))
    assert isinstance(zero_d, np.ndarray)
    assert zero_d.shape == ()


def test_float32_points_are_computed_in_float64() -> None:
    seen: list[np.dtype[Any]] = []

    def f(x: np.ndarray) -> Any:
        seen.append(x.dtype)
        return np.sum(x**3)

    found = numerical_gradient(f, np.array([1.0, 2.0], np.float32))
    assert found.dtype == np.float64
    assert set(seen) == {np.dtype(np.float64)}
    np.testing.assert_allclose(found, [3, 12], rtol=1e-9)


def test_a_function_that_answers_in_float32_gets_a_larger_step() -> None:
    x = np.array([1.0, 2.0])
    found = numerical_gradient(lambda x: np.sum(x.astype(np.float32) ** 3), x)
    np.testing.assert_allclose(found, [3, 12], rtol=1e-3)
    with_small_step = numerical_gradient(lambda x: np.sum(x.astype(np.float32) ** 3), x, h=6e-6)
    assert np.max(np.abs(with_small_step - [3, 12])) > 10 * np.max(np.abs(found - [3, 12]))


@pytest.mark.parametrize("method", ["central", "complex"])
def test_the_input_is_never_changed(method: str) -> None:
    def careless(x: np.ndarray) -> Any:
        x *= 2
        return np.sum(x**2)

    x = np.array([[3.0, 4.0]])
    found = numerical_gradient(careless, x, method=method)
    np.testing.assert_allclose(found, [[24, 32]], rtol=1e-8)
    assert x.tolist() == [[3, 4]]


def test_the_complex_step_bears_a_function_that_cancels() -> None:
    def f(x: Any) -> Any:
        return np.exp(x) / (np.sin(x) ** 3 + np.cos(x) ** 3) ** 0.5 + 1e8

    exact = numerical_gradient(lambda x: f(x) - 1e8, np.array(1.5), method="complex")
    assert numerical_gradient(f, np.array(1.5), method="complex") == exact
    assert abs(numerical_gradient(f, np.array(1.5)) - exact) > 1e-6


@pytest.mark.parametrize("x", [np.array([3, 4]), [3, 4], np.array([True, False]), np.array(3)])
@pytest.mark.parametrize("method", ["central", "complex"])
def test_integers_are_refused(x: object, method: str) -> None:
    with pytest.raises(
        DtypeError,
        match=r"x \+ h is lost in an integer array: .* at \[3, 4\] came out as \[25000, 35000\]. "
        r"Write x.astype\(float\), or \[3., 4.\] instead of \[3, 4\].",
    ):
        numerical_gradient(bowl, x, method=method)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (["a"], DtypeError, "x must be an array of floats, got str"),
        ([1j], DtypeError, "x must be an array of floats, got complex128"),
        (True, DtypeError, "x is an array of bool"),
        ([[1.0], [1.0, 2.0]], DtypeError, "its rows have unequal lengths"),
        ([1.0, np.nan], DataError, "x holds NaN or infinity"),
    ],
)
def test_points_that_are_no_floats(x: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        numerical_gradient(np.sum, x)


@pytest.mark.parametrize("method", ["central", "complex"])
def test_a_function_must_return_one_number(method: str) -> None:
    with pytest.raises(GradientError, match=r"returned an array of shape \(2,\). Perhaps a sum"):
        numerical_gradient(lambda x: x**2, [3.0, 4.0], method=method)
    with pytest.raises(GradientError, match=r"returned an array of shape \(1,\)"):
        numerical_gradient(lambda x: x, [3.0], method=method)


def test_what_a_function_must_not_return() -> None:
    with pytest.raises(GradientError, match="must return a real number, it returned bool"):
        numerical_gradient(lambda x: x[0] > 0, [3.0])
    with pytest.raises(GradientError, match="must return a real number, it returned object"):
        numerical_gradient(lambda x: None, [3.0])
    with pytest.raises(GradientError, match="f returned nan at x itself"):
        numerical_gradient(lambda x: math.nan, [3.0])
    with pytest.raises(GradientError, match=r"f returned \(?nan\+0j\)? at x.*\(x\[0\] = 3\)"):
        numerical_gradient(lambda x: complex(math.nan, 0), [3.0], method="complex")


def test_a_function_that_ends_beside_x_is_named_with_the_element() -> None:
    def f(x: np.ndarray) -> float:
        return math.inf if x[0, 1] < 0 else 1.0

    with pytest.raises(
        GradientError,
        match=r"f returned inf with x\[0, 1\] moved by -0.0001 to -0.0001. .* both sides of x",
    ):
        numerical_gradient(f, np.zeros((1, 2)), h=1e-4)


def test_a_whole_number_from_the_function_is_fine() -> None:
    assert numerical_gradient(lambda x: 7, [3.0, 4.0]).tolist() == [0, 0]


def test_a_step_lost_in_rounding_is_not_a_gradient_of_zero() -> None:
    with pytest.raises(
        GradientError, match=r"the step h=1e-20 is lost in rounding: x\[1\] = 4 does not change"
    ):
        numerical_gradient(bowl, [0.0, 4.0], h=1e-20)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: np.sum(np.abs(x)), "f dropped it: given complex numbers, it returned float64"),
        (lambda x: np.sum(x.real), "f dropped it"),
        (lambda x: math.exp(x[0]), r"cannot take them \(Casting complex values to real"),
        (lambda x: np.sum(x.astype(float)), r"cannot take them \(Casting complex values to real"),
        (lambda x: np.arctan2(x, 1.0).sum(), r"cannot take them .* Use method='central'\."),
    ],
)
def test_what_the_complex_step_cannot_do(f: Any, message: str) -> None:
    with pytest.raises(GradientError, match=message):
        numerical_gradient(f, [3.0, 4.0], method="complex")


@pytest.mark.parametrize("h", [0.0, -1e-4, math.nan, math.inf, "small", True])
def test_a_wrong_step_is_explained(h: Any) -> None:
    with pytest.raises(OptionError, match="h must be a positive number such as 1e-4, got"):
        numerical_gradient(bowl, [3.0, 4.0], h=h)


def test_a_wrong_method_is_explained() -> None:
    with pytest.raises(OptionError, match=r"'centre' is not known. Did you mean 'central'\?"):
        numerical_gradient(bowl, [3.0, 4.0], method="centre")


def test_a_function_written_with_chainrules_ops_may_return_a_tensor() -> None:
    found = numerical_gradient(lambda x: tensor(np.sum(x**2)), [3.0, 4.0])
    np.testing.assert_allclose(found, [6, 8], rtol=1e-9)


def test_what_is_no_function_is_explained() -> None:
    with pytest.raises(OptionError, match="numerical_gradient needs f to be a function, got float"):
        numerical_gradient(4.0, 2.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("f", "said"), [
    (lambda x: np.vdot(x, x), r"gives the slope 0 along a direction in which f rises by -?\d"),
    (lambda x: np.sum(x**2) + np.sum(np.abs(x)), "f is not analytic. abs, vdot, real and conj"),
    (lambda x: np.sum(x * np.conj(x) * (1 + x)), "Use method='central'."),
], ids=["vdot", "abs beside a square", "conjugate"])  # fmt: skip
def test_a_function_that_is_not_analytic_is_told_by_differences(f: Any, said: str) -> None:
    with pytest.raises(GradientError, match=said):
        numerical_gradient(f, [3.0, 4.0], method="complex")


@pytest.mark.parametrize("f", [
    lambda x: np.sum(np.sin(1e7 * x)),  # differences see nothing of it
    lambda x: np.sum(np.exp(x)) + 1e12,  # nor of this, for rounding
    lambda x: np.sum(x**20),
    lambda x: np.sum(np.sqrt(x - 3.0 + 1e-12)),  # no number on the left
    lambda x: np.sum(np.fft.ifft(np.fft.fft(x) ** 2)),  # complex of real numbers
], ids=["fast", "large", "steep", "edge", "complex"])  # fmt: skip
def test_differences_that_are_no_good_refuse_nothing(f: Any) -> None:
    with np.errstate(all="ignore"):
        assert np.isfinite(numerical_gradient(f, [3.0, 4.0], method="complex")).all()
