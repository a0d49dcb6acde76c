"""Examples that tutorials printed, with the mistakes that were in them: each is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.check import check_gradients, check_step

X_XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
T_XOR = np.array([[0.0], [1.0], [1.0], [0.0]])


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def kinds(report: Any) -> dict[str, tuple[str, ...]]:
    return {mistake.kind: mistake.parameters for mistake in report.mistakes}


class OneLayer:
    """One affine layer, sigmoid, squared error: the mean is reported, the sum differentiated."""

    X = np.array([[0.0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
    t = np.array([[0.0], [1], [1], [0]])
    parameters = {"W": np.array([[0.47143516], [-1.19097569], [1.43270697]]), "b": np.zeros(1)}  # noqa: RUF012

    def forward(self, p: Any) -> Any:
        return sigmoid(self.X @ p["W"] + p["b"])

    def mean(self, p: Any) -> Any:
        return np.mean((self.forward(p) - self.t) ** 2)

    def sum(self, p: Any) -> Any:
        return np.sum((self.forward(p) - self.t) ** 2)

    def gradients(self, p: Any) -> Any:
        y = self.forward(p)
        d = 2 * (y - self.t) * y * (1 - y)
        return {"W": self.X.T @ d, "b": d.sum(axis=0)}

    def step(self, p: Any) -> None:
        gradients = self.gradients(p)
        for name in p:
            p[name] -= 0.01 * gradients[name]


def test_one_affine_layer_differentiates_the_sum_of_what_it_reports_the_mean_of() -> None:
    net = OneLayer()
    printed = {"W": [[-0.17444809], [0.13082577], [0.35273266]], "b": [0.35273266]}
    assert net.mean(net.parameters) == pytest.approx(0.27262716361994604, abs=1e-8)
    assert check_gradients(net.sum, net.parameters, printed).ok
    assert check_gradients(net.sum, net.parameters, net.gradients).ok
    for given in (printed, net.gradients, net.gradients(net.parameters)):
        report = check_gradients(net.mean, net.parameters, given)
        assert kinds(report) == {"missing 1/m": ("W", "b")}
        assert [v.slope for v in report.parameters.values()] == pytest.approx([4, 4], rel=1e-6)


def test_its_step_is_that_of_the_sum_at_the_rate_that_was_named() -> None:
    net = OneLayer()
    assert check_step(net.step, net.parameters, net.sum, rate=0.01).ok
    report = check_step(net.step, net.parameters, net.mean, rate=0.01)
    assert kinds(report) == {"1/m in the rate": ("W", "b")}
    assert "4 times rate times gradient: the rate in effect is 0.04" in report.mistakes[0].what


class Xor:
    """2-4-1, mean binary cross-entropy; gradients: the mean for biases, the sum for weights."""

    def __init__(self, hidden: str) -> None:
        rng = np.random.default_rng(0)
        shapes = {"W1": (2, 4), "b1": (1, 4), "W2": (4, 1), "b2": (1, 1)}
        self.parameters = {name: rng.uniform(0, 0.1, shape) for name, shape in shapes.items()}
        self.f = np.tanh if hidden == "tanh" else sigmoid
        self.slope = (lambda h: 1 - h**2) if hidden == "tanh" else (lambda h: h * (1 - h))

    def forward(self, p: Any) -> Any:
        h = self.f(X_XOR @ p["W1"] + p["b1"])
        return h, sigmoid(h @ p["W2"] + p["b2"])

    def loss(self, p: Any) -> Any:
        y = self.forward(p)[1]
        return -np.mean(T_XOR * np.log(y) + (1 - T_XOR) * np.log(1 - y))

    def gradients(self, p: Any) -> Any:
        h, y = self.forward(p)
        d2 = y - T_XOR
        d1 = d2 @ p["W2"].T * self.slope(h)
        mean = {"axis": 0, "keepdims": True}
        return {
            "W1": X_XOR.T @ d1, "b1": np.mean(d1, **mean),
            "W2": h.T @ d2, "b2": np.mean(d2, **mean),
        }  # fmt: skip


@pytest.mark.parametrize("hidden", ["tanh", "sigmoid"])
@pytest.mark.parametrize("as_function", [True, False])
def test_xor_takes_the_mean_for_biases_and_the_sum_for_weights(
    hidden: str, as_function: bool
) -> None:
    net = Xor(hidden)
    given = net.gradients if as_function else net.gradients(net.parameters)
    report = check_gradients(net.loss, net.parameters, given)
    assert kinds(report) == {"missing 1/m": ("W1", "W2")}
    assert report.parameters["b1"].right
    assert report.parameters["b2"].right
    # If the sum is meant, it is the biases that are wrong.
    report = check_gradients(lambda p: 4 * net.loss(p), net.parameters, given)
    assert kinds(report) == {"bias averaged": ("b1", "b2")}


class OneAtATime:
    """XOR, sample by sample, tanh and sigmoid, with the rate 0.005 / 4, as printed."""

    x, t = np.array([[1.0, 0.0]]), np.array([[1.0]])

    def __init__(self, bias: str = "b1") -> None:
        rng = np.random.default_rng(1)
        self.bias = bias
        self.W1, self.b1 = rng.normal(size=(2, 4)), rng.normal(size=4)
        self.W2, self.b2 = rng.normal(size=(4, 1)), rng.normal(size=1)

    def loss(self) -> Any:
        self.h = np.tanh(self.x @ self.W1 + self.b1)
        self.y = sigmoid(self.h @ self.W2 + self.b2)
        return -np.sum(self.t * np.log(self.y) + (1 - self.t) * np.log(1 - self.y))

    def train(self) -> None:
        self.loss()
        d2 = self.y - self.t
        d1 = d2 @ self.W2.T * (1 - self.h**2)
        gradients = {"b1": d1[0], "b2": d2[0]}
        rate = 0.005 / 4
        self.W2 = self.W2 - rate * self.h.T @ d2
        self.b2 = self.b2 - rate * gradients[self.bias]
        self.W1 = self.W1 - rate * self.x.T @ d1
        self.b1 = self.b1 - rate * gradients["b1"]


def test_xor_one_at_a_time_updates_one_bias_with_the_gradient_of_another() -> None:
    net = OneAtATime()
    report = check_step(lambda net: net.train(), net, lambda net: net.loss(), rate=0.005 / 4)
    assert kinds(report) == {"shape changes": ("b2",)}
    assert "b2 had shape (1,) and has (4,) after the step" in report.mistakes[0].what
    assert "That is the shape of b1" in report.mistakes[0].what
    assert net.b2.shape == (1,)


def test_xor_one_at_a_time_divides_its_rate_by_the_number_of_samples() -> None:
    net = OneAtATime(bias="b2")
    report = check_step(lambda net: net.train(), net, lambda net: net.loss(), rate=0.005)
    assert list(kinds(report)) == ["1/m in the rate"]
    assert "a 4th of rate times gradient: the rate in effect is 0.00125" in report.mistakes[0].what


def of_the_four_rows(parameters: Any) -> tuple[Any, Any, Any]:
    """Hidden outputs, the prediction without the output's bias, and the one with it."""
    hidden = np.tanh(X_XOR @ parameters["W1"] + parameters["b1"])
    scores = hidden @ parameters["W2"]
    return hidden, sigmoid(scores), sigmoid(scores + parameters["b2"])


def by_hand(parameters: Any) -> dict[str, Any]:
    hidden, _, y = of_the_four_rows(parameters)
    d2 = (y - T_XOR) / 4
    d1 = d2 @ parameters["W2"].T * (1 - hidden**2)
    return {"W1": X_XOR.T @ d1, "b1": d1.sum(0), "W2": hidden.T @ d2, "b2": d2.sum(0)}


SHAPES = {"W1": (2, 4), "b1": (4,), "W2": (4, 1), "b2": (1,)}


def test_xor_predicts_without_its_output_bias() -> None:
    rng = np.random.default_rng(0)
    parameters = {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}

    def loss(parameters: Any) -> Any:
        y = of_the_four_rows(parameters)[1]
        return -np.mean(T_XOR * np.log(y) + (1 - T_XOR) * np.log(1 - y))

    report = check_gradients(loss, parameters, by_hand)
    assert kinds(report)["unused parameter"] == ("b2",)


def test_xor_plots_the_mean_of_a_gradient_as_its_loss() -> None:
    rng = np.random.default_rng(0)
    parameters = {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}

    def plotted(parameters: Any) -> Any:
        return np.mean(of_the_four_rows(parameters)[2] - T_XOR)

    report = check_gradients(plotted, parameters, by_hand)
    assert not any(verdict.right for verdict in report.parameters.values())


class Softmax:
    """Softmax and cross-entropy with 1e-7 inside the logarithm."""

    x = np.array([0.6, 0.9])
    W = np.array([[0.47210107, -1.07798534, 0.85648856], [-1.54253597, -1.10336889, 0.32830708]])
    right = np.array([[0.07169663, -0.55800115, 0.48630452], [0.10754495, -0.83700172, 0.72945677]])

    def __init__(self, t: list[float]) -> None:
        self.t = np.array(t)

    def loss(self, W: Any) -> Any:
        e = np.exp(self.x @ W - np.max(self.x @ W))
        return -np.sum(self.t * np.log(e / np.sum(e) + 1e-7))


def test_the_gradients_with_and_without_1e_7_in_the_logarithm_are_both_right() -> None:
    net = Softmax([0, 1, 0])
    assert net.loss(net.W) == pytest.approx(2.6592859352182034, abs=1e-7)
    report = check_gradients(net.loss, net.W, net.right)
    assert report.ok
    assert "the gradients are those of the loss without it" in report.notes[0]
    e = np.exp(net.x @ net.W)
    y = e / e.sum()
    d = (y[1] / (y[1] + 1e-7)) * (y - net.t)
    assert np.outer(net.x, d)[0] == pytest.approx([0.07169653, -0.55800035, 0.48630382], abs=2e-7)
    report = check_gradients(net.loss, net.W, np.outer(net.x, d))
    assert report.ok
    assert report.notes == ()


def test_cells_run_out_of_order_are_noticed() -> None:
    report = check_gradients(Softmax([0, 0, 1]).loss, Softmax.W, Softmax.right)
    assert not report.ok
    assert not report.parameters["W"].right


def test_integers_that_swallow_the_step() -> None:
    def square(x: Any) -> Any:
        return x[0] ** 2 + x[1] ** 2

    x = np.array([3, 4])
    report = check_gradients(square, x, np.array([25000, 35000]))
    assert not report.ok
    assert "x holds integers" in report.notes[0]
    assert report.parameters["x"].worst is not None
    assert check_gradients(square, x, np.array([6.0, 8.0])).ok
    assert check_gradients(lambda x: x**2 + 16, 3.0, 6.00000000000378).ok
    assert check_gradients(lambda x: 9 + x**2, 4.0, 7.999999999999119).ok
