"""Parameters in attributes: classes as learners write them, and nothing of them is changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.check import check_gradients
from chainrule.errors import GradientError, OptionError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 4))
T = RNG.normal(size=(10, 1))


class Attributes:
    """W1, b1, ... as attributes; what forward computes is kept, dW1, db1 are left behind."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.W1, self.b1 = rng.normal(size=(4, 5)), rng.normal(size=(1, 5))
        self.W2, self.b2 = rng.normal(size=(5, 1)), rng.normal(size=(1, 1))
        self.factor = 2.0

    def forward(self, X: Any) -> Any:
        self.X = X
        self.a1 = np.tanh(np.dot(X, self.W1) + self.b1)
        self.output = np.dot(self.a1, self.W2) + self.b2
        return self.output

    def loss(self, y: Any, t: Any) -> Any:
        return np.mean((y - t) ** 2)

    def backward(self, X: Any, y: Any, output: Any) -> Any:
        d = self.factor * (output - y) / len(X)
        self.dW2, self.db2 = self.a1.T @ d, d.sum(axis=0, keepdims=True)
        d1 = d @ self.W2.T * (1 - self.a1**2)
        self.dW1, self.db1 = X.T @ d1, d1.sum(axis=0, keepdims=True)


class InDict(Attributes):
    """Parameters and gradients in dicts, gradients returned."""

    def __init__(self) -> None:
        super().__init__()
        self.params = {name: getattr(self, name) for name in ("W1", "b1", "W2", "b2")}
        for name in self.params:
            delattr(self, name)

    def loss(self, x: Any, t: Any) -> Any:  # type: ignore[override]
        p = self.params
        self.h = np.tanh(x @ p["W1"] + p["b1"])
        self.error = self.h @ p["W2"] + p["b2"] - t
        return np.mean(self.error**2)

    def gradient(self, x: Any, t: Any) -> Any:
        d = self.factor * self.error / len(x)
        d1 = d @ self.params["W2"].T * (1 - self.h**2)
        return {"W1": x.T @ d1, "b1": d1.sum(axis=0), "W2": self.h.T @ d, "b2": d.sum(axis=0)}

    backward = None  # type: ignore[assignment]


class Layer:
    """A layer that adds its gradients to what is there, as some do."""

    def __init__(self, inputs: int, outputs: int) -> None:
        rng = np.random.default_rng(inputs)
        self.W, self.b = rng.normal(size=(inputs, outputs)), np.zeros(outputs)
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def forward(self, x: Any) -> Any:
        self.x = x
        self.y = np.tanh(x @ self.W + self.b)
        return self.y

    def backward(self, d: Any) -> Any:
        d = d * (1 - self.y**2)
        self.dW += self.x.T @ d
        self.db += d.sum(axis=0)
        return d @ self.W.T


class Layers:
    """Objects in a list."""

    def __init__(self) -> None:
        self.layers = [Layer(4, 5), Layer(5, 3), Layer(3, 1)]
        self.factor = 1.0

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def loss(self, X: Any, y: Any) -> Any:
        self.d = self.forward(X) - y
        return 0.5 * np.sum(self.d**2)

    def backward(self) -> None:
        d = self.factor * self.d
        for layer in reversed(self.layers):
            d = layer.backward(d)


def state(thing: Any) -> Any:
    """Everything that an object holds, arrays as lists."""
    if isinstance(thing, np.ndarray):
        return thing.tolist()
    if isinstance(thing, dict):
        return {key: state(part) for key, part in thing.items()}
    if isinstance(thing, list):
        return [state(part) for part in thing]
    return state(vars(thing)) if hasattr(thing, "__dict__") else thing


@pytest.mark.parametrize("kind", [Attributes, InDict, Layers])
def test_an_object_with_data(kind: Any) -> None:
    net = kind()
    before = state(net)
    report = check_gradients(net, (X, T))
    assert report.ok, report
    assert "recorded as a graph" in report.how
    assert state(net) == before
    net.factor = 3 * net.factor
    report = check_gradients(net, (X, T))
    assert [v.slope for v in report.parameters.values()] == pytest.approx(
        [3.0] * len(report.parameters)
    )


def test_their_names_are_those_of_the_attributes() -> None:
    assert list(check_gradients(Attributes(), (X, T)).parameters) == ["W1", "b1", "W2", "b2"]
    assert list(check_gradients(InDict(), (X, T)).parameters) == ["W1", "b1", "W2", "b2"]
    names = list(check_gradients(Layers(), (X, T)).parameters)
    assert names[:3] == ["layers[0].W", "layers[0].b", "layers[1].W"]


def test_functions_of_an_object() -> None:
    net = Layers()
    before = state(net)
    assert check_gradients(lambda n: n.loss(X, T), net, lambda n: n.backward()).ok
    # Functions of nothing, too.
    assert check_gradients(lambda: net.loss(X, T), net, lambda: net.backward()).ok
    assert state(net) == before


def test_arrays_given_for_an_object() -> None:
    net = Attributes()
    net.backward(X, T, net.forward(X))
    given = {"W2": net.dW2, "db2": net.db2}
    report = check_gradients(lambda n: n.loss(n.forward(X), T), net, given, names=["W2", "b2"])
    assert report.ok
    assert list(report.parameters) == ["W2", "b2"]


def test_one_array_reached_on_two_ways_is_one_parameter() -> None:
    class Shared(Attributes):
        def __init__(self) -> None:
            super().__init__()
            self.params = {"first": self.W1}

        def forward(self, X: Any) -> Any:
            self.a1 = np.tanh(np.dot(X, self.params["first"]) + self.b1)
            return np.dot(self.a1, self.W2) + self.b2

    assert check_gradients(Shared(), (X, T)).ok


def test_a_backward_that_is_a_whole_step_is_told() -> None:
    class Training(Attributes):
        def backward(self, X: Any, y: Any, output: Any) -> Any:
            self.W2 -= 0.1 * self.a1.T @ (output - y)

    with pytest.raises(GradientError, match="returned no gradients, and it changed W2: it is a wh"):
        check_gradients(Training(), (X, T))


def test_a_backward_that_leaves_nothing_is_told() -> None:
    class Nothing(Attributes):
        def backward(self, X: Any, y: Any, output: Any) -> Any:
            pass

    with pytest.raises(GradientError, match=r"no gradients were found.*of Nothing are: W1"):
        check_gradients(Nothing(), (X, T))


def test_methods_that_are_missing_or_unclear_are_told() -> None:
    class NoLoss:
        def forward(self, X: Any) -> Any:
            return X

    with pytest.raises(
        OptionError, match=r"NoLoss has no loss method: .* it has forward. Say what"
    ):
        check_gradients(NoLoss(), (X, T))

    class Unclear(Attributes):
        def backward(self, Upstream: Any) -> Any:  # type: ignore[override]
            return Upstream

    told = r"Unclear.backward\(Upstream\): there is no telling what Upstream is; x, t and y"
    with pytest.raises(OptionError, match=told):
        check_gradients(Unclear(), (X, T))
    with pytest.raises(OptionError, match=r"checked on data \(X, t\), and 1 things were given"):
        check_gradients(Attributes(), (X,))
