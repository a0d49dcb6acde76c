"""check_gradients: what is right is called right, what is wrong wrong, whatever is handed over."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from two_layers import Arrays, TwoLayers

import chainrule as cr
from chainrule.check import check_gradients, truth
from chainrule.errors import DataError, DtypeError, GradientError, OptionError

WAYS = ["loss", "unrecordable", "real_only"]


def wrong(report: Any) -> list[str]:
    return [name for name, v in report.parameters.items() if not v.right]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("as_function", [True, False])
def test_right_gradients_are_right(way: str, activation: str, as_function: bool) -> None:
    net = TwoLayers(activation=activation)
    given = net.gradients if as_function else net.gradients(net.parameters)
    report = check_gradients(getattr(net, way), net.parameters, given)
    assert report.ok
    assert report.mistakes == ()
    assert list(report.parameters) == ["W1", "b1", "W2", "b2"]
    assert all(v.slope == pytest.approx(1, abs=1e-6) for v in report.parameters.values())
    report.raise_if_wrong()


@pytest.mark.parametrize("way", WAYS)
def test_each_way_says_how_it_was_done(way: str) -> None:
    net = TwoLayers()
    how = check_gradients(getattr(net, way), net.parameters, net.gradients).how
    told = {
        "loss": "the loss was recorded as a graph; its gradient agrees with differences",
        "unrecordable": "every entry by the complex step",
        "real_only": "every entry by central differences",
    }
    assert told[way] in how


@pytest.mark.parametrize(
    ("stalls", "told"), [(1, "every entry by"), (9, "random entries of each larger parameter")]
)
def test_one_slow_call_does_not_make_a_loss_slow(
    stalls: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clock() -> Iterator[float]:
        for measured in count():
            yield 100.0 * measured
            yield 100.0 * measured + (10.0 if measured < stalls else 1e-5)

    monkeypatch.setattr(truth, "time", SimpleNamespace(perf_counter=clock().__next__))
    net = TwoLayers()
    assert told in check_gradients(net.real_only, net.parameters, net.gradients).how


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2"])
def test_one_wrong_entry_is_found(way: str, name: str) -> None:
    net = TwoLayers()
    given = net.gradients(net.parameters)
    given[name].flat[1] += 1e-3
    report = check_gradients(getattr(net, way), net.parameters, given)
    assert wrong(report) == [name]
    worst = report.parameters[name].worst
    assert worst is not None
    assert given[name][worst.index] == worst.theirs == pytest.approx(worst.true + 1e-3)
    with pytest.raises(GradientError, match=f"1 of 4 gradients is wrong: {name}"):
        report.raise_if_wrong()


@pytest.mark.parametrize("way", WAYS)
def test_a_scale_shows_as_slope_without_rest(way: str) -> None:
    net = TwoLayers(rows=12)
    given = {name: 12 * g for name, g in net.gradients(net.parameters).items()}
    report = check_gradients(getattr(net, way), net.parameters, given)
    assert wrong(report) == ["W1", "b1", "W2", "b2"]
    for v in report.parameters.values():
        assert v.slope == pytest.approx(12, rel=1e-6)
        assert v.residual is not None
        assert v.residual < 1e-6


def test_another_direction_shows_as_rest() -> None:
    net = TwoLayers()
    given = net.gradients(net.parameters)
    given["W1"] = given["W1"][::-1].copy()
    residual = check_gradients(net.loss, net.parameters, given).parameters["W1"].residual
    assert residual is not None
    assert residual > 0.1


# Rounding


@pytest.mark.parametrize("rows", [1, 40])
@pytest.mark.parametrize("way", ["loss", "unrecordable"])
def test_float32_is_no_mistake(rows: int, way: str) -> None:
    net = TwoLayers(rows=rows)
    single = {name: array.astype(np.float32) for name, array in net.parameters.items()}
    net.X, net.t = net.X.astype(np.float32), net.t.astype(np.float32)
    given = net.gradients(single)
    assert given["W1"].dtype == np.float32
    assert check_gradients(getattr(net, way), single, given).ok


def test_a_tiny_penalty_is_seen_through_float32() -> None:
    net = TwoLayers(rows=40)
    single = {name: array.astype(np.float32) for name, array in net.parameters.items()}
    given = net.gradients(single)
    given["W1"] = (given["W1"] + 1e-4 * single["W1"]).astype(np.float32)
    assert wrong(check_gradients(net.loss, single, given)) == ["W1"]


def test_what_is_checked_is_computed_in_float64() -> None:
    seen = set()

    def loss(w: Any) -> Any:
        seen.add(getattr(w, "dtype", None))
        return np.sum(w**2)

    assert check_gradients(loss, np.ones(3, np.float32), lambda w: 2 * w).ok
    assert np.dtype(np.float32) not in seen


def test_a_loss_that_computes_in_float32_itself_is_judged_as_such() -> None:
    net = TwoLayers()
    single = {name: array.astype(np.float32) for name, array in net.parameters.items()}

    def loss(p: Any) -> Any:
        return net.loss({name: p[name].astype(np.float32) for name in p})

    net.X, net.t = net.X.astype(np.float32), net.t.astype(np.float32)
    given = {name: g.astype(np.float64) for name, g in net.gradients(single).items()}
    report = check_gradients(loss, net.parameters, given)
    assert report.ok
    assert "recorded" in report.how
    given["W2"] = given["W2"] * 1.01
    assert wrong(check_gradients(loss, net.parameters, given)) == ["W2"]


# Kinks and guards


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("as_function", [True, False])
@pytest.mark.parametrize("at_zero", [0.0, 1.0])
def test_relu_at_exactly_zero_is_a_matter_of_taste(
    way: str, as_function: bool, at_zero: float
) -> None:
    net = TwoLayers(activation="relu")
    net.X[0] = 0
    net.parameters["b1"][:] = 0

    def gradients(p: Arrays) -> Arrays:
        z, h, y = net.forward(p)
        d2 = (y - net.t) / len(net.X)
        d1 = d2 @ p["W2"].T * np.where(z == 0, at_zero, z > 0)
        return {"W1": net.X.T @ d1, "b1": d1.sum(axis=0), "W2": h.T @ d2, "b2": d2.sum(axis=0)}

    given = gradients if as_function else gradients(net.parameters)
    assert check_gradients(getattr(net, way), net.parameters, given).ok
    broken = gradients(net.parameters) | {"b1": 3 * gradients(net.parameters)["b1"]}
    assert "b1" in wrong(check_gradients(getattr(net, way), net.parameters, broken))


def test_a_function_that_hands_out_fixed_arrays_is_not_asked_elsewhere() -> None:
    net = TwoLayers(activation="relu")
    net.X[0] = 0
    net.parameters["b1"][:] = 0
    given = net.gradients(net.parameters)
    report = check_gradients(net.loss, net.parameters, lambda p: given)
    assert wrong(report) == []
    assert "moved aside" not in str(report)


def test_a_kink_is_a_note_and_no_mistake() -> None:
    w = np.array([0.0, 1.0, -2.0])
    report = check_gradients(lambda w: np.sum(np.abs(np.array(w))), w, np.array([0.3, 1.0, -1.0]))
    assert report.ok
    assert "1 entries were left out, because the loss has a kink there" in report.notes[0]
    report = check_gradients(lambda w: np.sum(np.abs(np.array(w))), w, np.array([1.3, 1.0, -1.0]))
    assert wrong(report) == ["w"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["plus", "clip"])
def test_a_guard_in_the_logarithm_is_not_differentiated(way: str, kind: str) -> None:
    class Guarded(TwoLayers):
        def loss(self, p: Any) -> Any:
            y = self.forward(p)[2]
            safe = y + 1e-7 if kind == "plus" else np.clip(y, 1e-7, 1 - 1e-7)
            return -np.sum(self.t * np.log(safe)) / len(self.X)

    net = Guarded()
    net.parameters["W2"] *= 6  # some probability far below 1e-7
    report = check_gradients(getattr(net, way), net.parameters, net.gradients)
    assert report.ok
    assert "the gradients are those of the loss without it" in report.notes[0]
    given = net.gradients(net.parameters)
    given["b1"] = 2 * given["b1"]
    assert wrong(check_gradients(getattr(net, way), net.parameters, given)) == ["b1"]


def test_a_guard_that_flattens_the_loss_is_told() -> None:
    def loss(w: Any) -> float:
        y = 1 / (1 + np.exp(-np.array(w, dtype=float)))
        return float(-np.sum(np.log(1 - y + 1e-12)))

    report = check_gradients(loss, np.array([60.0]), np.array([1.0]))
    assert not report.ok
    assert not report.parameters["w"].judged
    assert "The gradients cannot be judged" in str(report)
    assert "a guard (a small number inside a logarithm) makes the loss flat" in report.notes[0]
    assert check_gradients(loss, np.array([60.0]), lambda w: 1 / (1 + np.exp(-w))).ok


# What may be handed over


def test_one_array_a_number_and_a_list() -> None:
    assert check_gradients(lambda w: np.sum(w**3), np.array([1.0, 2.0]), [3.0, 12.0]).ok
    assert check_gradients(math.sin, 1.0, math.cos).ok
    assert not check_gradients(math.sin, 1.0, math.sin).ok
    pair = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    report = check_gradients(lambda p: np.sum(p[0] * p[1]), pair, [pair[1], pair[0]])
    assert report.ok
    assert list(report.parameters) == ["p[0]", "p[1]"]


def test_a_loss_of_several_arguments() -> None:
    def loss(W: Any, b: Any) -> Any:
        return np.sum((W @ b) ** 2)

    W, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, -1.0])
    right = (2 * np.outer(W @ b, b), 2 * W.T @ (W @ b))
    assert list(check_gradients(loss, (W, b), right).parameters) == ["W", "b"]
    assert check_gradients(loss, (W, b), right).ok
    assert wrong(check_gradients(loss, (W, b), lambda W, b: (right[0], 2 * W @ (W @ b)))) == ["b"]


def test_nested_parameters_and_layers() -> None:
    layers = [{"W": np.ones((2, 2)), "b": np.zeros(2)}, {"W": 2 * np.ones((2, 1)), "b": np.ones(1)}]
    x = np.array([[1.0, 2.0]])

    def loss(layers: Any) -> Any:
        a = x
        for layer in layers:
            a = a @ layer["W"] + layer["b"]
        return np.sum(a)

    def gradients(layers: Any) -> Any:
        one, two = layers
        d = two["W"].T
        h = x @ one["W"] + one["b"]
        return [{"dW": x.T @ d, "db": d[0]}, {"dW": h.T, "db": np.ones(1)}]

    report = check_gradients(loss, layers, gradients)
    assert report.ok
    assert list(report.parameters) == ["layers[0].W", "layers[0].b", "layers[1].W", "layers[1].b"]


@pytest.mark.parametrize("key", ["d{}", "grad_{}", "{}_grad", "dL_d{}"])
def test_gradients_by_their_usual_names(key: str) -> None:
    net = TwoLayers()
    given = {key.format(n): g for n, g in net.gradients(net.parameters).items()} | {"dZ1": 0.0}
    assert check_gradients(net.loss, net.parameters, given).ok


def test_what_is_no_array_is_left_as_it_is() -> None:
    p = {"w": np.array([1.0, 2.0]), "layers": 2, "name": "mine", "act": np.tanh}
    loss = lambda p: np.sum(p["act"](p["w"])) * p["layers"]  # noqa: E731
    report = check_gradients(loss, p, {"w": 2 * (1 - np.tanh(p["w"]) ** 2)})
    assert report.ok
    assert list(report.parameters) == ["w"]


def test_only_some_parameters() -> None:
    net = TwoLayers()
    given = net.gradients(net.parameters)
    given["b2"] = given["b2"] * 2
    assert check_gradients(net.loss, net.parameters, given, names=["W1", "b1"]).ok
    with pytest.raises(OptionError, match=r"parameter 'W3' is not known. Known: W1"):
        check_gradients(net.loss, net.parameters, given, names=["W3"])


def test_a_recorded_graph_is_judged_as_it_is_and_against_other_gradients() -> None:
    x, w = np.array([[1.0, 2.0]]), np.array([[0.5], [-1.0]])
    graph = cr.trace(lambda x, w: cr.sum(cr.tanh(x @ w)), x, w)
    assert check_gradients(graph, (x, w)).ok
    right = {"w": x.T @ (1 - np.tanh(x @ w) ** 2)}
    report = check_gradients(graph, {"x": x, "w": w}, right)
    assert report.ok
    assert list(report.parameters) == ["w"]
    assert not check_gradients(graph, {"x": x, "w": w}, {"dw": x.T}).ok
    with pytest.raises(OptionError, match=r"the graph needs numbers for x, w; missing: \['w'\]"):
        check_gradients(graph, {"x": x})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sequential_is_judged_by_its_training_gradient(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(9, 4)), rng.integers(0, 3, 9)
    layers = (cr.Dense(5, "relu"), cr.Dropout(0.3), cr.BatchNorm(), cr.Dense(3, "softmax"))
    net = cr.Sequential(*layers, dtype=dtype).build(4)
    kept = net.snapshot()
    assert check_gradients(net, (X, t), loss="cross_entropy").ok
    assert all(np.array_equal(kept[name], array) for name, array in net.snapshot().items())
    # The planned gradient with one mistake in it.
    from chainrule.check import networks

    real = networks._training_gradient

    def spoiled(*arguments: Any) -> Any:
        run = real(*arguments)
        factor = np.where(np.arange(53) == 7, 1.01, 1).astype(dtype)
        return lambda *arrays: run(*arrays) * factor

    monkeypatch.setattr(networks, "_training_gradient", spoiled)
    assert wrong(check_gradients(net, (X, t), loss="cross_entropy")) == ["W1"]


# What is refused, or told


def test_gradients_that_cannot_be_assigned() -> None:
    net = TwoLayers()
    given = net.gradients(net.parameters)
    with pytest.raises(GradientError, match=r"2 gradients were given \(\[0\], \[1\]\) for 4"):
        check_gradients(net.loss, net.parameters, [given["W1"], given["b1"]])
    with pytest.raises(GradientError, match="the gradients are None"):
        check_gradients(net.loss, net.parameters, lambda p: None)
    with pytest.raises(OptionError, match="the gradients are missing: check_gradients"):
        check_gradients(net.loss, net.parameters)


def test_a_gradient_that_is_missing_misshapen_or_not_finite() -> None:
    net = TwoLayers()
    given = net.gradients(net.parameters)
    del given["b1"]
    given["W2"] = given["W2"].T
    given["b2"] = np.array([1.0, np.nan, 2.0])
    report = check_gradients(net.loss, net.parameters, given)
    assert {n: v.remark for n, v in report.parameters.items() if not v.right} == {
        "b1": "not given",
        "W2": "it has shape (3, 5)",
        "b2": "NaN or infinite in 1 of 3 entries",
    }


def test_axes_of_one_entry_in_front_are_no_mistake() -> None:
    net = TwoLayers()
    given = net.gradients(net.parameters)
    given["b1"] = given["b1"][np.newaxis]
    assert check_gradients(net.loss, net.parameters, given).ok
    given["b1"] = given["b1"].T  # b1 - db1 would be (5, 5)
    assert wrong(check_gradients(net.loss, net.parameters, given)) == ["b1"]


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (lambda p: p["w"] ** 2, GradientError, r"returned 2 numbers \(shape \(2,\)\); one was"),
        (lambda p: None, GradientError, r"the loss returned nothing \(None\). Is a return"),
        (lambda p: (1.0, {}), GradientError, r"a tuple of 2; .* lambda p: loss\(p\)\[0\]"),
        (lambda p: "much", GradientError, "a real number was expected"),
        (lambda p: math.nan, GradientError, "the loss is nan at these parameters"),
        (lambda p: p["v"], KeyError, "v"),
    ],
)
def test_what_is_no_loss(loss: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_gradients(loss, {"w": np.ones(2)}, {"w": np.ones(2)})


def test_what_are_no_parameters() -> None:
    with pytest.raises(OptionError, match=r"there are no parameters in what was given \(dict\)"):
        check_gradients(np.sum, {}, {})
    with pytest.raises(DataError, match="w holds NaN or infinity"):
        check_gradients(lambda p: 1.0, {"w": np.array([np.inf])}, {"w": np.ones(1)})
    with pytest.raises(DtypeError, match="w holds complex numbers"):
        check_gradients(lambda p: 1.0, {"w": np.array([1j])}, {"w": np.ones(1)})
    with pytest.raises(OptionError, match="loss= names the loss of a Sequential"):
        check_gradients(np.sum, np.ones(2), np.ones(2), loss="mean_squared_error")


def test_integer_parameters_are_told() -> None:
    report = check_gradients(lambda w: np.sum(w**2), np.array([3, 4]), np.array([6, 8]))
    assert report.ok
    assert "w holds integers (int64): it was checked as floats, but a training" in report.notes[0]


# Large ones


def test_a_large_network_is_sampled_and_the_confidence_is_said() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    w = rng.normal(size=(60, 400))

    def slow(w: Any) -> float:
        for _ in range(30):
            value = float(np.sum(np.tanh(np.array(w, dtype=float) @ x)))
        return value

    right = np.outer(1 - np.tanh(w @ x) ** 2, x)
    report = check_gradients(slow, w, right)
    assert report.ok
    assert "random entries of each larger parameter" in report.how
    assert "with probability 0." in report.how
    shown = right.copy()
    shown[::2] *= 1.5
    assert not check_gradients(slow, w, shown).ok
    hidden = right.copy()
    hidden[3, 3] += np.abs(right).max()
    report = check_gradients(slow, w, hidden)
    assert wrong(report) == ["w"]


def test_the_gradient_of_a_recorded_network_is_compared_whole() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=400), rng.normal(size=(60, 400))
    right = np.outer(1 - np.tanh(w @ x) ** 2, x)
    right[3, 3] += 1e-4
    assert wrong(check_gradients(lambda w: np.sum(np.tanh(w @ x)), w, right)) == ["w"]
