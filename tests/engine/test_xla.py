"""The XLA engine against the definition: every op, layer, loss, optimizer, both precisions."""

from __future__ import annotations

import subprocess
import sys
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine import XlaRepeated, compile_reference, compile_xla
from chainrule.engine.xla import compiled, program, runtime
from chainrule.errors import MissingPackageError
from chainrule.graph.apply import apply
from chainrule.graph.op import OPS, Op
from chainrule.train.epochs import EpochsRunner
from chainrule.train.runner import Runner

EXAMPLES = [
    pytest.param(op, inputs, id=f"{name}-{i}")
    for name, kind in sorted(OPS.items())
    for i, (op, inputs) in enumerate(kind.examples(np.random.default_rng(3)))
]
FLOATS = pytest.mark.parametrize("dtype", ["float32", "float64"])
RNG = np.random.default_rng(5)
X = RNG.normal(size=(40, 3))
CLASSES = X.argmax(axis=1)


def of_dtype(inputs: tuple[Any, ...], dtype: str) -> list[np.ndarray]:
    arrays = [np.asarray(x) for x in inputs]
    return [x.astype(dtype) if x.dtype.kind == "f" else x for x in arrays]


def assert_close(expected: Any, got: Any) -> None:
    assert expected.shape == got.shape
    assert expected.dtype == got.dtype
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(got, expected)
        return
    eps = np.finfo(expected.dtype).eps
    scale = max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0)))
    np.testing.assert_allclose(got, expected, rtol=64 * eps, atol=64 * eps * scale)


@FLOATS
@pytest.mark.parametrize(("op", "inputs"), EXAMPLES)
def test_ops_and_their_gradients(op: Op, inputs: tuple[Any, ...], dtype: str) -> None:
    arrays = of_dtype(inputs, dtype)
    weight = np.random.default_rng(4).standard_normal(np.shape(op.value(np, *arrays)))

    def function(*x: Any) -> list[Any]:
        y = apply(op, *x)
        wanted = [part for part in x if part.dtype.kind == "f"]
        if y.dtype.kind != "f" or not wanted:
            return [y]
        total = cr.sum(y * weight.astype(y.dtype))
        return [y, *cr.differentiate(total, wanted)]

    graph = cr.trace(function, *arrays)
    expected, got = compile_reference(graph)(*arrays), compile_xla(graph)(*arrays)
    for a, b in zip(expected, got, strict=True):
        assert_close(a, b)


@pytest.fixture
def same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference engine takes its rows in the order that the device would shuffle them to."""
    begin = Runner.__init__

    def begin_with_key(self: Any, *args: Any, **options: Any) -> None:
        begin(self, *args, **options)
        if type(self) is Runner:
            self._order_key = args[5].integers(2**32, size=2, dtype=np.uint32)

    monkeypatch.setattr(Runner, "__init__", begin_with_key)
    for name in ("batches", "_order_of_rows"):
        monkeypatch.setattr(Runner, name, vars(EpochsRunner)[name], raising=False)


LAYERS = {
    "dense": [cr.Dense(4, "tanh")],
    "dropout": [cr.Dense(4, "relu"), cr.Dropout(0.3)],
    "batch norm": [cr.Dense(4), cr.BatchNorm(), cr.Activation("silu")],
    "layer norm": [cr.Dense(4, "gelu"), cr.LayerNorm()],
}
OPTIMIZERS = {
    "sgd": lambda: cr.SGD(0.1),
    "momentum": lambda: cr.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: cr.RMSProp(0.01),
    "adagrad": lambda: cr.AdaGrad(0.05),
    "adam": lambda: cr.Adam(0.01),
    "adamw": lambda: cr.AdamW(0.01, clip_norm=1.0),
}


def trained(engine: str, layers: list[Any], dtype: str, **options: Any) -> Any:
    net = cr.Sequential(*layers, cr.Dense(3, "softmax"), dtype=dtype)
    history = net.fit(X, CLASSES, seed=1, engine=engine, **options)
    return net, history


@FLOATS
@pytest.mark.usefixtures("same_order")
@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("batch_size", [None, 16])
def test_training_of_each_layer(layers: str, batch_size: int | None, dtype: str) -> None:
    options: dict[str, Any] = {
        "epochs": 5, "batch_size": batch_size, "optimizer": cr.SGD(0.1), "validation": 0.2,
    }  # fmt: skip
    ours, history = trained("xla", LAYERS[layers], dtype, **options)
    theirs, expected = trained("reference", LAYERS[layers], dtype, **options)
    tolerance = 1e-10 if dtype == "float64" else 2e-4
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=tolerance)
    np.testing.assert_allclose(
        history["validation_loss"], expected["validation_loss"], rtol=tolerance
    )
    for name, array in theirs.parameters.items():
        np.testing.assert_allclose(ours.parameters[name], array, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_by_each_optimizer(optimizer: str) -> None:
    losses = [
        trained(
            engine, LAYERS["dense"], "float64", epochs=30, batch_size=None,
            optimizer=OPTIMIZERS[optimizer](), schedule=cr.Cosine(),
        )[1]["loss"]
        for engine in ("xla", "reference")
    ]  # fmt: skip
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-9)
    assert losses[0][-1] < losses[0][0]


REGRESSION = ("mean_squared_error", "mean_absolute_error", "huber", "half_sum_squared_error")


@FLOATS
@pytest.mark.usefixtures("same_order")
@pytest.mark.parametrize("loss", REGRESSION)
def test_training_with_each_loss_of_numbers(loss: str, dtype: str) -> None:
    losses = []
    for engine in ("xla", "reference"):
        net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(2), dtype=dtype)
        history = net.fit(
            X, X[:, :2] ** 2, loss=loss, epochs=5, optimizer=cr.SGD(0.01), seed=2, engine=engine
        )
        losses.append(history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-10 if dtype == "float64" else 1e-4)


def test_the_same_seed_gives_the_same_bits() -> None:
    options: dict[str, Any] = {"epochs": 3, "batch_size": 16, "optimizer": cr.Adam(0.01)}
    first, second = (trained("xla", LAYERS["dropout"], "float32", **options) for _ in range(2))
    assert first[1]["loss"] == second[1]["loss"]
    for name, array in first[0].parameters.items():
        assert array.tobytes() == second[0].parameters[name].tobytes()


def test_prediction_and_evaluation() -> None:
    net, _ = trained("numpy", LAYERS["batch norm"], "float64", epochs=3)
    np.testing.assert_allclose(net.predict(X, engine="xla"), net.predict(X), rtol=1e-12)
    ours = net.evaluate(X, CLASSES, metrics="accuracy", engine="xla")
    assert ours == pytest.approx(net.evaluate(X, CLASSES, metrics="accuracy"), rel=1e-12)


def test_many_steps_are_one_call_and_leave_no_rows() -> None:
    graph = cr.trace(lambda w: (w * 2.0, w + 1.0), np.ones(2))
    w, kept = np.ones(2), np.zeros((5, 2))
    steps = XlaRepeated(graph, {"w": w}, {1: "w"}, (), {0: kept})
    rows = iter(steps.rows[1:4])
    steps.run(rows)
    assert rows.__length_hint__() == 0
    np.testing.assert_array_equal(w, [4, 4])
    np.testing.assert_array_equal(kept[:, 0], [0, 2, 4, 6, 0])
    w[:] = 10  # the caller may change what is bound
    steps.run(iter(steps.rows[:1]))
    np.testing.assert_array_equal(kept[:, 0], [20, 2, 4, 6, 0])


def test_rows_that_are_gathered_may_change_between_runs() -> None:
    graph = cr.trace(lambda w, x: (cr.sum(x), w + cr.sum(x)), np.ones(()), np.ones((2, 3)))
    data, w, kept = np.ones((5, 3)), np.zeros(()), np.zeros(2)
    w_name, x_name = graph.input_names()
    bound = {w_name: w, x_name: np.zeros((2, 3))}
    steps = XlaRepeated(graph, bound, {1: w_name}, (), {0: kept}, {x_name: data})
    places = np.array([0, 4])
    for value in (1, 10, 100):
        data[:] = value
        steps.run(iter([(*steps.rows[0], places)]))
        assert kept[0] == 6 * value
    assert w == 666


def test_an_error_in_the_engine_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: results in the precision that JAX takes by itself."""
    import contextlib

    monkeypatch.setattr(program, "all_dtypes", contextlib.nullcontext)
    monkeypatch.setattr(compiled, "all_dtypes", contextlib.nullcontext)
    monkeypatch.setattr(compiled, "_entries", OrderedDict())
    op, inputs = next(p.values for p in EXAMPLES if p.values[0].name == "exp")
    with pytest.raises(AssertionError), pytest.warns(UserWarning, match="float64"):
        test_ops_and_their_gradients(op, inputs, "float64")


def test_without_jax_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime.jax_module.cache_clear()
    monkeypatch.setitem(sys.modules, "jax", None)  # as if it were not installed
    net = cr.Sequential(cr.Dense(1))
    with pytest.raises(
        MissingPackageError, match=r"engine='xla' needs the package 'jax', .*chainrule\[xla\]"
    ):
        net.fit(X, X[:, :1], epochs=1, engine="xla")


def test_other_engines_do_not_import_jax() -> None:
    code = (
        "import sys, chainrule as cr, numpy as np; "
        "cr.Sequential(cr.Dense(1)).fit(np.ones((2, 1)), np.ones(2), epochs=1); "
        "sys.exit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
