"""Names: the user's own, from the source, the layers, and never a wrong one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.graph import Graph
from chainrule.graph.recording import Place
from chainrule.show.names import derivative, names
from chainrule.show.spelling import Name, spelled

X = np.ones((4, 2))
W, V = np.ones((2, 2)), np.ones((2, 1))


def codes(graph: Graph) -> dict[str, str]:
    """The names of a graph's inner nodes, each with its op."""
    called = names(graph)
    inner = graph.nodes[len(graph.inputs) :]
    return {called[node].code: node.op.name for node in inner if node in called and node.op}


# --- spelling ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("W1", "W^{[1]}"), ("b12", "b^{[12]}"), ("x", "x"), ("x1", "x_{1}"), ("y_hat", r"\hat{y}"),
        ("alpha", r"\alpha"), ("beta2", r"\beta^{[2]}"), ("theta_1", r"\theta_{1}"), ("loss", "L"),
        ("hidden", r"\mathrm{hidden}"), ("w_in", r"w_{\mathrm{in}}"), ("x_bar2", r"\bar{x}_{2}"),
        ("gamma_hat", r"\hat{\gamma}"), ("_", r"\mathrm{\_}"),
    ],
)  # fmt: skip
def test_a_name_in_a_formula(name: str, latex: str) -> None:
    assert spelled(name).latex == latex


@pytest.mark.parametrize(
    ("name", "code"),
    [("W1", "W1"), ("my input", "my_input"), ("1st", "x1st"), ("lambda", "lambda_"), ("np", "np_")],
)
def test_a_name_in_code(name: str, code: str) -> None:
    assert spelled(name).code == code


def test_names_that_programs_need_are_left_alone() -> None:
    def clash(np_: Any, sigmoid: Any) -> Any:
        softmax = cr.softmax(np_)
        return cr.sum(cr.sigmoid(sigmoid) * softmax)

    graph = cr.trace(clash, X, X)
    assert {"sigmoid_", "softmax_"} <= {*codes(graph), names(graph)[graph.inputs[1]].code}


# --- the variable on the left ------------------------------------------------------------------


def test_variables_of_the_user() -> None:
    def net(X: Any, W: Any, V: Any) -> Any:
        z = X @ W
        h: Any = np.tanh(z + 1.0)
        y_hat = h @ V
        return cr.mean(y_hat**2)  # fmt: skip

    assert codes(cr.trace(net, X, W, V)) == {
        "z": "matmul", "h": "tanh", "y_hat": "matmul", "loss": "mean",
    }  # fmt: skip


def test_a_variable_assigned_again_is_numbered() -> None:
    def net(a: Any, W: Any) -> Any:
        for _ in range(2):
            z = a @ W
            a = np.tanh(z)
        return cr.sum(a)

    found = codes(cr.trace(net, X, W))
    assert found == {"z1": "matmul", "a1": "tanh", "z2": "matmul", "a2": "tanh", "loss": "sum"}


def activation(z: Any) -> Any:
    s = np.tanh(z)
    return s  # noqa: RET504 - the name inside is what the test is about


def same(z: Any) -> Any:
    return z


def both(z: Any) -> Any:
    return np.tanh(z), np.exp(z)


def test_the_caller_names_what_a_function_returns() -> None:
    def net(X: Any, W: Any) -> Any:
        h = activation(X @ W)
        k = same(h @ W)
        return cr.sum(k)

    assert codes(cr.trace(net, X, W)) == {"h": "tanh", "k": "matmul", "loss": "sum"}


def test_no_name_is_better_than_a_wrong_one() -> None:
    def unclear(x: Any) -> Any:
        a, b = np.sin(x), np.cos(x)
        c = np.exp(x)
        d = np.tanh(x)  # noqa: E702
        pair = both(x)
        first = both(x)[0]
        either = np.exp(a) if x.shape else np.exp(b)
        f = lambda y: np.sqrt(y)  # noqa: E731
        many = [np.abs(x), np.sign(x)]
        return cr.sum(f(c + d) + pair[0] + first + either + many[0] * many[1])  # fmt: skip

    assert set(codes(cr.trace(unclear, X))) == {"loss"}


def test_what_a_line_only_turned_around_is_not_called_so() -> None:
    def net(x: Any) -> Any:
        a = np.exp(x)
        b = -(-a)  # noqa: B002
        return cr.sum(b * 2.0)

    assert codes(cr.trace(net, X).simplify()) == {"a": "exp", "loss": "sum"}


def test_a_gradient_inside_does_not_take_the_names_of_its_function() -> None:
    def inner(x: Any) -> Any:
        s = np.sin(x)
        return cr.sum(s * s)

    found = codes(cr.trace(lambda x: cr.sum(cr.grad(inner)(x)), X))
    assert [name for name in found if name.startswith("s")] == ["s"]
    assert found["s"] == "sin"


def test_code_without_source_has_no_names() -> None:
    namespace: dict[str, Any] = {"np": np}
    exec("def f(x):\n    y = np.sin(x)\n    z = np.exp(y)\n    return z + y\n", namespace)
    assert set(codes(cr.trace(namespace["f"], 1.0))) == {"y"}  # the output


def test_a_place_reads_as_before() -> None:
    graph = cr.trace(lambda x: np.sin(x) * x, 1.0)
    place = graph.nodes[1].place
    assert isinstance(place, Place)
    assert place.startswith("test_show_names.py:")
    assert place.lines[0][2] == "<lambda>"
    assert f"{place}" in str(graph)


def test_outside_of_a_trace_no_lines_are_kept() -> None:
    nested = cr.trace(cr.sigmoid, 1.0)
    assert nested.nodes[-1].place.lines == ()


# --- layers, predictions, cotangents -----------------------------------------------------------


def network(*layers: Any) -> cr.Sequential:
    return cr.Sequential(*layers, dtype="float64").build(2)


def test_layers_have_the_textbooks_names() -> None:
    net = network(cr.Dense(3, "tanh"), cr.BatchNorm(), cr.Dense(1, "sigmoid"))
    forward = net.graph(4, loss="binary_cross_entropy")
    called = names(forward)
    found = codes(forward.value_and_gradients())
    assert found["z1"] == found["z3"] == "add"
    assert found["a1"] == "tanh"
    assert found["x_hat2"] == "divide"
    assert (found["mu2"], found["var2"]) == ("mean", "var")
    assert found["y_hat"] == "sigmoid"
    assert {"dz1", "dz3", "dW1", "dgamma2", "loss"} <= set(found)
    assert Name("a1", "A^{[1]}") in [called.get(node) for node in forward.nodes]


def test_the_prediction_is_known_though_the_loss_needs_it_not() -> None:
    def net(X: Any, V: Any, t: Any) -> Any:
        p = cr.sigmoid(X @ V)
        return cr.binary_cross_entropy(p, t)

    forward = cr.trace(net, X, V, np.ones((4, 1)))
    assert "p" not in codes(forward)
    assert codes(forward.backward("V"))["p"] == "sigmoid"


def test_the_only_prediction_without_a_name_is_y_hat() -> None:
    def net(X: Any, V: Any, t: Any) -> Any:
        return cr.binary_cross_entropy(cr.sigmoid(X @ V), t)

    assert codes(cr.trace(net, X, V, np.ones((4, 1))).backward("V"))["y_hat"] == "sigmoid"


def test_cotangents_are_called_after_what_they_belong_to() -> None:
    def net(X: Any, W: Any, V: Any) -> Any:
        h = np.tanh(X @ W)
        return cr.sum((h @ V) ** 2)

    graph = cr.trace(net, X, W, V).backward("W", "V")
    called = names(graph)
    assert [called[x].code for x in graph.outputs] == ["dW", "dV"]
    assert called[graph.outputs[0]].latex == r"\frac{\partial L}{\partial W}"
    (walk,) = graph.notes.passes
    h = next(node for node in graph.nodes if node in called and called[node].code == "h")
    assert called[walk.cotangents[h]].code == "dh"


def test_cotangents_hold_after_simplifying() -> None:
    """Each pair of the notes is a node and the derivative of the output by it."""

    def net(x: Any) -> Any:
        a = np.sin(x)
        b = a * x + a
        return cr.sum(b * b)

    x = np.array([0.3, -0.7])
    graph = cr.trace(net, x).value_and_gradients("x")
    (walk,) = graph.notes.passes
    found = 0
    for node, g in walk.cotangents.items():
        if node in set(graph.nodes) and g in set(graph.nodes) and node.op is not None:
            values = Graph(graph.inputs, [node, g]).evaluate(x)
            step = 1e-6 * np.array([1.0, 0.0])
            if node.op.name == "add":  # b: dL/db = 2 b
                np.testing.assert_allclose(values[1], 2 * values[0])
                found += 1
            assert values[0].shape == values[1].shape == step.shape
    assert found == 1


def test_names_are_never_given_twice() -> None:
    def net(loss: Any, dx: Any, x: Any) -> Any:
        y = np.sin(x * loss * dx)
        return cr.sum(y)

    graph = cr.trace(net, 1.0, X, X).value_and_gradients()
    called = names(graph)
    found = [called[node].code for node in graph.nodes if node in called]
    assert len(found) == len(set(found))
    assert {"loss", "loss_2", "dx", "dx_2"} <= set(found)


def test_second_derivatives() -> None:
    assert derivative(derivative("y", "x"), "x") == r"\frac{\partial^2 y}{\partial x^2}"
    assert derivative(derivative("y", "a"), "b") == r"\frac{\partial^2 y}{\partial b\, \partial a}"
    graph = cr.trace(lambda x: x**3, 2.0).backward().backward()
    assert names(graph)[graph.outputs[0]].code == "ddx"
