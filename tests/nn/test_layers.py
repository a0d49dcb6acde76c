from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import chainrule as cr
from chainrule.errors import DataError, OptionError, ShapeError
from chainrule.graph.tensor import Tensor
from chainrule.nn.activations import NAMED, activation_function, activation_name
from chainrule.nn.layers import LAYERS, Layer, Mode
from chainrule.nn.losses import loss as loss_named
from chainrule.train.step import training_step

KEY = np.array([3, 4], np.uint32)

TORCH: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "linear": lambda x: x,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "gelu": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "softplus": functional.softplus,
    "softmax": lambda x: torch.softmax(x, -1),
    "log_softmax": lambda x: torch.log_softmax(x, -1),
    "exp": torch.exp,
    "sin": torch.sin,
}


@dataclass(frozen=True)
class Scale(Layer):
    """A layer of a user's own: y = scale x + shift, with a count of the passes."""

    start: float = 2.0

    def build(self, shape: Any, rng: Any, dtype: Any) -> dict[str, np.ndarray]:
        return {"scale": np.full(shape, self.start, dtype), "shift": np.zeros(shape, dtype)}

    def statistics(self, shape: Any, dtype: Any) -> dict[str, np.ndarray]:
        return {"passes": np.zeros((), dtype)}

    def forward(self, x: Any, p: Any, s: Any, mode: Mode) -> Any:
        moved = {"passes": s["passes"] + 1.0} if mode.training else {}
        return x * p["scale"] + p["shift"], moved


@dataclass(frozen=True)
class Counter(Layer):
    """Statistics without parameters."""

    def statistics(self, shape: Any, dtype: Any) -> dict[str, np.ndarray]:
        return {"total": np.zeros(shape, dtype)}

    def forward(self, x: Any, p: Any, s: Any, mode: Mode) -> Any:
        return x, {"total": s["total"] + cr.sum(x, 0)} if mode.training else {}


def net_of(*layers: Layer, shape: Any = 3, seed: int = 1) -> cr.Sequential:
    return cr.Sequential(*layers, dtype="float64").build(shape, seed)


def run(net: cr.Sequential, x: Any, *, training: bool = False, **changed: Any) -> Any:
    """Outputs and moved statistics as arrays, recorded op by op."""
    p = {k: cr.tensor(changed.get(k, a)) for k, a in net.parameters.items()}
    s = {k: cr.tensor(a) for k, a in net.statistics.items()}
    y, moved = net.forward(cr.tensor(x), p, s, Mode(training, cr.tensor(KEY)))
    return y.value, {k: v.value for k, v in moved.items()}


# --- shapes and parameters ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape", "output", "parameters", "statistics"),
    [
        (cr.Dense(5), (3,), (5,), {"W": (3, 5), "b": (5,)}, {}),
        (cr.Dense(np.int64(2), "relu"), (1,), (2,), {"W": (1, 2), "b": (2,)}, {}),
        (cr.Activation("tanh"), (3, 2), (3, 2), {}, {}),
        (cr.Dropout(), (3, 2), (3, 2), {}, {}),
        (cr.Flatten(), (4, 3, 2), (24,), {}, {}),
        (cr.Flatten(), (4,), (4,), {}, {}),
        (
            cr.BatchNorm(),
            (3,),
            (3,),
            {"gamma": (3,), "beta": (3,)},
            {"mean": (3,), "var": (3,)},
        ),
        (
            cr.BatchNorm(),
            (5, 3),
            (5, 3),
            {"gamma": (3,), "beta": (3,)},
            {"mean": (3,), "var": (3,)},
        ),
        (cr.LayerNorm(), (5, 3), (5, 3), {"gamma": (3,), "beta": (3,)}, {}),
        (Scale(), (2,), (2,), {"scale": (2,), "shift": (2,)}, {"passes": ()}),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_and_parameters(
    layer: Layer, shape: Any, output: Any, parameters: Any, statistics: Any, dtype: type
) -> None:
    rng = np.random.default_rng(0)
    made = layer.build(shape, rng, np.dtype(dtype))
    kept = layer.statistics(shape, np.dtype(dtype))
    assert {k: a.shape for k, a in made.items()} == parameters
    assert {k: a.shape for k, a in kept.items()} == statistics
    assert all(a.dtype == dtype for a in (*made.values(), *kept.values()))
    assert layer.output_shape(shape) == output
    net = cr.Sequential(layer, dtype=dtype).build(shape)
    for training in (False, True):
        y, moved = run(net, rng.random((6, *shape)).astype(dtype), training=training)
        assert y.shape == (6, *output)
        assert y.dtype == dtype
        for name, value in moved.items():
            assert value.shape == net.statistics[name].shape
            assert value.dtype == dtype


def test_how_parameters_begin() -> None:
    net = net_of(cr.Dense(200, "relu"), cr.BatchNorm(), cr.LayerNorm(), cr.Dense(300), shape=400)
    p, s = net.parameters, net.statistics
    # He's for the rectifier, Glorot's for what has no activation.
    assert np.std(p["W1"]) == pytest.approx(math.sqrt(2 / 400), rel=0.02)
    assert np.abs(p["W4"]).max() == pytest.approx(math.sqrt(6 / 500), rel=0.001)
    for name in ("b1", "beta2", "beta3", "b4"):
        assert not p[name].any()
    for array in (p["gamma2"], p["gamma3"], s["var2"]):
        np.testing.assert_array_equal(array, 1.0)
    assert not s["mean2"].any()


# --- gradients ----------------------------------------------------------------------------------

NETS: dict[str, tuple[Any, ...]] = {
    **{f"Dense {name}": (cr.Dense(4, name),) for name in NAMED},
    **{f"Activation {name}": (cr.Activation(name),) for name in NAMED},
    "Dropout": (cr.Dense(4), cr.Dropout(0.3), cr.Dense(2)),
    "Flatten": (cr.Flatten(), cr.Dense(2, "tanh")),
    "BatchNorm": (cr.Dense(4), cr.BatchNorm(), cr.Dense(2)),
    "BatchNorm of pictures": (cr.BatchNorm(), cr.Flatten(), cr.Dense(2)),
    "LayerNorm": (cr.Dense(4), cr.LayerNorm(), cr.Dense(2)),
    "Scale": (Scale(), cr.Dense(2, "tanh")),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", NETS)
def test_gradients_agree_with_central_differences(name: str, training: bool) -> None:
    rng = np.random.default_rng(len(name))
    shape = (3, 2) if name in ("Flatten", "BatchNorm of pictures") else (3,)
    net = net_of(*NETS[name], shape=shape)
    for array in (net.parameters | net.statistics).values():
        array += rng.uniform(0.1, 0.5, array.shape)
    x = rng.standard_normal((5, *shape))
    v = rng.standard_normal(run(net, x, training=training)[0].shape)  # a random cotangent

    leaves = {k: cr.tensor(a) for k, a in net.parameters.items()}
    s = {k: cr.tensor(a) for k, a in net.statistics.items()}
    leaf = cr.tensor(x)
    y, _ = net.forward(leaf, leaves, s, Mode(training, cr.tensor(KEY)))
    cr.sum(y * v).backward()

    def weighed(name: str | None) -> Callable[[np.ndarray], float]:
        def f(a: np.ndarray) -> float:
            if name is None:
                return float(np.sum(v * run(net, a, training=training)[0]))
            return float(np.sum(v * run(net, x, training=training, **{name: a})[0]))

        return f

    for own, tensor in leaves.items():
        expected = cr.numerical_gradient(weighed(own), net.parameters[own])
        np.testing.assert_allclose(tensor.grad, expected, rtol=2e-7, atol=2e-8, err_msg=own)
    expected = cr.numerical_gradient(weighed(None), x)
    np.testing.assert_allclose(leaf.grad, expected, rtol=2e-7, atol=2e-8)


# --- against PyTorch ----------------------------------------------------------------------------


def test_dense_is_the_transpose_of_linear() -> None:
    net = net_of(cr.Dense(4))
    net.parameters["b1"] += [1.0, 2.0, 3.0, 4.0]
    linear = torch.nn.Linear(3, 4, dtype=torch.float64)
    linear.load_state_dict(
        {
            "weight": torch.tensor(net.parameters["W1"].T.copy()),
            "bias": torch.tensor(net.parameters["b1"]),
        }
    )
    x = np.random.default_rng(0).standard_normal((6, 3))
    np.testing.assert_allclose(net.predict(x), linear(torch.tensor(x)).detach().numpy(), rtol=1e-13)


def test_every_activation_has_an_opinion_of_pytorch() -> None:
    assert set(TORCH) == set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_activations_agree_with_pytorch(name: str) -> None:
    x = np.random.default_rng(0).standard_normal((6, 3)) * 3
    expected = TORCH[name](torch.tensor(x)).numpy()
    net = net_of(cr.Activation(name))
    for engine in ("numpy", "reference"):
        np.testing.assert_allclose(net.predict(x, engine=engine), expected, rtol=1e-12, atol=1e-15)
    dense = net_of(cr.Dense(3, name, weight_init=lambda shape, rng: np.eye(3)))
    np.testing.assert_allclose(dense.predict(x), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("shape", [(3,), (4, 3)])
def test_layer_norm_agrees_with_pytorch(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    net = net_of(cr.LayerNorm(1e-3), shape=shape)
    net.parameters["gamma1"][...] = rng.random(3)
    net.parameters["beta1"][...] = rng.random(3)
    x = rng.standard_normal((6, *shape)) * 5 + 2
    expected = functional.layer_norm(
        torch.tensor(x),
        (3,),
        torch.tensor(net.parameters["gamma1"]),
        torch.tensor(net.parameters["beta1"]),
        1e-3,
    ).numpy()
    np.testing.assert_allclose(net.predict(x), expected, rtol=1e-12)
    np.testing.assert_allclose(run(net, x, training=True)[0], expected, rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.1, 0.7, 1.0])
def test_batch_norm_agrees_with_pytorch_over_several_steps(momentum: float) -> None:
    rng = np.random.default_rng(0)
    net = net_of(cr.BatchNorm(momentum, 1e-4))
    theirs = torch.nn.BatchNorm1d(3, eps=1e-4, momentum=momentum, dtype=torch.float64)
    for _ in range(5):
        x = rng.standard_normal((6, 3)) * 3 + 7
        y, moved = run(net, x, training=True)
        expected = theirs.train()(torch.tensor(x)).detach().numpy()
        np.testing.assert_allclose(y, expected, rtol=1e-11)
        for name, value in moved.items():
            net.statistics[name][...] = value
        np.testing.assert_allclose(net.statistics["mean1"], theirs.running_mean.numpy())
        np.testing.assert_allclose(net.statistics["var1"], theirs.running_var.numpy())
        expected = theirs.eval()(torch.tensor(x)).detach().numpy()
        np.testing.assert_allclose(net.predict(x), expected, rtol=1e-11)
        kept = {k: a.copy() for k, a in net.statistics.items()}
        assert run(net, x)[1] == {}  # prediction moves no statistics
        for name, array in kept.items():
            np.testing.assert_array_equal(net.statistics[name], array)


def test_batch_norm_in_fit_agrees_with_pytorch() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 3)) * 4 + 1, rng.standard_normal((12, 2))
    net = net_of(cr.Dense(4), cr.BatchNorm(), cr.Activation("tanh"), cr.Dense(2))
    theirs = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh(), torch.nn.Linear(4, 2)
    ).double()
    with torch.no_grad():
        for place, number in ((0, 1), (3, 3)):
            theirs[place].weight.copy_(torch.tensor(net.parameters[f"W{number}"].T.copy()))
            theirs[place].bias.copy_(torch.tensor(net.parameters[f"b{number}"]))
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        value = functional.mse_loss(theirs(torch.tensor(X)), torch.tensor(y))
        value.backward()
        optimizer.step()
        losses.append(value.item())
    history = net.fit(X, y, optimizer=cr.SGD(0.1), epochs=8, batch_size=None)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-10)
    np.testing.assert_allclose(net.statistics["mean2"], theirs[1].running_mean.numpy(), rtol=1e-9)
    np.testing.assert_allclose(net.statistics["var2"], theirs[1].running_var.numpy(), rtol=1e-9)
    expected = theirs.eval()(torch.tensor(X)).detach().numpy()
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-8)


def test_batch_norm_refuses_a_single_row_in_training_only() -> None:
    net = net_of(cr.BatchNorm())
    assert net.predict(np.ones((1, 3))).shape == (1, 3)
    with pytest.raises(ShapeError) as caught:
        run(net, np.ones((1, 3)), training=True)
    assert str(caught.value) == (
        "BatchNorm cannot train on a batch of one row, which has no spread. Choose a batch size "
        "that leaves no single row at the end of an epoch."
    )


# --- dropout ------------------------------------------------------------------------------------


def dropped(rate: float, key: Any, *, stream: int = 0, dtype: Any = np.float64) -> np.ndarray:
    x = cr.tensor(np.ones((400, 250), dtype))
    mode = Mode(True, cr.tensor(np.array(key, np.uint32)), stream)
    return cr.Dropout(rate).forward(x, {}, {}, mode)[0].value


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_honours_its_rate_and_keeps_the_mean(rate: float, dtype: type) -> None:
    y = dropped(rate, [1, 2], dtype=dtype)
    assert y.dtype == dtype
    np.testing.assert_allclose(np.unique(y), [0.0, 1 / (1 - rate)], rtol=1e-6)
    spread = math.sqrt(rate * (1 - rate) / y.size)
    assert np.mean(y == 0) == pytest.approx(rate, abs=4 * spread)
    assert y.mean() == pytest.approx(1, abs=4 * spread / (1 - rate))


def test_dropout_is_decided_by_key_and_layer() -> None:
    first = dropped(0.5, [1, 2])
    np.testing.assert_array_equal(first, dropped(0.5, [1, 2]))
    for other in (dropped(0.5, [1, 3]), dropped(0.5, [9, 2]), dropped(0.5, [1, 2], stream=1)):
        # Independent halves agree in half of the places.
        assert np.mean((first > 0) == (other > 0)) == pytest.approx(0.5, abs=0.01)


def test_no_dropout_in_prediction_nor_at_rate_zero() -> None:
    x = np.random.default_rng(0).random((8, 3))
    for rate in (0.0, 0.5):
        np.testing.assert_array_equal(net_of(cr.Dropout(rate)).predict(x), x)
    np.testing.assert_array_equal(run(net_of(cr.Dropout(0.0)), x, training=True)[0], x)


def test_two_dropouts_of_a_network_differ() -> None:
    net = net_of(cr.Dropout(0.5), cr.Dropout(0.5), shape=1000)
    x = np.ones((20, 1000))
    y = run(net, x, training=True)[0]
    assert np.mean(y == 0) == pytest.approx(0.75, abs=0.02)  # one mask twice would give 0.5


def test_dropout_differs_from_step_to_step_and_repeats_with_the_seed() -> None:
    X = np.ones((1, 64))

    def losses(seed: int, **options: Any) -> list[float]:
        net = net_of(cr.Dropout(0.5), cr.Dense(1), shape=64)
        # With a tiny rate, the losses differ only by what is dropped.
        history = net.fit(X, [[0.0]], epochs=10, optimizer=cr.SGD(1e-12), seed=seed, **options)
        return history["loss"]

    first = losses(0)
    assert len({round(value, 6) for value in first}) == 10
    assert losses(0) == first
    assert losses(1) != first
    np.testing.assert_allclose(losses(0, engine="reference"), first, rtol=1e-12)


def test_dropout_in_training_needs_a_key() -> None:
    with pytest.raises(OptionError, match=r"Dropout in training needs a key .* \(Mode.key\)."):
        cr.Dropout().forward(cr.tensor(np.ones((2, 2))), {}, {}, Mode(training=True))


# --- of one's own -------------------------------------------------------------------------------


def test_a_layer_of_ones_own_is_trained() -> None:
    assert LAYERS["Scale"] is Scale
    X = np.linspace(-1, 1, 16)[:, None]
    net = net_of(Scale(), Counter(), cr.Dense(1), shape=1)
    assert list(net.parameters) == ["scale1", "shift1", "W3", "b3"]
    assert list(net.statistics) == ["passes1", "total2"]
    history = net.fit(X, 3 * X - 1, optimizer=cr.Adam(0.05), epochs=200, batch_size=8)
    assert history["loss"][-1] < 1e-6
    assert net.statistics["passes1"] == 400
    assert net.parameters["scale1"] != 2.0
    assert "Scale" in net.summary()


def test_statistics_of_layers_without_parameters_have_names_of_their_own() -> None:
    net = net_of(cr.BatchNorm(), Counter(), Counter(), shape=2)
    assert list(net.statistics) == ["mean1", "var1", "total2", "total3"]


def test_an_activation_of_ones_own() -> None:
    def cube(x: Tensor) -> Tensor:
        return x**3

    assert activation_name(cube) == "cube"
    x = np.random.default_rng(0).standard_normal((5, 3))
    for net in (net_of(cr.Dense(2, cube)), net_of(cr.Dense(2), cr.Activation(cube))):
        p = net.parameters
        np.testing.assert_allclose(net.predict(x), (x @ p["W1"] + p["b1"]) ** 3, rtol=1e-12)
        before = net.evaluate(x, np.ones((5, 2)))["loss"]
        net.fit(x, np.ones((5, 2)), epochs=30)
        assert net.evaluate(x, np.ones((5, 2)))["loss"] < before
        assert "cube" in net.summary()
    # NumPy's own functions are recorded too.
    np.testing.assert_allclose(net_of(cr.Activation(np.tanh)).predict(x), np.tanh(x), rtol=1e-14)


# --- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cr.Dense(0), "Dense needs a positive whole number of units, got 0."),
        (lambda: cr.Dense(2.0), "Dense needs a positive whole number of units, got 2.0."),
        (lambda: cr.Dense(True), "Dense needs a positive whole number of units, got True."),
        (lambda: cr.Dense("3"), "Dense needs a positive whole number of units, got '3'."),
        (lambda: cr.Dense(3, "rleu"), "activation 'rleu' is not known. Did you mean 'relu'?"),
        (lambda: cr.Activation("tan"), "activation 'tan' is not known. Did you mean 'tanh'?"),
        (lambda: cr.Activation(3), "an activation is a name or a function of a Tensor, got 3."),
        (lambda: cr.Dropout(1.0), "Dropout needs a rate from 0 to below 1, got 1.0."),
        (lambda: cr.Dropout(-0.1), "Dropout needs a rate from 0 to below 1, got -0.1."),
        (lambda: cr.Dropout("half"), "Dropout needs a rate from 0 to below 1, got 'half'."),
        (lambda: cr.Dropout(math.nan), "Dropout needs a rate from 0 to below 1, got nan."),
        (
            lambda: cr.BatchNorm(0.0),
            "BatchNorm needs momentum to be a number above 0 up to 1, got 0.0.",
        ),
        (
            lambda: cr.BatchNorm(0.1, math.nan),
            "BatchNorm needs epsilon to be a number above 0, got nan.",
        ),
        (lambda: cr.LayerNorm(0.0), "LayerNorm needs epsilon to be a number above 0, got 0.0."),
        (
            lambda: cr.LayerNorm(math.nan),
            "LayerNorm needs epsilon to be a number above 0, got nan.",
        ),
    ],
)
def test_options_out_of_range(make: Callable[[], object], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        make()
    assert str(caught.value).startswith(message)


def test_dense_wants_rows() -> None:
    with pytest.raises(ShapeError) as caught:
        net_of(cr.Dense(2), shape=(28, 28))
    assert str(caught.value) == (
        "Dense takes rows of numbers, and here each sample has shape (28, 28). Put cr.Flatten() "
        "before it."
    )


def test_initializers_are_checked_where_they_are_used() -> None:
    with pytest.raises(OptionError, match="initializer 'he' is not known"):
        net_of(cr.Dense(2, weight_init="he"))
    with pytest.raises(ShapeError, match=r"for weights of Dense returned shape \(2, 3\), expected"):
        net_of(cr.Dense(2, weight_init=lambda shape, rng: np.ones(shape[::-1])))
    with pytest.raises(DataError, match="for biases of Dense returned 2 of 2 values that are NaN"):
        net_of(cr.Dense(2, bias_init=lambda shape, rng: np.full(shape, np.nan)))


def test_the_base_layer_and_none() -> None:
    with pytest.raises(NotImplementedError):
        Layer().forward(cr.tensor([1.0]), {}, {}, Mode())
    assert activation_name(None) is None
    assert activation_function(None)(3.0) == 3.0


def test_a_training_step_gives_new_statistics_in_order() -> None:
    net = net_of(cr.BatchNorm(), Scale())
    batch = {"x": np.ones((4, 3)), "t": np.ones((4, 3))}
    step = training_step(net, loss_named("mean_squared_error"), cr.SGD(), {}, batch)
    assert step.replaces == {1: "theta", 2: "mean1", 3: "var1", 4: "passes2"}
    step.graph.verify()
