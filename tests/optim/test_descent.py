from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.check import numerical_gradient
from chainrule.errors import DtypeError, GradientError, OptionError, ShapeError
from chainrule.graph.tensor import tensor
from chainrule.optim.descent import gradient_descent

END = [-6.11110793e-10, 8.14814391e-10]


def bowl(x: Any) -> Any:
    return x[0] ** 2 + x[1] ** 2


def double(x: np.ndarray) -> np.ndarray:
    return 2 * x


@pytest.mark.parametrize("gradient", [double, lambda x: numerical_gradient(bowl, x, h=1e-4)])
def test_the_textbook_bowl(gradient: Any) -> None:
    path = gradient_descent(bowl, np.array([-3.0, 4.0]), rate=0.1, steps=100, gradient=gradient)
    np.testing.assert_allclose(path.end, END, rtol=1e-8)
    assert path.points.shape == (101, 2)
    assert path.values.shape == (101,)
    assert path.points[0].tolist() == [-3, 4]
    np.testing.assert_allclose(path.points[1], [-2.4, 3.2], rtol=1e-9)
    assert path.values[0] == 25
    assert np.all(np.diff(path.values) < 0)


def test_the_default_gradient_is_the_recorded_one() -> None:
    path = gradient_descent(bowl, [-3.0, 4.0])
    np.testing.assert_allclose(path.end, END, rtol=1e-8)


def test_too_small_a_rate_hardly_moves() -> None:
    path = gradient_descent(bowl, [-3.0, 4.0], rate=1e-10, gradient=double)
    np.testing.assert_allclose(path.end, [-2.99999994, 3.99999992], rtol=1e-9)


def test_too_large_a_rate_is_named_with_its_step() -> None:
    with pytest.raises(
        GradientError,
        match=r"f became NaN or infinite in step 120: the descent diverged\. "
        r"Try a smaller rate, such as 1 instead of 10",
    ):
        gradient_descent(bowl, [-3.0, 4.0], rate=10.0, steps=200, gradient=double)


def test_a_gradient_that_is_not_finite_is_named() -> None:
    with pytest.raises(GradientError, match="the gradient became NaN or infinite in step 1:"):
        gradient_descent(bowl, [1.0, 1.0], gradient=lambda x: x * np.nan)
    with pytest.raises(GradientError, match="f is NaN or infinite at x0 itself; start somewhere"):
        gradient_descent(lambda x: np.log(x[0]), [-1.0, 1.0], gradient=double)
    with pytest.raises(GradientError, match="x0 holds NaN or infinity"):
        gradient_descent(bowl, [np.nan, 1.0], gradient=double)


def test_tolerance_stops_early_and_zero_never_does() -> None:
    path = gradient_descent(bowl, [-3.0, 4.0], gradient=double, tolerance=1e-3)
    assert np.max(np.abs(double(path.end))) <= 1e-3 < np.max(np.abs(double(path.points[-2])))
    assert len(path.points) == len(path.values) < 101
    resting = gradient_descent(bowl, [0.0, 0.0], gradient=double, steps=5)
    assert resting.points.shape == (6, 2)


def test_shapes_and_dtypes_are_kept() -> None:
    single = gradient_descent(lambda x: x**2, 3.0, gradient=double, steps=2)
    assert single.points.shape == (3,)
    assert single.end == pytest.approx(3 * 0.8**2)
    assert single.end.shape == ()
    narrow = gradient_descent(
        lambda x: np.sum(x**2),
        np.ones((2, 3), np.float32),
        gradient=lambda x: 2.0 * x.astype(np.float64),
        steps=4,
    )
    assert narrow.points.dtype == np.float32
    assert narrow.points.shape == (5, 2, 3)
    assert gradient_descent(bowl, [1.0, 2.0], gradient=double, steps=0).end.tolist() == [1, 2]


def test_a_function_that_writes_into_its_argument_does_no_harm() -> None:
    def careless(x: np.ndarray) -> float:
        x *= x
        return float(x.sum())

    def careless_gradient(x: np.ndarray) -> np.ndarray:
        x *= 2
        return x

    x0 = np.array([-3.0, 4.0])
    path = gradient_descent(careless, x0, gradient=careless_gradient)
    np.testing.assert_allclose(path.end, END, rtol=1e-8)
    assert x0.tolist() == [-3, 4]


def test_the_path_cannot_be_changed_but_its_end_is_the_users() -> None:
    path = gradient_descent(bowl, [-3.0, 4.0], gradient=double)
    with pytest.raises(ValueError, match="read-only"):
        path.points[0, 0] = 1
    end = path.end
    end[0] = 7
    assert path.points[-1, 0] != 7


@pytest.mark.parametrize("x0", [np.array([-3, 4]), [-3, 4], np.array([True]), np.int64(3)])
def test_integers_are_refused(x0: object) -> None:
    with pytest.raises(
        DtypeError, match=r"a descent takes steps smaller than 1. Write x0.astype\("
    ):
        gradient_descent(bowl, x0, gradient=double)


def test_other_mistakes_are_explained() -> None:
    with pytest.raises(DtypeError, match="x0 must be an array of floats, got complex128"):
        gradient_descent(bowl, [1j, 2.0], gradient=double)
    with pytest.raises(GradientError, match=r"an array of shape \(2,\). Perhaps a sum"):
        gradient_descent(lambda x: x**2, [1.0, 2.0], gradient=double)
    with pytest.raises(ShapeError, match=r"the gradient has shape \(\), x0 has \(2,\)"):
        gradient_descent(bowl, [1.0, 2.0], gradient=lambda x: 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 0.0}, "rate must be a positive number such as 0.1, got 0.0"),
        ({"rate": np.nan}, "rate must be a positive number such as 0.1, got nan"),
        ({"rate": "fast"}, "rate must be a positive number such as 0.1, got 'fast'"),
        ({"steps": -1}, "steps must be a whole number, 0 or more, got -1"),
        ({"steps": 1.5}, "steps must be a whole number, 0 or more, got 1.5"),
        ({"tolerance": -1}, "tolerance must be 0 or a positive number, got -1"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        gradient_descent(bowl, [1.0, 2.0], gradient=double, **options)


def test_a_function_written_with_chainrules_ops_may_return_a_tensor() -> None:
    path = gradient_descent(
        lambda x: tensor(bowl(x)), [-3.0, 4.0], gradient=lambda x: tensor(2 * x)
    )
    np.testing.assert_allclose(path.end, END, rtol=1e-8)


def test_a_gradient_is_a_function_too() -> None:
    with pytest.raises(
        OptionError, match="gradient_descent needs gradient to be a function, got nd"
    ):
        gradient_descent(lambda x: (x**2).sum(), [1.0], gradient=np.ones(1))  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="gradient_descent needs f to be a function, got int"):
        gradient_descent(3, [1.0])  # type: ignore[arg-type]
