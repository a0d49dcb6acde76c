from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, DataError, DtypeError, OptionError, ShapeError
from chainrule.nn.activations import NAMED as ACTIVATIONS
from chainrule.nn.initializers import NAMED as INITIALIZERS
from chainrule.nn.initializers import initializer
from chainrule.nn.losses import NAMED as LOSSES

RNG = np.random.default_rng(2)
X = RNG.standard_normal((10, 3))


def small(**options: Any) -> cr.Sequential:
    return cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(2, "softmax"), **options)


# --- building -----------------------------------------------------------------------------------


def test_sizes_are_inferred_at_the_first_sight_of_data() -> None:
    net = small()
    assert not net.is_built
    assert net.parameters == {}
    net.fit(X, RNG.integers(0, 2, 10), epochs=1)
    assert net.is_built
    assert net.input_shape == (3,)
    assert net.output_shape == (2,)
    shapes = {name: array.shape for name, array in net.parameters.items()}
    assert shapes == {"W1": (3, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}


@pytest.mark.parametrize("shape", [3, np.int64(3), (3,), [3], (np.int32(3),)])
def test_a_shape_may_be_spelt_in_many_ways(shape: Any) -> None:
    net = small()
    assert net.build(shape) is net
    assert net.input_shape == (3,)
    assert type(net.input_shape[0]) is int


def test_names_count_the_layers_that_have_arrays() -> None:
    net = cr.Sequential(
        cr.Flatten(), cr.Dense(4), cr.BatchNorm(), cr.Activation("relu"), cr.Dropout(0.1),
        cr.Dense(3), cr.LayerNorm(), cr.Dense(1),
    ).build((2, 3))  # fmt: skip
    assert list(net.parameters) == [
        "W1", "b1", "gamma2", "beta2", "W3", "b3", "gamma4", "beta4", "W5", "b5",
    ]  # fmt: skip
    assert list(net.statistics) == ["mean2", "var2"]


def test_the_same_layer_twice_has_its_parameters_twice() -> None:
    layer = cr.Dense(3)
    net = cr.Sequential(layer, layer).build(3)
    assert list(net.parameters) == ["W1", "b1", "W2", "b2"]
    assert not np.array_equal(net.parameters["W1"], net.parameters["W2"])


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32, np.dtype("f8")])
def test_the_dtype_reaches_everything(dtype: Any) -> None:
    net = cr.Sequential(cr.Dense(4), cr.BatchNorm(), cr.Dense(1, "sigmoid"), dtype=dtype).build(3)
    y = RNG.integers(0, 2, 10)
    net.fit(X, y, epochs=2, optimizer="adam")
    for array in (*net.parameters.values(), *net.statistics.values(), net.predict(X)):
        assert array.dtype == np.dtype(dtype)
    assert net.graph().outputs[0].dtype == np.dtype(dtype)
    assert isinstance(net.evaluate(X, y)["loss"], float)


def test_the_default_is_float32_and_a_seed_decides() -> None:
    first, same, other = small().build(3, 5), small().build(3, 5), small().build(3, 6)
    assert first.parameters["W1"].dtype == np.float32
    np.testing.assert_array_equal(first.parameters["W1"], same.parameters["W1"])
    assert not np.array_equal(first.parameters["W1"], other.parameters["W1"])
    rng = np.random.default_rng(5)
    np.testing.assert_array_equal(small().build(3, rng).parameters["W2"], first.parameters["W2"])


@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_initializer_reaches_the_parameters(name: str) -> None:
    net = cr.Sequential(cr.Dense(5, weight_init=name, bias_init=name), dtype="float64").build(4, 9)
    rng = np.random.default_rng(9)
    np.testing.assert_array_equal(net.parameters["W1"], initializer(name)((4, 5), rng))
    np.testing.assert_array_equal(net.parameters["b1"], initializer(name)((5,), rng))


def test_weights_may_begin_as_a_number_or_by_a_function() -> None:
    given = np.arange(12.0).reshape(3, 4)
    net = cr.Sequential(
        cr.Dense(4, weight_init=lambda shape, rng: given, bias_init=0.5),
        cr.Dense(2, weight_init=lambda shape, rng: rng.random(shape), bias_init=-1),
        dtype="float64",
    ).build(3, 0)
    np.testing.assert_array_equal(net.parameters["W1"], given)
    np.testing.assert_array_equal(net.parameters["b1"], 0.5)
    np.testing.assert_array_equal(net.parameters["W2"], np.random.default_rng(0).random((4, 2)))
    np.testing.assert_array_equal(net.parameters["b2"], -1)
    net.fit(X, np.ones((10, 2)), epochs=1)
    np.testing.assert_array_equal(given, np.arange(12.0).reshape(3, 4))  # a copy was trained


def test_building_again_forgets_and_predicts_anew() -> None:
    net = small(dtype="float64").build(3, 0)
    before = net.predict(X)
    net.build(5, 1)
    assert net.predict(np.ones((2, 5))).shape == (2, 2)
    np.testing.assert_array_equal(net.build(3, 0).predict(X), before)


# --- forward ------------------------------------------------------------------------------------


def test_predict_is_what_numpy_computes() -> None:
    net = small(dtype="float64").build(3)
    p = net.parameters
    z = np.tanh(X @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
    expected = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    for y in (net.predict(X), net.predict(X, engine="reference"), net(X), net(X.tolist())):
        assert type(y) is np.ndarray
        np.testing.assert_allclose(y, expected, rtol=1e-13)
    np.testing.assert_array_equal(net.predict_classes(X), expected.argmax(1))


def test_prediction_sees_changed_parameters() -> None:
    net = cr.Sequential(cr.Dense(1, weight_init=1.0), dtype="float64").build(3)
    np.testing.assert_allclose(net.predict(X)[:, 0], X.sum(1))
    net.parameters["W1"][...] = 2.0
    np.testing.assert_allclose(net.predict(X)[:, 0], 2 * X.sum(1))
    net.parameters["W1"] = np.full((3, 1), 3.0)
    np.testing.assert_allclose(net.predict(X)[:, 0], 3 * X.sum(1))


def test_what_was_predicted_stays_as_it_was() -> None:
    net = small(dtype="float64").build(3)
    first = net.predict(X)
    kept = first.copy()
    net.predict(-X)
    np.testing.assert_array_equal(first, kept)
    scores = net.evaluate(X, np.zeros(10, int))
    net.evaluate(-X, np.zeros(10, int))
    assert net.evaluate(X, np.zeros(10, int)) == scores


def test_one_output_above_a_half_is_class_one() -> None:
    net = cr.Sequential(cr.Dense(1, "sigmoid", weight_init=1.0)).build(1)
    assert net.predict_classes([[-2.0], [0.0], [0.1], [9.0]]).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("rows", [4096, 4097, 10_000])
def test_many_rows_are_predicted_in_parts(rows: int) -> None:
    net = cr.Sequential(
        cr.Dense(8, "relu"), cr.BatchNorm(), cr.Dense(3, "softmax"), dtype="float64"
    ).build(5)
    x = np.random.default_rng(rows).standard_normal((rows, 5))
    y = net.predict(x)
    assert y.shape == (rows, 3)
    for row in (0, 4095, rows // 2, rows - 1):
        np.testing.assert_allclose(y[row], net.predict(x[row : row + 1])[0], rtol=1e-12)
    np.testing.assert_array_equal(net.predict_classes(x), y.argmax(1))
    # Scores over parts of unequal length, with and without weights.
    t, w = np.arange(rows) % 3, np.linspace(0, 2, rows)
    losses = -np.log(y[np.arange(rows), t])
    scores = net.evaluate(x, t, metrics=["accuracy", "top_2"])
    assert scores["loss"] == pytest.approx(losses.mean(), rel=1e-12)
    assert scores["accuracy"] == np.mean(y.argmax(1) == t)
    assert scores["top_2"] >= scores["accuracy"]
    weighed = net.evaluate(x, t, sample_weight=w)["loss"]
    assert weighed == pytest.approx(np.average(losses, weights=w), rel=1e-12)
    summed = net.evaluate(x, np.eye(3)[t], loss="half_sum_squared_error")["loss"]
    assert summed == pytest.approx(np.sum((y - np.eye(3)[t]) ** 2) / 2, rel=1e-12)


def test_a_part_whose_weights_are_all_zero() -> None:
    net = cr.Sequential(cr.Dense(1), dtype="float64").build(1)
    x, w = np.linspace(0, 1, 5000)[:, None], np.zeros(5000)
    w[4999] = 1
    expected = (net.predict(x)[4999, 0] - 7) ** 2
    assert net.evaluate(x, np.full(5000, 7.0), sample_weight=w)["loss"] == pytest.approx(expected)


def test_evaluate_takes_the_loss_of_the_last_fit() -> None:
    net = cr.Sequential(cr.Dense(1, "sigmoid"), dtype="float64")
    y = RNG.integers(0, 2, 10)
    net.fit(X, y, loss="mean_absolute_error", epochs=1)
    p = net.predict(X)[:, 0]
    assert net.evaluate(X, y)["loss"] == pytest.approx(np.abs(p - y).mean())
    scores = net.evaluate(X, y, loss="binary_cross_entropy", metrics=lambda p, t: float(np.sum(t)))
    expected = -np.mean(np.where(y, np.log(p), np.log(1 - p)))
    assert scores == {"loss": pytest.approx(expected), "<lambda>": y.sum()}
    assert list(net.evaluate(X, y, metrics="accuracy")) == ["loss", "accuracy"]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([cr.Dense(1, "sigmoid")], "binary_cross_entropy"),
        ([cr.Dense(3, "softmax")], "cross_entropy"),
        ([cr.Dense(3, cr.softmax)], "cross_entropy"),
        ([cr.Dense(3), cr.Activation("softmax")], "cross_entropy"),
        ([cr.Dense(3, "softmax"), cr.Dropout(0.1)], "cross_entropy"),
        ([cr.Dense(3, "softmax"), cr.Dense(1)], "mean_squared_error"),
        ([cr.Dense(1, "tanh")], "mean_squared_error"),
        ([cr.LayerNorm()], "mean_squared_error"),
    ],
)
def test_the_loss_that_suits_the_last_activation(layers: list[Any], expected: str) -> None:
    net = cr.Sequential(*layers)
    assert net.loss_for() is LOSSES[expected]
    assert net.loss_for("huber") is LOSSES["huber"]


# --- as a function of Tensors -------------------------------------------------------------------


def test_a_network_of_a_tensor_is_recorded_and_differentiated() -> None:
    net = small(dtype="float64").build(3)
    x = cr.tensor(X)
    y = net(x)
    assert isinstance(y, cr.Tensor)
    np.testing.assert_allclose(y.value, net.predict(X), rtol=1e-13)
    v = RNG.standard_normal((10, 2))
    cr.sum(y * v).backward()
    expected = cr.numerical_gradient(lambda a: float(np.sum(v * net.predict(a))), X)
    np.testing.assert_allclose(x.grad, expected, rtol=1e-6, atol=1e-9)
    slope = cr.grad(lambda a: cr.sum(net(a) * v))(X)
    np.testing.assert_allclose(slope, x.grad, rtol=1e-12)


def test_a_tensor_builds_a_network_too() -> None:
    net = small(dtype="float64")
    assert net(cr.tensor(X)).shape == (10, 2)
    np.testing.assert_array_equal(net.predict(X), small(dtype="float64").build(3, 0).predict(X))


def test_batch_norm_of_a_tensor_uses_the_running_statistics() -> None:
    net = cr.Sequential(cr.BatchNorm(), dtype="float64").build(3)
    net.statistics["mean1"][...] = 1.0
    np.testing.assert_allclose(net(cr.tensor(X)).value, (X - 1) / np.sqrt(1 + 1e-5))


def test_the_graph_of_the_forward_pass() -> None:
    net = cr.Sequential(cr.Dense(4, "tanh"), cr.BatchNorm(), cr.Dense(1), dtype="float64").build(3)
    graph = net.graph(10)
    graph.verify()
    assert graph.input_names() == [
        "X", "W1", "b1", "gamma2", "beta2", "W3", "b3", "mean2", "var2",
    ]  # fmt: skip
    y = graph.evaluate(X=X, **net.parameters, **net.statistics)
    np.testing.assert_allclose(y, net.predict(X), rtol=1e-13)
    assert net.graph().outputs[0].shape == (1, 1)
    text = str(graph)
    for scope in ("1 Dense", "2 BatchNorm", "3 Dense"):
        assert scope in text
    gradients = net.graph(1).backward("W1", "b3").evaluate(X=X[:1], **net.parameters,
                                                           **net.statistics)  # fmt: skip
    assert [g.shape for g in gradients] == [(3, 4), (1,)]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_both_engines_agree(name: str) -> None:
    net = cr.Sequential(cr.Dense(6, name), cr.LayerNorm(), cr.Dense(2), dtype="float64").build(3)
    expected = net.predict(X, engine="reference")
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-12, atol=1e-13)


# --- showing and keeping ------------------------------------------------------------------------


def test_the_summary() -> None:
    net = cr.Sequential(
        cr.Flatten(), cr.Dense(1000, "relu"), cr.BatchNorm(), cr.Activation("tanh"), cr.Dense(2)
    ).build((2, 3))
    assert net.summary() == "\n".join(
        [
            "layer              output     parameters                     count",
            "──────────────────────────────────────────────────────────────────",
            "1 Flatten          (n, 6)                                        0",
            "2 Dense relu       (n, 1000)  W1 (6, 1000), b1 (1000,)       7,000",
            "3 BatchNorm        (n, 1000)  gamma2 (1000,), beta2 (1000,)  2,000",
            "4 Activation tanh  (n, 1000)                                     0",
            "5 Dense            (n, 2)     W3 (1000, 2), b3 (2,)          2,002",
            "──────────────────────────────────────────────────────────────────",
            "11,002 parameters, 43.0 KiB",
        ]
    )


def test_repr_says_how_to_make_it_again() -> None:
    net = cr.Sequential(cr.Dense(1, "tanh"), dtype="float64")
    assert repr(net) == (
        "Sequential(Dense(units=1, activation='tanh', weight_init=None, bias_init='zeros'), "
        "dtype='float64')"
    )


def test_a_snapshot_is_a_copy_and_can_be_restored() -> None:
    net = cr.Sequential(cr.Dense(2), cr.BatchNorm(), cr.Dense(1)).build(3)
    before, snapshot = net.predict(X), net.snapshot()
    assert set(snapshot) == {"W1", "b1", "gamma2", "beta2", "W3", "b3", "mean2", "var2"}
    net.fit(X, X[:, 0], epochs=3)
    assert not np.array_equal(net.predict(X), before)
    net.restore(snapshot)
    np.testing.assert_array_equal(net.predict(X), before)
    net.fit(X, X[:, 0], epochs=1)
    np.testing.assert_array_equal(snapshot["mean2"], 0)


# --- mistakes -----------------------------------------------------------------------------------

NOT_BUILT = (
    "the network has no parameters yet, because it has seen no data: call fit(X, y), or "
    "build(input_shape) with the shape of one sample."
)


@pytest.mark.parametrize(
    "use",
    [
        lambda net: net.predict(X),
        lambda net: net(X),
        lambda net: net.predict_classes(X),
        lambda net: net.evaluate(X, np.zeros(10)),
        lambda net: net.summary(),
        lambda net: net.graph(),
        lambda net: net.output_shape,
    ],
)
def test_a_network_that_is_not_built(use: Callable[[cr.Sequential], object]) -> None:
    with pytest.raises(ShapeError) as caught:
        use(small())
    assert str(caught.value) == NOT_BUILT


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cr.Sequential(), "Sequential needs at least one layer, such as cr.Dense(1)."),
        (
            lambda: cr.Sequential([cr.Dense(1)]),
            "Sequential is made of layers, got [Dense(units=1, activation=None, weight_init=None, "
            "bias_init='zeros')]. An activation by itself is cr.Activation('tanh'); layers are "
            "listed, not put in a list.",
        ),
        (lambda: cr.Sequential(cr.Dense), "Sequential is made of layers, got <class"),
        (lambda: cr.Sequential("tanh"), "Sequential is made of layers, got 'tanh'."),
        (
            lambda: cr.Sequential(cr.Dense(1), dtype="float16"),
            "Sequential computes in float32 or float64, not float16.",
        ),
        (
            lambda: cr.Sequential(cr.Dense(1), dtype=int),
            "Sequential computes in float32 or float64, not int64.",
        ),
        (
            lambda: cr.Sequential(cr.Dense(1), dtype="flaot32"),
            "dtype 'flaot32' is not known. Did you mean 'float32'? Known: float32, float64.",
        ),
        (lambda: small().loss_for("mse"), "loss 'mse' is not known."),
        (
            lambda: small().build(3).predict(X, engine="nump"),
            "engine 'nump' is not known. Did you mean 'numpy'?",
        ),
    ],
)
def test_options_that_make_no_sense(make: Callable[[], object], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        make()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("shape", [0, -3, 3.0, "3", (2, 0), None, ("a",)])
def test_what_is_no_shape(shape: Any) -> None:
    with pytest.raises(ShapeError) as caught:
        small().build(shape)
    assert str(caught.value) == (
        "the shape of one sample is made of whole numbers above 0, such as 784 or (28, 28); got "
        f"{shape!r}."
    )


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (np.ones((5, 4)), ShapeError,
         "the network takes samples of shape (3,), and those of X have shape (4,)."),
        (np.ones((3, 10)), ShapeError,
         "the network takes samples of shape (3,), and those of X have shape (10,). Perhaps X is "
         "transposed."),
        (np.ones((5, 3, 1)), ShapeError,
         "the network takes samples of shape (3,), and those of X have shape (3, 1)."),
        (np.ones(3), ShapeError,
         "X has shape (3,): rows are samples, so it needs two axes or more. For one feature write "
         "X.reshape(-1, 1), for one sample X.reshape(1, -1)."),
        (3.0, ShapeError, "X is a single number; samples are rows: X.reshape(1, -1)."),
        (np.ones((0, 3)), DataError,
         "X has no rows (shape (0, 3)): there is nothing to compute."),
        ([[1, 2, 3], [1, np.nan, np.inf]], DataError,
         "X holds 2 values that are not finite, the first in row 1, column 1 (nan). Fill in what "
         "is missing, or keep the other rows: X[np.isfinite(X).all(axis=1)]."),
        ([["a", "b", "c"]], DtypeError, "X holds <U1, not numbers. Encode it first."),
        ([[1j, 0, 0]], DtypeError, "X holds complex128, not numbers. Encode it first."),
        ([[1, 2, 3], [1, 2]], ShapeError, "X is not a regular array: "),
        ([[1, 2, 1e39]], DataError,
         "X holds numbers too large for float32 (up to 1e+39). Scale them, or compute with "
         'Sequential(..., dtype="float64").'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("use", ["predict", "evaluate", "fit"])
def test_data_that_do_not_fit(
    data: Any, error: type[ChainruleError], message: str, use: str
) -> None:
    net = small().build(3)
    rest = () if use == "predict" else (np.zeros(len(np.atleast_1d(np.array(data, object))), int),)
    with pytest.raises(error) as caught:
        getattr(net, use)(data, *rest)
    assert str(caught.value).startswith(message)


def test_a_width_that_no_layer_can_take_is_told_at_the_first_fit() -> None:
    with pytest.raises(ShapeError, match=r"Put cr.Flatten\(\) before it."):
        cr.Sequential(cr.Dense(1)).fit(np.ones((4, 2, 2)), np.ones(4))
    with pytest.raises(ShapeError, match=r"whole numbers above 0, .* got \(0,\)."):
        cr.Sequential(cr.Dense(1)).fit(np.ones((4, 0)), np.ones(4))
