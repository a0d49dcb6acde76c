from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import torch
from scipy.special import erf

from chainrule.errors import DataError, DtypeError, OptionError, ShapeError
from chainrule.nn.initializers import (
    NAMED,
    Constant,
    Normal,
    Uniform,
    default_for,
    fans,
    initialize,
    initializer,
)

SHAPE = (300, 500)
VARIANCE = {
    "zeros": 0.0,
    "uniform": 0.1**2 / 12,
    "normal": 0.05**2,
    "glorot_uniform": 2 / 800,
    "glorot_normal": 2 / 800,
    "wide_uniform": 4 * 2 / 800,
    "he_uniform": 2 / 300,
    "he_normal": 2 / 300,
    "lecun_uniform": 1 / 300,
    "lecun_normal": 1 / 300,
}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def start(spec: object, shape: tuple[int, ...] = (2, 3), dtype: str = "float64") -> np.ndarray:
    return initialize(spec, shape, rng(), dtype, "W1")


def test_the_table_of_variances_speaks_of_every_name() -> None:
    assert set(VARIANCE) == set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_a_named_initializer_has_its_variance_and_mean_zero(name: str) -> None:
    values = initializer(name)(SHAPE, rng())
    assert values.shape == SHAPE
    assert values.dtype == np.float64
    # 150,000 draws: the variance is known to about 0.4 %, the mean to 0.26 % of the deviation.
    assert np.var(values) == pytest.approx(VARIANCE[name], rel=0.02)
    assert abs(np.mean(values)) <= 0.012 * math.sqrt(VARIANCE[name])


@pytest.mark.parametrize("name", [name for name in NAMED if name.endswith("uniform")])
def test_a_uniform_initializer_fills_its_range_and_stays_inside(name: str) -> None:
    largest = np.max(np.abs(initializer(name)(SHAPE, rng())))
    bound = math.sqrt(3 * VARIANCE[name])
    assert 0.999 * bound < largest <= bound


@pytest.mark.parametrize("name", [name for name in NAMED if name.endswith("normal")])
def test_a_normal_initializer_is_not_truncated(name: str) -> None:
    values = initializer(name)(SHAPE, rng()) / math.sqrt(VARIANCE[name])
    assert np.mean(np.abs(values) > 2) == pytest.approx(0.0455, rel=0.05)


@pytest.mark.parametrize("name", NAMED)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(name: str) -> None:
    first, again = (initializer(name)((4, 5), rng(7)) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    other = initializer(name)((4, 5), rng(8))
    assert (other.tobytes() == first.tobytes()) == (name == "zeros")


def test_bounds_agree_with_pytorch() -> None:
    weight = torch.empty(SHAPE[1], SHAPE[0])  # PyTorch stores (outputs, inputs)
    torch.nn.init.xavier_uniform_(weight, generator=torch.Generator().manual_seed(0))
    ours = initializer("glorot_uniform")(SHAPE, rng())
    assert float(weight.abs().max()) == pytest.approx(np.max(np.abs(ours)), rel=1e-3)
    torch.nn.init.kaiming_uniform_(
        weight, nonlinearity="relu", generator=torch.Generator().manual_seed(0)
    )
    ours = initializer("he_uniform")(SHAPE, rng())
    assert float(weight.abs().max()) == pytest.approx(np.max(np.abs(ours)), rel=1e-3)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((), (1, 1)), ((7,), (7, 7)), ((3, 4), (3, 4)), ((5, 5, 3, 8), (75, 200))],
)
def test_fans(shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    assert fans(shape) == expected


def test_a_weight_without_elements_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"shape \(0, 3\) has an axis without elements"):
        start("glorot_uniform", (0, 3))


def test_parametric_initializers() -> None:
    assert np.all(Constant(0.5)((2, 3), rng()) == 0.5)
    drawn = Uniform(2.0, 3.0)(SHAPE, rng())
    assert 2 <= drawn.min() < drawn.max() <= 3
    drawn = Normal(5.0, 0.1)(SHAPE, rng())
    assert np.mean(drawn) == pytest.approx(5, abs=0.01)
    assert np.std(drawn) == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(math.nan), "Constant needs a finite number for value, got nan"),
        (lambda: Uniform(1.0, 0.0), r"Uniform needs low <= high, got low=1.0, high=0.0; swap"),
        (lambda: Uniform("a", 1.0), "Uniform needs a finite number for low, got 'a'"),
        (lambda: Normal(std=-1.0), "Normal needs std >= 0, got std=-1.0"),
        (lambda: initializer(math.inf), "finite number for value, got inf"),
        (lambda: initializer("he_norml"), "'he_norml' is not known. Did you mean 'he_normal'?"),
        (lambda: initializer("constant"), "needs its value: give the number itself, such as 0.5"),
        (lambda: initializer(None), "a name, a number or a function .*, got NoneType"),
        (lambda: initializer(True), "got bool"),
        (lambda: initializer(np.zeros(2)), "got ndarray. For given values write: lambda shape"),
        (lambda: initializer(Normal), r"Normal is a class; give one made from it: Normal\(...\)"),
        (lambda: initializer(lambda shape: 0), r"<lambda> must take two arguments, \(shape, rng\)"),
    ],
)
def test_wrong_specs_are_explained(make: object, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("number", [0.5, 2, np.float32(0.5), np.int64(3)])
def test_a_number_is_a_constant(number: float) -> None:
    values = start(number)
    assert values.tolist() == [[float(number)] * 3] * 2


def test_a_user_function_is_called_with_the_shape_and_the_generator() -> None:
    values = start(lambda shape, rng: rng.random(shape), dtype="float32")
    assert values.dtype == np.float32
    assert np.array_equal(values, np.random.default_rng(0).random((2, 3)).astype(np.float32))


def test_lists_and_integers_are_welcome() -> None:
    assert start(lambda shape, rng: [[1, 2, 3], [4, 5, 6]]).tolist() == [[1, 2, 3], [4, 5, 6]]


def test_a_function_that_hides_its_signature_is_believed_and_checked() -> None:
    # A compiled function such as this one tells inspect nothing.
    with pytest.raises(ValueError, match="no signature found"):
        inspect.signature(max)
    assert initializer(max) is max


def test_the_users_own_array_is_copied() -> None:
    mine = np.ones((2, 3))
    start(lambda shape, rng: mine)[0, 0] = 5
    assert mine[0, 0] == 1


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (
            lambda shape, rng: np.ones((3, 2)),
            ShapeError,
            r"initializer <lambda> for W1 returned shape \(3, 2\), expected \(2, 3\); use",
        ),
        (lambda shape, rng: 1.0, ShapeError, r"returned shape \(\), expected \(2, 3\)"),
        (lambda shape, rng: [[1], [1, 2]], ShapeError, r"unequal lengths, expected \(2, 3\)"),
        (lambda shape, rng: None, DtypeError, "returned NoneType, expected an array of numbers"),
        (lambda shape, rng: np.ones(shape, bool), DtypeError, "returned bool, expected"),
        (lambda shape, rng: np.ones(shape, complex), DtypeError, "returned complex128, expected"),
        (
            lambda shape, rng: np.full(shape, np.nan),
            DataError,
            "for W1 returned 6 of 6 values that are NaN or infinite in float64",
        ),
    ],
)
def test_what_a_user_function_returns_is_checked(
    function: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        start(function)


def test_numbers_too_large_for_the_dtype_are_refused() -> None:
    assert np.all(start(1e300) == 1e300)
    with pytest.raises(DataError, match="6 of 6 values that are NaN or infinite in float32"):
        start(1e300, dtype="float32")


def test_an_error_inside_a_user_function_says_for_which_parameter() -> None:
    def broken(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        raise KeyError("gain")

    with pytest.raises(KeyError) as caught:
        start(broken)
    assert caught.value.__notes__ == [
        "raised in the initializer broken for W1, called with shape=(2, 3) and a numpy Generator"
    ]


def test_defaults_by_activation() -> None:
    for name in ("relu", "leaky_relu", "elu", "gelu", "silu"):
        assert default_for(name, 3) == "he_normal"
    for other in ("tanh", "sigmoid", "softmax", None):
        assert default_for(other, 3) == "glorot_uniform"
    assert default_for("sigmoid", 1) == "wide_uniform"
    assert default_for("tanh", 1) == "glorot_uniform"
    assert {default_for("relu", 1), default_for(None, 1), default_for("sigmoid", 1)} <= set(NAMED)


@pytest.mark.parametrize(
    ("f", "documented"),
    [
        (lambda z: np.maximum(z, 0), 1.00),
        (lambda z: np.where(z > 0, z, 0.01 * z), 1.00),
        (lambda z: np.where(z > 0, z, np.expm1(z)), 1.29),
        (lambda z: z * (1 + erf(z / math.sqrt(2))) / 2, 0.85),
        (lambda z: z / (1 + np.exp(-z)), 0.71),
    ],
    ids=["relu", "leaky_relu", "elu", "gelu", "silu"],
)
def test_he_keeps_the_signal_of_rectifiers_better_than_lecun(f: object, documented: float) -> None:
    z = np.linspace(-12, 12, 100_001)
    weight = np.exp(-(z**2) / 2)
    mean_square = float(np.sum(weight * f(z) ** 2) / np.sum(weight))  # type: ignore[operator]
    assert 2 * mean_square == pytest.approx(documented, abs=0.006)
    assert abs(math.log(2 * mean_square)) < abs(math.log(mean_square))
