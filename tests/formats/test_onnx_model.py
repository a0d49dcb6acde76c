"""ONNX: every op, layer and activation through ONNX Runtime, against our own numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator

import chainrule as cr
from chainrule.errors import FileFormatError, MissingPackageError, OptionError, ShapeError
from chainrule.formats import save_onnx, to_onnx
from chainrule.graph.apply import apply
from chainrule.graph.graph import Graph
from chainrule.graph.op import OPS, Op
from chainrule.graph.tensor import placeholder
from chainrule.nn.activations import NAMED
from chainrule.nn.layers import Layer
from chainrule.ops.activation import Elu, Tanh
from chainrule.ops.base import Elementwise, unary

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(0)
#: Named by themselves: what ONNX has no operators for.
WITHOUT = {"constant": "it computes nothing", "uniform": "ONNX has none of its integer arithmetic"}
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def run(model: Any, *inputs: Array) -> list[Array]:
    """What ONNX Runtime makes of the inputs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [one.name for one in session.get_inputs()]
    found: list[Array] = session.run(None, dict(zip(names, inputs, strict=True)))
    return found


def apart(found: Array, expected: Array) -> float:
    """The largest difference, relative to numbers above 1; infinite if the kinds differ."""
    if found.dtype != expected.dtype or found.shape != expected.shape:
        return np.inf
    a, b = found.astype(float), expected.astype(float)
    return float(np.max(np.abs(a - b) / np.maximum(1, np.abs(b)), initial=0.0))


def error_of(op: Op, inputs: tuple[Array, ...], dtype: str) -> float:
    """How far ONNX Runtime is from the op's own value."""
    x = [one.astype(dtype) if one.dtype == np.float64 else one for one in map(np.asarray, inputs)]
    leaves = [placeholder(one.shape, one.dtype, f"x{i}") for i, one in enumerate(x)]
    (found,) = run(to_onnx(Graph(leaves, [apply(op, *leaves)])), *x)
    return apart(found, np.asarray(op.value(np, *x)))


# --- every op -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", sorted(set(OPS) - set(WITHOUT)))
def test_every_op_of_the_table(name: str, dtype: str) -> None:
    examples = list(OPS[name].examples(np.random.default_rng(3)))
    assert examples
    for op, inputs in examples:
        assert error_of(op, inputs, dtype) < TOLERANCE[dtype], op


@pytest.mark.parametrize("name", sorted(OPS))
def test_the_operator_that_an_op_names_is_one_of_onnx(name: str) -> None:
    op = OPS[name]
    assert op.onnx is None or onnx.defs.has(op.onnx)
    assert op.onnx is not None or not op.onnx_lacks


def test_conditions_of_numbers_are_conditions() -> None:
    x = np.array([0.0, 1.5, -2.0])
    graph = cr.trace(lambda x: (cr.logical_and(x, x > -1), cr.logical_not(x), x != 0), x)
    for found, expected in zip(run(to_onnx(graph), x), graph.evaluate(x), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["add", "divide", "mean", "sum", "matmul", "softmax", "less"])
def test_what_is_not_of_floats_is_promoted_as_numpy_does(name: str) -> None:
    for op, inputs in OPS[name].examples(np.random.default_rng(4)):
        whole = tuple((1 + np.abs(4 * np.asarray(x))).astype(np.int32) for x in inputs)
        assert error_of(op, whole, "float64") < 1e-6
        mixed = (np.asarray(inputs[0], np.float32), *inputs[1:])
        assert error_of(op, mixed, "float64") < 1e-6


@pytest.mark.parametrize("x", [0.0, 1e-8, -1e-8, 1e-5, -0.9999, 1.0, 30.0, -700.0])
def test_what_is_precise_near_zero_stays_so(x: float) -> None:
    for function in (np.expm1, np.log1p):
        with np.errstate(invalid="ignore"):
            expected = function(x)
        graph = cr.trace(function, x)
        (found,) = run(to_onnx(graph), np.array(x))
        np.testing.assert_allclose(found, expected, rtol=3e-15)


def test_extremes_are_finite_where_ours_are() -> None:
    x = np.array([-1e4, -100, -30, 0, 30, 100, 1e4])
    for dtype in TOLERANCE:
        for name in ("sigmoid", "softplus", "silu", "gelu", "elu", "softmax", "log_softmax"):
            graph = cr.trace(NAMED[name], x.astype(dtype))
            (found,) = run(to_onnx(graph), x.astype(dtype))
            np.testing.assert_allclose(found, NAMED[name](x.astype(dtype)), rtol=1e-5, atol=1e-7)


KEYS: list[Any] = [
    np.s_[2], np.s_[-1], np.s_[1:3], np.s_[:, ::-1], np.s_[::-2, 1:-1], np.s_[..., 0],
    np.s_[None, :, None, 2], np.s_[:-1, -3:], np.s_[5:, :2], np.s_[np.array([2, 0, -1])],
    np.s_[:, np.array([[0, 1], [-1, 2]])], np.s_[np.array([0, 1]), :, np.array([1, 0])],
    np.s_[None, np.array([0, 1]), np.array([1, 0])], np.s_[:, np.array([0, 1]), np.array([1, 0])],
    np.s_[0, :, np.array([1, 0])], np.s_[:, 0, np.array([[1], [0]])], np.s_[:, None, 0, ..., None],
    np.s_[np.array([[0], [1]]), None, np.array([0, 1])], np.s_[:, 1, np.array([0, 1]), None],
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing_is_numpys(key: Any) -> None:
    x = RNG.standard_normal((4, 3, 5))
    (found,) = run(to_onnx(cr.trace(lambda x: x[key], x)), x)
    np.testing.assert_array_equal(found, x[key])
    back = cr.trace(lambda x: cr.sum(x[key] ** 2), x).backward("x")
    (found,) = run(to_onnx(back), x)
    np.testing.assert_allclose(found, back.evaluate(x), rtol=1e-14)


def test_a_wrong_operator_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tanh, "onnx", "Sigmoid")
    monkeypatch.setattr(Elu, "onnx_attributes", lambda self: {"alpha": 2 * self.alpha})
    for op in (Tanh, Elu):
        example, inputs = next(op.examples(np.random.default_rng(0)))
        assert error_of(example, inputs, "float32") > 0.01


# --- networks -----------------------------------------------------------------------------------


def of_every_layer(dtype: str) -> cr.Sequential:
    net = cr.Sequential(
        cr.Activation("tanh"), cr.BatchNorm(), cr.LayerNorm(), cr.Flatten(), cr.Dense(5, "relu"),
        cr.Dropout(0.5), cr.BatchNorm(0.3, 1e-4), cr.LayerNorm(), cr.Dense(2, "softmax"),
        dtype=dtype,
    )  # fmt: skip
    net.fit(RNG.standard_normal((30, 2, 3)), np.arange(30) % 2, epochs=4)
    return net


def check_network(net: cr.Sequential, *, reference: bool = True) -> None:
    """Equal to our prediction for several numbers of rows, and on ONNX's own evaluator."""
    model = to_onnx(net)
    onnx.checker.check_model(model, full_check=True)
    shape = net.input_shape or ()
    for rows in (1, 2, 4, 33):
        X = RNG.standard_normal((rows, *shape)).astype(net.dtype)
        expected = net.predict(X)
        (found,) = run(model, X)
        assert apart(found, expected) < TOLERANCE[net.dtype.name]
        if reference:
            (again,) = ReferenceEvaluator(model).run(None, {"X": X})
            assert apart(again, expected) < TOLERANCE[net.dtype.name]


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_every_layer(dtype: str) -> None:
    check_network(of_every_layer(dtype))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", NAMED)
def test_every_activation(activation: str, dtype: str) -> None:
    net = cr.Sequential(cr.Dense(4, activation), cr.Dense(3), dtype=dtype).build(5, seed=1)
    check_network(net)


def test_what_the_model_says_of_itself() -> None:
    net = cr.Sequential(cr.Flatten(), cr.Dense(3, "tanh"), cr.BatchNorm(), cr.Dense(1)).build(
        (2, 2)
    )
    model = to_onnx(net, metadata={"note": "größer"})
    assert (model.ir_version, model.opset_import[0].version) == (10, 21)
    assert (model.producer_name, len(model.opset_import)) == ("chainrule", 1)
    (x,), (y,) = model.graph.input, model.graph.output
    sizes = [d.dim_param or d.dim_value for d in x.type.tensor_type.shape.dim]
    assert (x.name, sizes) == ("X", ["rows", 2, 2])
    sizes = [d.dim_param or d.dim_value for d in y.type.tensor_type.shape.dim]
    assert (y.name, sizes) == ("output", ["rows", 1])
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    for name, array in (net.parameters | net.statistics).items():
        np.testing.assert_array_equal(arrays[name], array)
    assert {p.key: p.value for p in model.metadata_props} == {"note": "größer"}
    assert "2_Dense/MatMul" in [node.name for node in model.graph.node]


def test_the_rows_can_be_fixed() -> None:
    net = of_every_layer("float32")
    model = to_onnx(net, rows=3)
    X = RNG.standard_normal((3, 2, 3)).astype("f4")
    assert apart(run(model, X)[0], net.predict(X)) < 1e-5
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 3


class Rows(Layer):
    """A layer that needs the number of rows everywhere: sizes, factors, and ends of slices."""

    def forward(self, x: Any, p: Any, s: Any, mode: Any) -> Any:
        n, width = x.shape
        spread = cr.broadcast_to(cr.mean(x, 0), x.shape)[:, :, None]
        y = cr.reshape(x, (n, width, 1)) + spread - cr.var(x, 0)[None, :, None] * n
        y = y + cr.reshape(cr.broadcast_to(cr.reshape(x, (1, n, width)), (2, n, width))[1], y.shape)
        return cr.reshape(y, (n, width))[::-1][: n - 0, [0, 2, 1, -1]], {}


def test_names_that_the_rows_would_like_to_have() -> None:
    @dataclass(frozen=True)
    class Named(Layer):
        def build(self, shape: Any, rng: Any, dtype: Any) -> Any:
            return {"rows": np.ones(shape, dtype)}

        def forward(self, x: Any, p: Any, s: Any, mode: Any) -> Any:
            return x * float(x.shape[0]) + p["rows"], {}

    net = cr.Sequential(Named()).build(2)
    check_network(net)
    assert "rows1" in [one.name for one in to_onnx(net).graph.initializer]


def test_a_layer_of_ones_own_that_counts_rows() -> None:
    check_network(cr.Sequential(Rows(), cr.Dense(2)).build(4), reference=False)


def test_a_training_step_and_its_gradients() -> None:
    net = cr.Sequential(cr.Dense(3, "tanh"), cr.BatchNorm(), cr.Dense(2, "softmax")).build(4)
    graph = net.graph(6, loss="cross_entropy").value_and_gradients()
    inputs = [
        RNG.standard_normal((6, 4)).astype("f4"),
        RNG.integers(0, 2, 6),
        *net.parameters.values(),
    ]
    model = to_onnx(graph)
    assert [one.name for one in model.graph.output] == [f"output_{i}" for i in range(1, 8)]
    for found, expected in zip(run(model, *inputs), graph.evaluate(*inputs), strict=True):
        assert apart(found, expected) < 1e-6


def test_outputs_that_are_inputs_constants_or_twice_the_same() -> None:
    def function(x: Any, y: Any) -> Any:
        z = x * y
        return x, z, z, cr.tensor([1.0, 2.0]) * 3.0

    graph = cr.trace(function, 1.0, np.ones(2))
    found = run(to_onnx(graph), np.array(2.0), np.array([3.0, 4.0]))
    for a, b in zip(found, (2.0, [6.0, 8.0], [6.0, 8.0], [3.0, 6.0]), strict=True):
        np.testing.assert_array_equal(a, b)


# --- what cannot be exported --------------------------------------------------------------------


def refused(what: Any, message: str, **options: Any) -> None:
    with pytest.raises(OptionError) as caught:
        to_onnx(what, **options)
    assert message in str(caught.value)


class _Arc(Elementwise):
    """An op of a user, whose function ONNX lacks."""

    name, function = "arctan_of_a_user", "arctan"

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g / (1.0 + x * x),)


_arc = unary(_Arc)
for _table in (OPS, cr.graph.op.FUNCTIONS):  # the tests of the table are not about this one
    del _table["arctan_of_a_user"]


def test_an_op_that_onnx_has_not() -> None:
    refused(
        cr.Sequential(cr.Dense(2, _arc)).build(3),
        "the op arctan_of_a_user (layer 1 Dense) cannot be written in ONNX: there is no arctan for "
        "ONNX. Compute it by other functions, or give _Arc a method to_onnx(xp, *x).",
    )
    net = cr.Sequential(cr.Dense(2), cr.Dropout(0.5)).build(3)
    refused(
        net.graph(4, loss="mean_squared_error"),
        "uniform draws the random numbers of training, which ONNX has no operator for. Export the "
        "prediction, where nothing is drawn: net.export(path), or net.graph() without loss.",
    )


def test_an_op_of_ones_own_says_how_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Arc, "to_onnx", lambda self, xp, x: xp.node("Atan", x))
    check_network(cr.Sequential(cr.Dense(2, _arc)).build(3), reference=False)


def _share(x: Any) -> Any:
    return x * (1.0 / x.shape[0])


def _numbered(x: Any) -> Any:
    return x + np.arange(x.shape[0], dtype=np.float32)[:, None]


def _again(x: Any) -> Any:
    for _ in range(x.shape[0]):
        x = x + 1.0
    return x


@pytest.mark.parametrize(("function", "op"), [(_share, "multiply"), (_numbered, "add")])
def test_what_depends_on_the_rows_in_no_even_way(function: Callable[..., Any], op: str) -> None:
    net = cr.Sequential(cr.Activation(function)).build(4)
    told = (
        f"the op {op} (layer 1 Activation) depends on the number of rows in a way that an ONNX file"
        " cannot follow. Fix the number with rows=..., as in net.export('net.onnx', rows=32)."
    )
    refused(net, told)
    X = RNG.standard_normal((3, 4)).astype("f4")
    assert apart(run(to_onnx(net, rows=3), X)[0], net.predict(X)) < 1e-6


def test_a_recording_that_grows_with_the_rows() -> None:
    refused(cr.Sequential(cr.Activation(_again)).build(4), "depends on the number of rows")


def test_wrong_arguments(tmp_path: Path) -> None:
    graph = cr.trace(cr.exp, 1.0)
    refused(graph, "a graph has the rows it was recorded for, and its own inputs.", rows=3)
    refused(cr.exp, "to_onnx takes a network or a graph, got function. For a function: cr.trace(")
    with pytest.raises(ShapeError, match="the network has no parameters yet"):
        to_onnx(cr.Sequential(cr.Dense(1)))
    with pytest.raises(FileFormatError, match="is a folder"):
        save_onnx(graph, tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        save_onnx(graph, tmp_path / "no" / "net.onnx")


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    net, path = of_every_layer("float32"), tmp_path / "net.onnx"
    save_onnx(net, path)
    model = onnx.load(path)
    X = RNG.standard_normal((3, 2, 3)).astype("f4")
    assert apart(run(model, X)[0], net.predict(X)) < 1e-5
    before = path.read_bytes()
    with pytest.raises(OptionError):
        save_onnx(cr.Sequential(cr.Dense(2, _arc)).build(3), path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["net.onnx"]


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingPackageError) as caught:
        to_onnx(cr.trace(cr.exp, 1.0))
    assert str(caught.value) == (
        "Writing ONNX needs the package 'onnx', which is not installed: "
        "pip install 'chainrule[onnx]'"
    )
