"""Programs with a sample in each column, W @ X + b, as many lectures write them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.doctor.byhand.columns import NOTE, typed
from chainrule.doctor.byhand.given import program_of
from chainrule.errors import OptionError, ShapeError

P = dict[str, Any]


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def hidden(p: P, X: Any) -> Any:
    return np.tanh(p["W1"] @ X + p["b1"])


def forward(p: P, X: Any) -> Any:
    return sigmoid(p["W2"] @ hidden(p, X) + p["b2"])


def loss(p: P, X: Any, Y: Any) -> Any:
    A = forward(p, X)
    return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))


def gradients(p: P, X: Any, Y: Any) -> P:
    H, A = hidden(p, X), forward(p, X)
    d2 = (A - Y) / X.shape[1]
    d1 = p["W2"].T @ d2 * (1 - H**2)
    return {
        "W1": d1 @ X.T, "b1": d1.sum(axis=1, keepdims=True),
        "W2": d2 @ H.T, "b2": d2.sum(axis=1, keepdims=True),
    }  # fmt: skip


def without_derivative(p: P, X: Any, Y: Any) -> P:
    d1 = p["W2"].T @ ((forward(p, X) - Y) / X.shape[1])
    return gradients(p, X, Y) | {"W1": d1 @ X.T, "b1": d1.sum(axis=1, keepdims=True)}


def bias_averaged(p: P, X: Any, Y: Any) -> P:
    right = gradients(p, X, Y)
    return right | {"b1": right["b1"] / X.shape[1]}


def batches(X: Any, Y: Any) -> Iterator[tuple[Any, Any]]:
    for i in range(0, X.shape[1], 32):
        yield X[:, i : i + 32], Y[:, i : i + 32]


def given(gradients: Any = gradients, *, rate: float = 1.0, zeros: bool = False) -> P:
    """Two inputs, of which the signs decide, and 200 samples."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(2, 200))
    p = {
        "W1": rng.normal(size=(8, 2)) * 0.7, "b1": np.zeros((8, 1)),
        "W2": rng.normal(size=(1, 8)) * 0.35, "b2": np.zeros((1, 1)),
    }  # fmt: skip

    def step(p: P, X: Any, Y: Any) -> None:
        g = gradients(p, X, Y)
        for name in p:
            p[name] -= rate * g[name]

    return {
        "step": step, "forward": forward, "loss": loss, "gradients": gradients,
        "parameters": {k: 0 * v for k, v in p.items()} if zeros else p,
        "data": (X, (X[:1] * X[1:] > 0).astype(float)), "batches": batches, "epochs": 60,
    }  # fmt: skip


def test_a_healthy_program_is_told_so_and_how_it_was_read() -> None:
    found = cr.diagnose(**given())
    assert (found.verdict, found.findings) == ("healthy", ())
    assert NOTE in found.summary


CASES: dict[str, tuple[P, str]] = {
    "zero_weights": (
        given(zeros=True),
        "W = rng.normal(size=(units, inputs)) / np.sqrt(inputs) for every weight, and biases "
        "np.zeros((units, 1))",
    ),
    "activation_derivative_missing": (
        given(without_derivative), "dz = da * (1 - a**2)    # a = tanh(z)",
    ),
    "bias_averaged": (given(bias_averaged), "db1 = dz.sum(axis=1, keepdims=True)"),
    "rate_too_large": (given(rate=200.0), "the learning rate times "),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_cause_is_told_and_the_repair_is_for_columns(name: str) -> None:
    options, repair = CASES[name]
    before = {key: array.copy() for key, array in options["parameters"].items()}
    found = cr.diagnose(**options)
    assert found.findings[0].name == name
    assert found.findings[0].repair.startswith(repair)
    for key, array in options["parameters"].items():
        assert array.tobytes() == before[key].tobytes()


def test_it_is_the_diagnosis_of_the_same_program_in_rows() -> None:
    """Turned by hand, all numbers are the same to rounding."""
    options = given(without_derivative)

    def turned(p: P) -> P:
        return {name: np.ascontiguousarray(array.T) for name, array in p.items()}

    def step(p: P, X: Any, Y: Any) -> P:
        old = turned(p)
        options["step"](old, X.T, Y.T)
        return turned(old)

    def in_rows(p: P, X: Any) -> Any:
        return sigmoid(np.tanh(X @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"])

    def loss_in_rows(p: P, X: Any, Y: Any) -> Any:
        A = in_rows(p, X)
        return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))

    X, Y = options["data"]
    rows = cr.diagnose(
        step=step, forward=in_rows, loss=loss_in_rows, parameters=turned(options["parameters"]),
        gradients=lambda p, X, Y: turned(options["gradients"](turned(p), X.T, Y.T)),
        batches=lambda X, Y: ((a.T, b.T) for a, b in batches(X.T, Y.T)),
        data=(X.T.copy(), Y.T.copy()), epochs=60,
    )  # fmt: skip
    columns = cr.diagnose(**options)
    assert columns.verdict == rows.verdict
    assert [x.name for x in columns.findings] == [x.name for x in rows.findings]
    assert columns.summary == f"{rows.summary} {NOTE}"


def test_steps_that_return_new_parameters_and_vectors_of_targets() -> None:
    options = given()
    in_place = options["step"]

    def step(p: P, X: Any, y: Any) -> P:
        new = {name: array.copy() for name, array in p.items()}
        in_place(new, X, y.reshape(1, -1))
        return new

    X, Y = options["data"]
    found = cr.diagnose(
        step=step,
        forward=forward,
        parameters=options["parameters"],
        data=(X, Y[0]),
        epochs=60,
        loss=lambda p, X, y: loss(p, X, y.reshape(1, -1)),
        validation=(X[:, :50] + 0.01, Y[0, :50]),
    )
    assert found.verdict == "healthy"


def test_a_repair_can_be_applied_and_the_program_then_learns() -> None:
    options = given(zeros=True)
    program = program_of(**options)
    (finding, *_) = cr.diagnose(**options).findings
    repaired: Any = finding.apply(program)  # type: ignore[arg-type]
    assert {k: a.shape for k, a in repaired.parameters.items()} == {
        "W1": (2, 8), "b1": (1, 8), "W2": (8, 1), "b2": (1, 1),
    }  # fmt: skip
    assert repaired.parameters["W1"].std() > 0.1


TYPED = {
    "mean, spread = X.mean(axis=0), X.std(axis=0); X = (X - mean) / spread":
    "mean, spread = X.mean(axis=1, keepdims=True), X.std(axis=1, keepdims=True); "
    "X = (X - mean) / spread",
    "divide by np.sum(e, axis=1, keepdims=True) below e = np.exp(z - np.max(z, axis=1, "
    "keepdims=True))":
    "divide by np.sum(e, axis=0, keepdims=True) below e = np.exp(z - np.max(z, axis=0, "
    "keepdims=True))",
    "order = rng.permutation(len(X)); X, y = X[order], y[order]   # before each epoch":
    "order = rng.permutation(X.shape[1]); X, y = X[:, order], y[..., order]   # before each epoch",
    "keep = np.isfinite(X).all(axis=-1); X, y = X[keep], y[keep]":
    "keep = np.isfinite(X).all(axis=0); X, y = X[:, keep], y[..., keep]",
    "np.mean(np.argmax(q, axis=1) == np.argmax(y, axis=1)) for one-hot rows":
    "np.mean(np.argmax(q, axis=0) == np.argmax(y, axis=0)) for one-hot rows",
}  # fmt: skip


@pytest.mark.parametrize("rows", TYPED)
def test_what_is_typed_in_repairs(rows: str) -> None:
    assert typed(rows) == TYPED[rows]


def test_data_that_are_neither_in_rows_nor_in_columns() -> None:
    options = given()
    X, Y = options["data"]
    with pytest.raises(ShapeError, match="one target a row was expected, or one a column where X"):
        cr.diagnose(**options | {"data": (X, Y[:, :7])})
    with pytest.raises(ShapeError, match="data has a sample in each column, so the same was"):
        cr.diagnose(**options | {"validation": (X.T, Y.T)})


def test_a_forward_pass_that_does_not_fit_is_told_with_the_shapes_that_were_given() -> None:
    options = given()
    options["forward"] = lambda p, X: X @ p["W1"]
    with pytest.raises(OptionError, match=r"X is \(2, 200\) and y \(1, 200\)"):
        cr.diagnose(**options)


def test_columns_of_very_different_sizes_each_count() -> None:
    """A column in thousandths beside one in thousands is no constant."""
    options = given()
    X, Y = options["data"]
    found = cr.diagnose(**options | {"data": (X * [[1e3], [1e-3]], Y)})
    assert found.findings[0].name == "inputs_too_large"
    assert "X.mean(axis=1, keepdims=True)" in found.findings[0].repair


def test_a_rate_that_is_smaller_by_five_powers_of_ten() -> None:
    found = cr.diagnose(**given(rate=1e-5))
    assert found.findings[0].name == "rate_too_small"


def softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)


def of_classes(inputs: int, classes: int = 3) -> P:
    """One-hot targets in columns, of as many classes as inputs perhaps."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(inputs, 200))
    Y = np.eye(classes)[X[:classes].argmax(axis=0)].T
    p = {
        "W1": rng.normal(size=(8, inputs)) * 0.6, "b1": np.zeros((8, 1)),
        "W2": rng.normal(size=(classes, 8)) * 0.35, "b2": np.zeros((classes, 1)),
    }  # fmt: skip

    def outputs(p: P, X: Any) -> Any:
        return softmax(p["W2"] @ hidden(p, X) + p["b2"])

    def step(p: P, X: Any, Y: Any) -> None:
        H = hidden(p, X)
        d2 = (outputs(p, X) - Y) / X.shape[1]
        d1 = p["W2"].T @ d2 * (1 - H**2)
        for name, g in {
            "W1": d1 @ X.T, "b1": d1.sum(1, keepdims=True),
            "W2": d2 @ H.T, "b2": d2.sum(1, keepdims=True),
        }.items():  # fmt: skip
            p[name] -= 0.8 * g

    return {
        "step": step, "forward": outputs, "parameters": p, "data": (X, Y), "batches": batches,
        "loss": lambda p, X, Y: -np.mean(np.sum(Y * np.log(outputs(p, X)), axis=0)), "epochs": 60,
    }  # fmt: skip


@pytest.mark.parametrize("inputs", [3, 5])
def test_as_many_classes_as_inputs_are_no_rows(inputs: int) -> None:
    """X and y fit as rows too, where both have three; then the weights tell."""
    found = cr.diagnose(**of_classes(inputs))
    assert (found.verdict, found.findings) == ("healthy", ())
    assert NOTE in found.summary


def test_one_input_and_one_output_are_no_single_row() -> None:
    program = program_of(**given() | {
        "data": (np.ones((1, 30)), np.ones((1, 30))),
        "parameters": {"W1": np.ones((8, 1)), "b1": np.ones((8, 1)), "W2": np.ones((1, 8))},
    })  # fmt: skip
    assert program.is_in_columns
    assert program.data[0].shape == (30, 1)


def test_as_many_samples_as_inputs_in_rows_stay_rows() -> None:
    program = program_of(**given() | {
        "data": (np.ones((30, 30)), np.ones(30)),
        "parameters": {"W1": np.ones((30, 8)), "W2": np.ones((8, 1))},
    })  # fmt: skip
    assert not program.is_in_columns


def test_a_missing_mean_is_over_the_samples_of_any_batch() -> None:
    """Not over the twenty on which the doctor found it."""

    def summed(p: P, X: Any, Y: Any) -> P:
        return {name: g * X.shape[1] for name, g in gradients(p, X, Y).items()}

    (finding, *_) = cr.diagnose(**given(summed, rate=0.01)).findings
    assert (finding.name, finding.repair) == ("missing_mean", "dz = dz / X.shape[1]")
