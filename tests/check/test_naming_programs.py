"""Mistakes in other kinds of programs: penalties, masks, loops, reuse, no graph, functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.check import kinds
from chainrule.check.gradients import check_gradients
from chainrule.check.kinds import Mistake

Array = np.ndarray
Parameters = dict[str, Array]
RNG = np.random.default_rng(8)
M = 7
X = RNG.normal(size=(M, 3))
T = RNG.normal(size=(M, 2))
P: Parameters = {
    "W1": RNG.normal(size=(3, 4)),
    "b1": RNG.normal(size=4),
    "W2": RNG.normal(size=(4, 2)),
    "b2": RNG.normal(size=2),
}
MASK = (RNG.random((M, 4)) < 0.6) / 0.6
OTHER_MASK = (RNG.random((M, 4)) < 0.6) / 0.6


def named(loss: Any, parameters: Any, gradients: Any) -> tuple[Mistake, ...]:
    return tuple(check_gradients(loss, parameters, gradients).mistakes)


def only(loss: Any, parameters: Any, gradients: Any) -> Mistake:
    found = named(loss, parameters, gradients)
    assert len(found) == 1, [mistake.kind for mistake in found]
    return found[0]


# A penalty


def penalised(p: Parameters) -> Any:
    y = np.tanh(X @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
    return np.sum((y - T) ** 2) / M + 0.05 * (np.sum(p["W1"] ** 2) + np.sum(p["W2"] ** 2))


def without_penalty(p: Parameters) -> Parameters:
    h = np.tanh(X @ p["W1"] + p["b1"])
    dy = 2 * (h @ p["W2"] + p["b2"] - T) / M
    dz = dy @ p["W2"].T * (1 - h**2)
    return {"W1": X.T @ dz, "b1": dz.sum(axis=0), "W2": h.T @ dy, "b2": dy.sum(axis=0)}


@pytest.mark.parametrize(
    ("kind", "strength", "data"),
    [
        (kinds.PENALTY_ONLY_IN_LOSS, 0.0, 1.0),
        (kinds.FACTOR_2, 0.2, 1.0),
        (kinds.FACTOR_HALF, 0.05, 1.0),
        (kinds.WRONG_SIGN, -0.1, 1.0),
        (kinds.MISSING_M, 0.1, M),
        (kinds.WRONG_SIGN, 0.1, -1.0),
        (kinds.SCALED, 0.1, 0.03),
    ],
)
def test_the_penalty_and_the_data_are_judged_apart(kind: str, strength: float, data: float) -> None:
    g = {name: data * part for name, part in without_penalty(P).items()}
    for name in ("W1", "W2"):
        g[name] += strength * P[name]
    found = only(penalised, P, g)
    assert found.kind == kind
    assert {"W1", "W2"} <= set(found.parameters)


def test_a_transposed_gradient_beside_a_penalty() -> None:
    square = {"w": RNG.normal(size=(3, 3))}

    def loss(p: Parameters) -> Any:
        return np.sum(np.tanh(X @ p["w"])) + 0.1 * np.sum(p["w"] ** 2)

    data = X.T @ (1 - np.tanh(X @ square["w"]) ** 2)
    assert only(loss, square, {"w": data.T + 0.2 * square["w"]}).kind == kinds.TRANSPOSED


# Nodes that are used more than once, and masks


def test_a_skip_connection_that_is_forgotten_on_the_way_back() -> None:
    w = {"W1": RNG.normal(size=(3, 3)), "W2": RNG.normal(size=(3, 3))}

    def loss(p: Parameters) -> Any:
        h = np.tanh(X @ p["W1"])
        return np.sum(np.square(np.tanh(h @ p["W2"]) + h)) / 2

    h = np.tanh(X @ w["W1"])
    inner = np.tanh(h @ w["W2"])
    dy = inner + h
    dz2 = dy * (1 - inner**2)
    for dh in (dz2 @ w["W2"].T, dy):
        g = {"W1": X.T @ (dh * (1 - h**2)), "W2": h.T @ dz2}
        assert only(loss, w, g).kind == kinds.OVERWRITTEN
    g = {"W1": X.T @ ((dy + dz2 @ w["W2"].T) * (1 - h**2)), "W2": h.T @ dz2}
    assert named(loss, w, g) == ()


@pytest.mark.parametrize("kept", ["last", "first"])
def test_a_loop_over_steps_that_overwrites(kept: str) -> None:
    steps = RNG.normal(size=(3, M, 2))
    w = {"Wx": RNG.normal(size=(2, 2)), "Wh": RNG.normal(size=(2, 2))}

    def loss(p: Parameters) -> Any:
        h = np.zeros((M, 2))
        for x in steps:
            h = np.tanh(x @ p["Wx"] + h @ p["Wh"])
        return np.sum(h**2) / 2

    h = [np.zeros((M, 2))]
    for x in steps:
        h.append(np.tanh(x @ w["Wx"] + h[-1] @ w["Wh"]))
    g, dh = {"Wx": np.zeros((2, 2)), "Wh": np.zeros((2, 2))}, h[-1]
    parts: dict[str, list[Array]] = {"Wx": [], "Wh": []}
    for t in (2, 1, 0):
        dz = dh * (1 - h[t + 1] ** 2)
        parts["Wx"].append(steps[t].T @ dz)
        parts["Wh"].append(h[t].T @ dz)
        dh = dz @ w["Wh"].T
    g = {name: sum(part) for name, part in parts.items()}
    assert named(loss, w, g) == ()
    found = only(loss, w, g | {"Wx": parts["Wx"][0 if kept == "last" else -1]})
    assert (found.kind, found.parameters) == (kinds.OVERWRITTEN, ("Wx",))


def masked(p: Parameters) -> Any:
    y = np.tanh(X @ p["W1"] + p["b1"]) * MASK @ p["W2"] + p["b2"]
    return np.sum((y - T) ** 2) / M


@pytest.mark.parametrize("mask", [np.ones((M, 4)), (MASK > 0) * 1.0, OTHER_MASK])
def test_another_mask_on_the_way_back(mask: Array) -> None:
    h = np.tanh(X @ P["W1"] + P["b1"])
    dy = 2 * (h * MASK @ P["W2"] + P["b2"] - T) / M

    def with_mask(mask: Array) -> Parameters:
        dz = dy @ P["W2"].T * mask * (1 - h**2)
        tail = {"W2": (h * MASK).T @ dy, "b2": dy.sum(axis=0)}
        return {"W1": X.T @ dz, "b1": dz.sum(axis=0)} | tail

    assert named(masked, P, with_mask(MASK)) == ()
    found = only(masked, P, with_mask(mask))
    assert (found.kind, set(found.parameters)) == (kinds.NOISE, {"W1", "b1"})


def test_a_parameter_that_the_loss_does_not_use() -> None:
    def loss(p: Parameters) -> Any:
        return np.sum((X @ p["w"] - T) ** 2) / 2

    w = RNG.normal(size=(3, 2))
    right = X.T @ (X @ w - T)
    found = only(loss, {"w": w, "b": np.zeros(2)}, {"w": right, "b": (X @ w - T).sum(axis=0)})
    assert (found.kind, found.parameters) == (kinds.UNUSED, ("b",))
    assert named(loss, {"w": w, "b": np.zeros(2)}, {"w": right, "b": np.zeros(2)}) == ()


# Functions, and what they remember


def forward(p: Parameters, x: Array = X) -> tuple[Any, Any]:
    h = np.tanh(x @ p["W1"] + p["b1"])
    return h, h @ p["W2"] + p["b2"]


def loss(p: Parameters) -> Any:
    return np.sum((forward(p)[1] - T) ** 2) / M


def backward(p: Parameters, h: Array, y: Array) -> Parameters:
    dy = 2 * (y - T) / M
    dz = dy @ p["W2"].T * (1 - h**2)
    return {"W1": X.T @ dz, "b1": dz.sum(axis=0), "W2": h.T @ dy, "b2": dy.sum(axis=0)}


def test_right_functions_are_right() -> None:
    assert named(loss, P, lambda p: backward(p, *forward(p))) == ()


def test_a_cache_that_is_filled_once() -> None:
    cache: dict[str, Any] = {}

    def gradients(p: Parameters) -> Parameters:
        if not cache:
            cache["kept"] = forward(p)
        return backward(p, *cache["kept"])

    found = only(loss, P, gradients)
    assert found.kind == kinds.STALE
    assert "earlier call" in found.what


def test_gradients_that_never_change() -> None:
    kept = backward(P, *forward({name: p + 0.1 for name, p in P.items()}))
    assert only(loss, P, lambda p: kept).kind == kinds.STALE


X_TEST = RNG.normal(size=(M, 3))


def test_a_forward_pass_on_other_data_comes_in_between() -> None:
    def gradients(p: Parameters) -> Parameters:
        return backward(p, *forward(p, X_TEST))

    found = only(loss, P, gradients)
    assert found.kind == kinds.STALE
    assert "X_TEST" in found.what


def test_a_function_that_writes_into_its_argument() -> None:
    def gradients(p: Parameters) -> Parameters:
        g = backward(p, *forward(p))
        p["b2"] -= 0.1 * g["b2"]
        return g

    found = only(loss, P, gradients)
    assert (found.kind, found.parameters) == (kinds.WRITTEN_INTO, ("b2",))


def test_noise_of_its_own() -> None:
    def noisy(p: Parameters) -> Any:
        y = forward(p)[1] + np.random.default_rng().normal(size=(M, 2))
        return np.sum((y - T) ** 2) / M

    assert only(noisy, P, backward(P, *forward(P))).kind == kinds.NOT_DETERMINISTIC

    def gradients(p: Parameters) -> Parameters:
        h, y = forward(p)
        return backward(p, h, y + np.random.default_rng().normal(size=(M, 2)))

    assert only(loss, P, gradients).kind == kinds.NOT_DETERMINISTIC


# Without a graph


def opaque(p: Parameters) -> Any:
    """Nothing that could be recorded: numbers are taken out one by one."""
    W, b = p["W"], p["b"]
    total = 0.0
    for x, t in zip(X, T, strict=True):
        for j in range(2):
            total += (sum(float(x[i]) * float(W[i, j]) for i in range(3)) + float(b[j]) - t[j]) ** 2
    return total / M


Q = {"W": RNG.normal(size=(3, 2)), "b": RNG.normal(size=2)}
DY = 2 * (X @ Q["W"] + Q["b"] - T) / M
RIGHT = {"W": X.T @ DY, "b": DY.sum(axis=0)}
PATTERNS: dict[str, Callable[[Parameters], Parameters]] = {
    kinds.WRONG_SIGN: lambda g: {"W": -g["W"], "b": -g["b"]},
    kinds.FACTOR_2: lambda g: {"W": 2 * g["W"], "b": 2 * g["b"]},
    kinds.MISSING_M: lambda g: {"W": M * g["W"], "b": M * g["b"]},
    kinds.FROZEN: lambda g: g | {"W": np.zeros((3, 2))},
    kinds.TRANSPOSED: lambda g: g | {"W": g["W"].T},
    kinds.SUMMED_OVER_ALL: lambda g: g | {"b": np.full(2, g["b"].sum())},
    kinds.PENALTY_ONLY_IN_GRADIENT: lambda g: g | {"W": g["W"] + 0.3 * Q["W"]},
    kinds.SCALED: lambda g: {"W": 0.37 * g["W"], "b": 0.37 * g["b"]},
    kinds.NOT_RECOGNISED: lambda g: g | {"W": g["W"] ** 3},
}


@pytest.mark.parametrize("kind", PATTERNS)
def test_patterns_name_it_where_nothing_could_be_recorded(kind: str) -> None:
    assert only(opaque, Q, PATTERNS[kind](RIGHT)).kind == kind


def test_right_without_a_graph() -> None:
    assert named(opaque, Q, RIGHT) == ()


# Odd, and right


def test_one_sample_one_unit() -> None:
    x, t = np.array([[0.7]]), np.array([[0.2]])
    w = {"w": np.array([[0.3]]), "b": np.array([0.1])}

    def one(p: Parameters) -> Any:
        return np.sum((np.tanh(x @ p["w"] + p["b"]) - t) ** 2)

    a = np.tanh(x @ w["w"] + w["b"])
    dz = 2 * (a - t) * (1 - a**2)
    assert named(one, w, {"w": x.T @ dz, "b": dz.sum(axis=0)}) == ()
    missing = 2 * (a - t)
    found = only(one, w, {"w": x.T @ missing, "b": missing.sum(axis=0)})
    assert found.kind == kinds.DERIVATIVE_MISSING
