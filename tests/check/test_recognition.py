"""What the parts of a recorded loss are taken for: activations, products, biases, heads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.check.activations import activations
from chainrule.check.anatomy import Anatomy
from chainrule.check.head import read_head
from chainrule.check.replay import Replay
from chainrule.graph import Graph
from chainrule.graph.tensor import placeholder

Array = np.ndarray
RNG = np.random.default_rng(3)
X = RNG.normal(size=(5, 3))
W = RNG.normal(size=(3, 4))
V = RNG.normal(size=(4, 2))
B = RNG.normal(size=4)
T = np.eye(2)[RNG.integers(0, 2, 5)]


def recorded(loss: Callable[..., Any], **parameters: Array) -> Replay:
    inputs = {name: placeholder(p.shape, np.float64, name) for name, p in parameters.items()}
    return Replay(Graph(list(inputs.values()), [loss(**inputs)]), parameters)


WAYS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "sigmoid": ("sigmoid", lambda z: 1 / (1 + np.exp(-z))),
    "sigmoid by e^z": ("sigmoid", lambda z: np.exp(z) / (1 + np.exp(z))),
    "sigmoid in two branches": (
        "sigmoid",
        lambda z: np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1.0 + np.exp(z))),
    ),
    "sigmoid by tanh": ("sigmoid", lambda z: 0.5 * (np.tanh(z / 2) + 1)),
    "tanh": ("tanh", np.tanh),
    "tanh by exponentials": (
        "tanh",
        lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    ),
    "relu": ("ReLU", lambda z: np.maximum(0, z)),
    "relu by a product": ("ReLU", lambda z: z * (z > 0)),
    "relu by where": ("ReLU", lambda z: np.where(z > 0, z, 0)),
    "relu by abs": ("ReLU", lambda z: (np.abs(z) + z) / 2),
    "leaky": ("leaky ReLU", lambda z: np.where(z > 0, z, 0.1 * z)),
    "leaky by maximum": ("leaky ReLU", lambda z: np.maximum(0.01 * z, z)),
    "softplus": ("softplus", lambda z: np.log(1 + np.exp(z))),
    "softmax": ("softmax", lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)),
    "none": ("linear", lambda z: z),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_activation_is_found_however_it_is_written(way: str) -> None:
    name, f = WAYS[way]
    replay = recorded(lambda W, b, V: np.sum((f(X @ W + b) @ V - T) ** 2), W=W, b=B, V=V)
    first, last = activations(Anatomy(replay))
    assert (first.name, last.name) == (name, "linear")
    np.testing.assert_allclose(replay.values[first.z], X @ W + B)
    assert not first.is_last
    assert last.is_last


def test_a_derivative_is_that_of_the_activation() -> None:
    for name, f in WAYS.values():
        replay = recorded(lambda W, b, V, f=f: np.sum((f(X @ W + b) @ V) ** 2), W=W, b=B, V=V)
        site = next(iter(activations(Anatomy(replay))))
        now = replay.finished({})
        g, z = now.cotangents[site.a], replay.values[site.z]
        if name != "linear":
            np.testing.assert_allclose(site.backward(g, site.output, z), now.cotangents[site.z])


HEADS: dict[str, tuple[str, bool, Callable[[Any], Any]]] = {
    "softmax": ("softmax", True, lambda z: -np.sum(T * np.log(WAYS["softmax"][1](z))) / 5),
    "softmax, guarded": (
        "softmax",
        True,
        lambda z: -np.mean(np.sum(T * np.log(WAYS["softmax"][1](z - np.max(z))), axis=1)),
    ),
    "softmax, labels": (
        "softmax",
        True,
        lambda z: -np.mean(np.log(WAYS["softmax"][1](z)[np.arange(5), T.argmax(axis=1)])),
    ),
    "sigmoid": (
        "sigmoid",
        True,
        lambda z: (
            -np.mean(
                T * np.log(WAYS["sigmoid"][1](z)) + (1 - T) * np.log(1 - WAYS["sigmoid"][1](z))
            )
        ),
    ),
    "squared": ("sigmoid", False, lambda z: np.mean((WAYS["sigmoid"][1](z) - T) ** 2)),
    "squared, linear": ("linear", False, lambda z: np.sum((T - z) ** 2) / 2),
}


@pytest.mark.parametrize("way", HEADS)
def test_the_output_and_the_loss_are_read_together(way: str) -> None:
    name, is_cross_entropy, f = HEADS[way]
    replay = recorded(lambda W, b, V: f(np.tanh(X @ W + b) @ V), W=W, b=B, V=V)
    anatomy = Anatomy(replay)
    head = read_head(anatomy, activations(anatomy), replay.finished({}))
    assert head is not None
    assert (head.site.name, head.is_cross_entropy) == (name, is_cross_entropy)
    np.testing.assert_allclose(head.targets, T)
    np.testing.assert_allclose(head.error, head.factor * (head.site.output - T), atol=1e-12)


def test_rows_and_columns_are_told_apart() -> None:
    rows = Anatomy(recorded(lambda W, b: np.sum(np.tanh(X @ W + b)), W=W, b=B))
    columns = Anatomy(
        recorded(lambda W, b: np.sum(np.tanh(W @ X.T + b)), W=W.T.copy(), b=B[:, None].copy())
    )
    turned = Anatomy(recorded(lambda W, b: np.sum(np.tanh(X @ W.T + b)), W=W.T.copy(), b=B))
    for anatomy, axes in ((rows, (0,)), (columns, (1,)), (turned, (0,))):
        (product,), (bias,) = anatomy.products, anatomy.biases
        assert (product.name, bias.name, anatomy.samples) == ("W", "b", 5)
        assert bias.axes == anatomy.sample_axes(product.node) == axes


def test_a_penalty_is_what_depends_on_parameters_alone() -> None:
    def loss(W: Any, b: Any) -> Any:
        return np.mean((X @ W + b) ** 2) + 0.1 * np.sum(W**2) / 2

    replay = recorded(loss, W=W, b=B)
    anatomy = Anatomy(replay)
    assert len(anatomy.penalties) == 1
    now = replay.finished({})
    part = replay.gradients_from({n: now.cotangents[n] for n in anatomy.penalties})
    np.testing.assert_allclose(part["W"], 0.1 * W)
    assert not part["b"].any()


# Replaying


def test_a_replay_without_altered_rules_is_the_gradient() -> None:
    replay = recorded(lambda W, b, V: np.sum(np.tanh(X @ W + b) @ V * T), W=W, b=B, V=V)
    now = replay.finished({})
    h = np.tanh(X @ W + B)
    dz = T @ V.T * (1 - h**2)
    for name, expected in (("V", h.T @ T), ("W", X.T @ dz), ("b", dz.sum(axis=0))):
        np.testing.assert_allclose(now.gradients[name], expected)


def test_a_replay_starts_at_the_altered_node_and_hands_out_what_lies_behind() -> None:
    replay = recorded(lambda W, b, V: np.sum(np.tanh(X @ W + b) @ V * T), W=W, b=B, V=V)
    now = replay.finished({})
    (site, _) = activations(Anatomy(replay))
    rules = {site.a: lambda node, g, y, *x: (g,)}
    seen = dict(replay.gradients(rules, now))
    assert list(seen) == ["b", "W"]
    np.testing.assert_allclose(seen["W"], X.T @ (T @ V.T))
    whole = replay.finished(rules, now)
    np.testing.assert_allclose(whole.gradients["W"], seen["W"])
    np.testing.assert_array_equal(whole.gradients["V"], now.gradients["V"])
