"""Programs: what a learner would have written, and the errors that teach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from running import executed, results, same_numbers

import chainrule as cr
from chainrule.errors import GradientError, OptionError
from chainrule.show.numpy_source import LONGEST_LINE, wrapped

X, T = np.ones((4, 2)), np.ones((4, 1))
RNG = np.random.default_rng(5)


def network(*layers: Any, inputs: int = 2) -> cr.Sequential:
    return cr.Sequential(*layers, dtype="float64").build(inputs, seed=1)


def body(source: str) -> str:
    """The last function of a program."""
    return source[source.rindex("\ndef ") + 1 :]


def test_the_program_of_a_network() -> None:
    net = network(cr.Dense(3, "tanh"), cr.Dense(1, "sigmoid"))
    assert body(net.graph(4, loss="binary_cross_entropy").program()) == (
        "def loss_and_gradients(X, y, W1, b1, W2, b2):\n"
        "    m = len(X)\n"
        "    z1 = X @ W1 + b1\n"
        "    a1 = np.tanh(z1)\n"
        "    z2 = a1 @ W2 + b2\n"
        "    y_hat = sigmoid(z2)\n"
        "    loss = np.mean(sigmoid_cross_entropy(z2, y))\n"
        "\n"
        "    dz2 = (y_hat - y) / m\n"
        "    db2 = dz2.sum(axis=0)\n"
        "    dW2 = a1.T @ dz2\n"
        "    dz1 = (dz2 @ W2.T) * (1 - a1 * a1)\n"
        "    db1 = dz1.sum(axis=0)\n"
        "    dW1 = X.T @ dz1\n"
        "\n"
        "    return loss, dW1, db1, dW2, db2\n"
    )


def test_the_program_holds_for_any_number_of_rows() -> None:
    net = network(cr.Dense(3, "relu"), cr.Dense(2, "softmax"))
    source = net.graph(4, loss="cross_entropy").program()
    graph = net.graph(9, loss="cross_entropy").value_and_gradients()
    arrays = [RNG.standard_normal((9, 2)), RNG.integers(0, 2, 9), *net.parameters.values()]
    same_numbers(source, graph, *arrays)


def test_float32_stays_float32() -> None:
    net = cr.Sequential(cr.Dense(3, "sigmoid"), cr.Dense(2)).build(2)
    graph = net.graph(4, loss="mean_squared_error")
    arrays = [X.astype("float32"), np.ones((4, 2), "float32"), *net.parameters.values()]
    same_numbers(graph.program(), graph.value_and_gradients(), *arrays, rtol=1e-5)
    assert {x.dtype.name for x in results(graph.program(), *arrays)} == {"float32"}


def test_the_inputs_asked_for() -> None:
    def f(a: Any, b: Any) -> Any:
        return cr.sum(a * b**3)

    graph = cr.trace(f, X, X)
    assert "return loss, db\n" in graph.program("b")
    assert "return loss, da, db\n" in graph.program()
    assert "def gradients(a, b):" in graph.backward("a").program()
    with pytest.raises(OptionError, match="input 'c' is not known"):
        graph.program("c")


def test_whole_numbers_have_no_gradient_and_need_none() -> None:
    graph = cr.trace(lambda x, rows: cr.sum(x[rows] ** 2), X, np.array([0, 0, 3]))
    assert "return loss, dx\n" in graph.program()
    same_numbers(graph.program(), graph.value_and_gradients("x"), X + 1, np.array([0, 0, 3]))


def test_several_outputs_are_returned_together() -> None:
    graph = cr.trace(lambda x: (np.sin(x), np.cos(x), x), X)
    source = graph.program()
    assert source.endswith("    y = np.sin(x)\n    y_2 = np.cos(x)\n\n    return y, y_2, x\n")
    same_numbers(source, graph, X)
    with pytest.raises(GradientError, match="one output of one entry"):
        graph.program("x")


def test_a_gradient_that_is_an_input_has_its_name_too() -> None:
    source = cr.trace(lambda a, b: cr.sum(a * b), X, X).program()
    assert "    da = b\n    db = a\n" in source


def test_constants() -> None:
    table = np.array([[1.0, np.inf, -2.5]])
    for constant, text in [
        (table, "c1 = np.array([[1.0, np.inf, -2.5]])"),
        (np.full((2, 3), 7), "c1 = np.full((2, 3), 7)"),
        (np.zeros(3), "c1 = np.zeros(3)"),
        (np.array([1, 2, 3], np.int8), "c1 = np.array([1, 2, 3], dtype='int8')"),
    ]:
        graph = cr.trace(lambda x, c=constant: np.maximum(x, c), np.ones((2, 3)))
        assert text in graph.program()
        same_numbers(graph.program(), graph, RNG.standard_normal((2, 3)))


def test_a_large_constant_should_be_an_argument() -> None:
    large = np.arange(2000.0)
    with pytest.raises(OptionError) as raised:
        cr.trace(lambda x: cr.sum(x * large), 2.0).program()
    assert str(raised.value) == (
        "the graph holds a constant array of 2000 entries (shape (2000,)), too many to print. Make "
        "it an argument of the function that you trace."
    )


def test_an_index_that_is_added_back() -> None:
    def f(x: Any, rows: Any) -> Any:
        part = x[1:, ::2]
        return cr.sum(part[rows] ** 2)

    graph = cr.trace(f, np.ones((4, 3)), np.array([0, 2, 2]))
    arrays = RNG.standard_normal((4, 3)), np.array([0, 2, 2])
    same_numbers(graph.program(), graph.value_and_gradients("x"), *arrays)


def test_a_long_line_is_broken_between_its_terms() -> None:
    name = "a_rather_long_name"
    line = "total = " + " + ".join([f"{name}_{i} * 2" for i in range(6)]) + " - (b - c)"
    text = wrapped(line)
    assert max(map(len, text.splitlines())) <= LONGEST_LINE
    values = {f"{name}_{i}": float(i) for i in range(6)} | {"b": 3.0, "c": 10.0}
    exec(text, None, values)
    assert values["total"] == 37.0
    assert wrapped("x = a + b") == "x = a + b"
    assert wrapped("return " + line[8:]).startswith("return (\n    a_rather")


def test_a_sum_of_outer_products() -> None:
    def f(u: Any, v: Any, x: Any) -> Any:
        return cr.sum(np.tanh(np.outer(u, v) @ x))

    graph = cr.trace(f, np.ones(3), np.ones(2), np.ones(2))
    source = graph.program()
    assert "np.outer(" in source
    same_numbers(source, graph.value_and_gradients(), *[RNG.standard_normal(n) for n in (3, 2, 2)])


# --- style="layers" ----------------------------------------------------------------------------


def test_the_classes_of_a_network() -> None:
    net = network(cr.Dense(3, "tanh"), cr.Dense(1, "sigmoid"))
    source = net.graph(4, loss="binary_cross_entropy").program(style="layers")
    affine = source[source.index("class Affine") : source.index("class Tanh")]
    assert affine == (
        "class Affine:\n"
        "    def __init__(self, W, b):\n"
        "        self.W, self.b = W, b\n"
        "\n"
        "    def forward(self, x):\n"
        "        y = x @ self.W + self.b\n"
        "        self.x = x\n"
        "        return y\n"
        "\n"
        "    def backward(self, dy):\n"
        "        self.db = dy.sum(axis=0)\n"
        "        self.dW = self.x.T @ dy\n"
        "        return dy @ self.W.T\n"
        "\n"
        "\n"
    )
    assert "        return (self.y_hat - self.t) / self.m\n" in source
    assert "self.layers = [\n            Affine(W1, b1),\n            Tanh(),\n" in source


def test_layers_without_a_loss_take_the_gradient_from_behind() -> None:
    net = network(cr.Dense(3, "elu"), cr.Dense(2, "softmax"))
    graph = net.graph(4)
    made = executed(graph.program(style="layers"))["Network"](*net.parameters.values())
    x, dy = RNG.standard_normal((4, 2)), RNG.standard_normal((4, 2))
    np.testing.assert_allclose(made.forward(x), graph.evaluate(x, *net.parameters.values()))

    def weighed(W1: Any, x: Any, b1: Any, W2: Any, b2: Any) -> Any:
        output = cr.softmax(cr.elu(x @ W1 + b1) @ W2 + b2)
        return cr.sum(output * dy)

    p = net.parameters
    wanted = cr.grad(weighed)(p["W1"], x, p["b1"], p["W2"], p["b2"])
    np.testing.assert_allclose(made.backward(dy)["W1"], wanted)


@pytest.mark.parametrize("graph", [
    cr.trace(lambda x: cr.sum(np.sin(x)), X),
    network(cr.Dense(1)).graph(2, loss="mean_squared_error").backward(),
])  # fmt: skip
def test_layers_need_a_sequential(graph: Any) -> None:
    with pytest.raises(OptionError) as raised:
        graph.program(style="layers")
    assert str(raised.value) == (
        "style='layers' writes the forward graph of a Sequential, which net.graph(rows) or "
        "net.graph(rows, loss='...') gives. For any other graph use style='function'."
    )


def test_an_unknown_style() -> None:
    with pytest.raises(OptionError, match=r"style 'layer' is not known. Did you mean 'layers'\?"):
        cr.trace(lambda x: x * 2.0, X).program(style="layer")


def test_a_layer_that_looks_back_is_refused() -> None:
    class Back(cr.nn.Layer):
        def forward(self, x: Any, p: Any, s: Any, mode: Any) -> Any:
            return x + x.inputs[0], {}

    try:
        net = network(cr.Activation("tanh"), Back())
        with pytest.raises(OptionError) as raised:
            net.graph(3).program(style="layers")
        assert str(raised.value) == (
            "style='layers' needs layers that hand on one result each, and 2 Back does otherwise. "
            "Use style='function'."
        )
    finally:
        del cr.nn.layers.LAYERS["Back"]


# --- the graph of a network --------------------------------------------------------------------


def test_the_graph_of_a_loss_is_what_training_differentiates() -> None:
    net = network(cr.Dense(3, "tanh"), cr.BatchNorm(), cr.Dense(2, "softmax"))
    graph = net.graph(5, loss="cross_entropy")
    assert graph.input_names() == ["X", "y", "W1", "b1", "gamma2", "beta2", "W3", "b3"]
    assert [node.name for node in graph.notes.parameters] == graph.input_names()[2:]
    assert len(graph.backward().outputs) == 6
    x, y = RNG.standard_normal((5, 2)), np.array([0, 1, 1, 0, 1])

    def loss(parameters: Any) -> Any:
        mode = cr.nn.layers.Mode(training=True)
        statistics = {name: cr.tensor(a) for name, a in net.statistics.items()}
        return cr.cross_entropy(net.forward(cr.tensor(x), parameters, statistics, mode)[0], y)

    value, gradient = cr.value_and_grad(loss)(net.parameters)
    found = graph.value_and_gradients().evaluate(x, y, *net.parameters.values())
    np.testing.assert_allclose(found[0], value)
    for ours, theirs in zip(found[1:], gradient.values(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-14)


def test_dropout_asks_for_its_key() -> None:
    net = network(cr.Dense(3, "relu"), cr.Dropout(0.5), cr.Dense(1))
    assert net.graph(2, loss="mean_squared_error").input_names()[-1] == "key"
    assert "key" not in net.graph(2).input_names()


def test_an_unknown_loss() -> None:
    with pytest.raises(OptionError, match="loss 'crossentropy' is not known"):
        network(cr.Dense(1)).graph(2, loss="crossentropy")
