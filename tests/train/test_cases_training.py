"""Cases that published tutorials print: their numbers, by our own code."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ShapeError
from chainrule.train.step import flat

X, LABELS = cr.data.gate("xor")
T = LABELS.reshape(-1, 1).astype(float)

Arrays = tuple[np.ndarray, ...]


# One affine layer, sigmoid, and the sum of squares


def test_a_thousand_steps_of_one_neuron() -> None:
    x = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], float)
    t = np.array([[0], [1], [1], [0]], float)
    start = np.array([[-2.24268495], [1.15003572], [0.99194602]])
    neuron = cr.Dense(1, "sigmoid", weight_init=lambda shape, rng: start)
    net = cr.Sequential(neuron, dtype="float64").build(3)
    assert net.evaluate(x, t, loss="mean_squared_error")["loss"] == pytest.approx(
        0.5532968592, abs=5e-10
    )
    history = net.fit(
        x, t, loss="sum_squared_error", optimizer=cr.SGD(0.01), epochs=1000, batch_size=None
    )
    # The history reports what is minimised, four times the mean, each time before the step. So did
    # the tutorial: its last number is that before the thousandth step.
    assert history["loss"][0] == pytest.approx(4 * 0.5532968592, abs=2e-9)
    assert history["loss"][-1] == pytest.approx(4 * 0.1083563564, abs=2e-9)
    after = net.evaluate(x, t, loss="mean_squared_error")["loss"]
    assert after == pytest.approx(0.1081599916, abs=5e-10)


# XOR from zeros


@pytest.mark.parametrize("rate", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("optimizer", [cr.SGD, cr.Adam])
def test_xor_from_zeros_learns_nothing_for_ever(optimizer: Any, rate: float) -> None:
    layers = (cr.Dense(n, "sigmoid", weight_init="zeros") for n in (2, 1))
    net = cr.Sequential(*layers, dtype="float64")
    history = net.fit(X, LABELS, optimizer=optimizer(rate), epochs=500, batch_size=None)
    assert history["loss"] == [0.6931471805599453] * 500
    np.testing.assert_array_equal(net.predict(X), 0.5)


def test_identical_hidden_units_stay_identical() -> None:
    layers = (cr.Dense(n, "sigmoid", weight_init=0.3) for n in (2, 1))
    net = cr.Sequential(*layers, dtype="float64")
    net.fit(X, [0, 1, 1, 1], optimizer=cr.SGD(1.0), epochs=500, batch_size=None)
    W = net.parameters["W1"]
    np.testing.assert_array_equal(W[:, 0], W[:, 1])
    assert not np.allclose(W, 0.3)


# XOR from small random numbers, by a loop in NumPy with the gradients of cr.grad


def xor_loop(
    activation: Callable[[Any], Any], steps: int, seed: int, weights: str, biases: str
) -> tuple[float, np.ndarray]:
    """The loss and the four predictions after steps of 0.1.

    ``weights`` and ``biases`` say which gradient moves them: that of the "mean" of the losses, or
    of their "sum", four times as large.
    """
    rng = np.random.default_rng(seed)
    p = [rng.uniform(0, 0.1, shape) for shape in ((2, 2), (2,), (2, 1), (1,))]

    def predict(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        return cr.sigmoid(activation(X @ W1 + b1) @ W2 + b2)

    def loss(*parameters: Any) -> Any:
        return cr.binary_cross_entropy(predict(*parameters), T)

    both = cr.value_and_grad(loss, wrt=(0, 1, 2, 3))
    # Recorded once, then run: the same numbers as calling it anew each time.
    run = cr.trace(both, *p).compile()
    first, again = both(*p)[1], run(*p)[1]
    for g, h in zip(first, again, strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-12, atol=1e-15)
    scale = {"mean": 1, "sum": 4}
    rates = [0.1 * scale[kind] for kind in (weights, biases) * 2]
    for _ in range(steps):
        _, gradients = run(*p)
        for array, gradient, rate in zip(p, gradients, rates, strict=True):
            array -= rate * gradient
    return float(loss(*map(cr.tensor, p)).value), predict(*map(cr.tensor, p)).value.ravel()


@pytest.mark.parametrize("seed", [9, 155, 174])
def test_xor_with_tanh_as_printed(seed: int) -> None:
    """Printed: 0.0024, 0.9987, 0.9987, 0.0025, and a loss of 0.00187.

    Those are the numbers of sums throughout; with sums for weights and means for biases, as the
    printed code has it, it learns as well but does not get so far.
    """
    value, outcome = xor_loop(cr.tanh, 5000, seed, "sum", "sum")
    np.testing.assert_allclose(outcome, [0.0024, 0.9987, 0.9987, 0.0025], atol=1e-4)
    assert value == pytest.approx(0.00187, abs=5e-5)
    mixed, outcome = xor_loop(cr.tanh, 5000, seed, "sum", "mean")
    assert 0.0035 < mixed < 0.05
    np.testing.assert_array_equal(outcome > 0.5, LABELS == 1)


def test_xor_with_sigmoid_as_printed() -> None:
    """Printed: 0.0032, 0.9977, 0.9977, 0.0024. Those are the numbers of means throughout."""
    _, outcome = xor_loop(cr.sigmoid, 100_000, 13, "mean", "mean")
    np.testing.assert_allclose(outcome, [0.0032, 0.9977, 0.9977, 0.0024], atol=1.5e-4)


def test_xor_with_sigmoid_by_mixed_gradients() -> None:
    """From the same start, sums for the weights end in a local minimum: half right, half 0.5."""
    _, outcome = xor_loop(cr.sigmoid, 33_000, 13, "sum", "mean")
    assert np.sort(np.abs(outcome - LABELS)) == pytest.approx([0, 0, 0.5, 0.5], abs=0.01)


# XOR one sample at a time: a tutorial with three faults


class Tutorial:
    """The 2-4-1 network as it is printed, and each fault mended on request."""

    def __init__(self, seed: int, mended: bool) -> None:
        rng = np.random.default_rng(seed)
        self.W1, self.b1 = rng.standard_normal((2, 4)), rng.standard_normal(4)
        self.W2, self.b2 = rng.standard_normal(4), np.asarray(rng.standard_normal())
        self.mended = mended

    def hidden(self, x: np.ndarray) -> np.ndarray:
        return np.tanh(x @ self.W1 + self.b1)

    def predict(self, x: np.ndarray) -> np.ndarray:
        z = self.hidden(x) @ self.W2
        return 1 / (1 + np.exp(-(z + self.b2 if self.mended else z)))

    def gradients(self, x: np.ndarray, t: np.ndarray) -> Arrays:
        """Of the cross-entropy of one sample: W1, b1, W2, b2."""
        h = self.hidden(x)
        d2 = 1 / (1 + np.exp(-(h @ self.W2 + self.b2))) - t
        d1 = d2 * self.W2 * (1 - h**2)
        return np.outer(x, d1), d1, h * d2, d2

    def step(self, x: np.ndarray, t: np.ndarray, rate: float) -> float:
        gW1, gb1, gW2, gb2 = self.gradients(x, t)
        self.W1 = self.W1 - rate * gW1
        self.b1 = self.b1 - rate * gb1
        self.W2 = self.W2 - rate * gW2
        self.b2 = self.b2 - rate * (gb2 if self.mended else gb1)
        return float(np.mean(gb2))


def truth(net: Tutorial, x: np.ndarray, t: np.ndarray) -> Arrays:
    """The gradients of one sample's loss by the recorded graph."""

    def loss(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        return cr.binary_cross_entropy(cr.sigmoid(np.tanh(x @ W1 + b1) @ W2 + b2), t)

    found: Arrays = cr.grad(loss, wrt=(0, 1, 2, 3))(net.W1, net.b1, net.W2, net.b2)
    return found


def test_first_fault_the_output_bias_gets_the_hidden_biases_gradient() -> None:
    net = Tutorial(0, mended=False)
    x, t = X[1], np.asarray(1.0)
    exact = truth(net, x, t)
    for ours, theirs in zip(net.gradients(x, t), exact, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    before = net.b2
    net.step(x, t, rate=1.0)
    # One number has become four, without a word; and none moved as the derivative says.
    assert (before.shape, net.b2.shape) == ((), (4,))
    np.testing.assert_allclose(before - net.b2, exact[1], rtol=1e-12)
    assert not np.isclose(before - net.b2, exact[3]).any()
    # From now on there are four outputs, one for each hidden unit; a loss would not have it.
    with pytest.raises(ShapeError) as error:
        truth(net, x, t)
    assert str(error.value).startswith(
        "binary_cross_entropy of outputs (4,) and targets (): they must have the same shape."
    )


def test_second_fault_prediction_leaves_the_output_bias_out() -> None:
    net = Tutorial(3, mended=True)
    net.W2, net.b2 = net.W2 * 0, np.asarray(2.0)
    right = net.predict(X)
    net.mended = False
    np.testing.assert_allclose(right, 1 / (1 + np.exp(-2.0)))
    np.testing.assert_array_equal(net.predict(X), 0.5)
    layers = (cr.Dense(4, "tanh"), cr.Dense(1, "sigmoid", weight_init=0, bias_init=2.0))
    ours = cr.Sequential(*layers, dtype="float64").build(2).predict(X)
    np.testing.assert_allclose(ours[:, 0], right, rtol=1e-12)


def test_third_fault_what_is_plotted_is_the_mean_of_a_gradient() -> None:
    """It is near zero at the start, and may be negative: a loss is neither."""
    net = Tutorial(1, mended=True)
    net.W2, net.b2 = net.W2 * 0, net.b2 * 0
    plotted = [float(np.mean(net.gradients(x, t)[3])) for x, t in zip(X, LABELS, strict=True)]
    losses = [
        float(cr.binary_cross_entropy(net.predict(x), np.asarray(t, float)))
        for x, t in zip(X, LABELS, strict=True)
    ]
    assert np.mean(plotted) == 0
    assert min(plotted) == -0.5
    assert losses == pytest.approx([np.log(2)] * 4)


def test_with_its_faults_it_fails_where_the_mended_one_learns() -> None:
    """A thousand times the printed rate, so that it is soon over; the same samples in turn."""

    def solved(seed: int, mended: bool) -> bool:
        net = Tutorial(seed, mended)
        for _ in range(600):
            for x, t in zip(X, LABELS, strict=True):
                net.step(x, t, rate=0.5)
        return bool(((net.predict(X) > 0.5) == LABELS).all())

    seeds = range(8)
    as_printed = sum(solved(seed, mended=False) for seed in seeds)
    mended = sum(solved(seed, mended=True) for seed in seeds)
    assert as_printed < mended
    assert mended >= 7


# Central differences


def test_central_differences_to_the_last_digit() -> None:
    assert cr.numerical_gradient(lambda x: x**2 + 16, 3.0, h=1e-4) == 6.00000000000378
    assert cr.numerical_gradient(lambda x: 9 + x**2, 4.0, h=1e-4) == 7.999999999999119
    both = cr.numerical_gradient(lambda x: x[0] ** 2 + x[1] ** 2, np.array([3.0, 4.0]), h=1e-4)
    np.testing.assert_allclose(both, [6, 8], rtol=1e-9)
    exact = cr.grad(lambda x: x[0] ** 2 + x[1] ** 2)(np.array([3.0, 4.0]))
    np.testing.assert_array_equal(exact, [6, 8])


def test_the_textbooks_own_function_and_an_array_of_integers() -> None:
    """Written in place, x + h is cut off to x, and x - h to x - 1."""

    def textbook(f: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
        h, gradient = 1e-4, np.zeros_like(x)
        for i in range(x.size):
            kept = x[i]
            x[i] = float(kept) + h
            above = f(x)
            x[i] = float(kept) - h
            below = f(x)
            gradient[i] = (above - below) / (2 * h)
            x[i] = kept
        return gradient

    def f(x: Any) -> Any:
        return np.sum(x**2)

    assert textbook(f, np.array([3, 4])).tolist() == [25000, 35000]
    with pytest.raises(TypeError) as error:
        cr.numerical_gradient(f, np.array([3, 4]))
    assert "came out as [25000, 35000]" in str(error.value)
    assert "Write x.astype(float), or [3., 4.] instead of [3, 4]." in str(error.value)


# Gradient descent


def test_gradient_descent_on_a_bowl() -> None:
    def bowl(x: Any) -> Any:
        return x[0] ** 2 + x[1] ** 2

    path = cr.gradient_descent(bowl, np.array([-3.0, 4.0]), rate=0.1, steps=100)
    np.testing.assert_allclose(path.end, [-6.11110793e-10, 8.14814391e-10], rtol=1e-8)
    assert path.points.shape == (101, 2)


# What numerical gradients would cost


def test_numerical_gradients_of_a_network_for_mnist() -> None:
    """784-100-10: a step by differences calls the loss twice for each of 79,510 parameters.

    A few of them are done, and the rest reckoned: thousands of times a step of training.
    """
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 1, (100, 784))
    labels = rng.integers(0, 10, 100)
    layers = (cr.Dense(100, "sigmoid"), cr.Dense(10, "softmax"))
    net = cr.Sequential(*layers, dtype="float64").build(784, seed=0)
    sizes = {name: array.shape for name, array in net.parameters.items()}
    theta = flat(net.parameters, net.dtype)
    assert theta.size == 79_510

    def loss(*parameters: Any) -> Any:
        W1, b1, W2, b2 = parameters
        outputs = cr.softmax(cr.sigmoid(images @ W1 + b1) @ W2 + b2)
        return cr.cross_entropy(outputs, labels)

    arrays = list(net.parameters.values())
    value = cr.trace(loss, *arrays).compile()
    gradient = cr.trace(cr.grad(loss, wrt=(0, 1, 2, 3)), *arrays).compile()
    exact = np.concatenate([np.ravel(g) for g in gradient(*arrays)])

    def cut(vector: np.ndarray) -> list[np.ndarray]:
        stops = np.cumsum([int(np.prod(shape)) for shape in sizes.values()])[:-1]
        parts = np.split(vector, stops)
        return [part.reshape(shape) for part, shape in zip(parts, sizes.values(), strict=True)]

    chosen = rng.choice(theta.size, 12, replace=False)
    began = time.perf_counter()
    for i in chosen:
        moved = [theta.copy(), theta.copy()]
        moved[0][i] += 1e-4
        moved[1][i] -= 1e-4
        above, below = (float(value(*cut(vector))) for vector in moved)
        assert (above - below) / 2e-4 == pytest.approx(exact[i], abs=1e-8)
    by_differences = (time.perf_counter() - began) / len(chosen) * theta.size
    one_step = min(timed(lambda: gradient(*arrays)) for _ in range(5))
    assert by_differences > 2000 * one_step
    # On no machine of today does a step by differences take less than some seconds.
    assert by_differences > 5


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
