"""Every layer, activation and loss: the printed programs give the graph's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from running import Array, executed, same_numbers

import chainrule as cr
from chainrule.graph.graph import Graph
from chainrule.graph.op import OPS
from chainrule.nn import activations, layers, losses
from chainrule.ops.base import Elementwise, unary

RNG = np.random.default_rng(8)

#: A network around each layer of the table, by the layer's class.
AROUND = {
    "Dense": (cr.Dense(3, "tanh"), cr.Dense(2)),
    "Activation": (cr.Dense(3), cr.Activation("elu"), cr.Dense(2)),
    "Dropout": (cr.Dense(3, "relu"), cr.Dropout(0.4), cr.Dense(2)),
    "Flatten": (cr.Flatten(), cr.Dense(2)),
    "BatchNorm": (cr.Dense(3), cr.BatchNorm(), cr.Dense(2, "sigmoid")),
    "LayerNorm": (cr.Dense(3), cr.LayerNorm(), cr.Dense(2, "tanh")),
}


def network(*parts: Any, inputs: Any = 2) -> cr.Sequential:
    """A network whose parameters are all random, so that no gradient hides behind a zero."""
    net = cr.Sequential(*parts, dtype="float64").build(inputs, seed=3)
    for name, array in {**net.parameters, **net.statistics}.items():
        array[...] = RNG.uniform(0.5, 1.5, array.shape) * (
            1 if "var" in name else RNG.choice([-1, 1], array.shape)
        )
    return net


def given(graph: Graph, net: cr.Sequential, classes: int = 2) -> list[Array]:
    """An array for each input of a network's graph."""
    arrays = {**net.parameters, **net.statistics}
    for name, x in zip(graph.input_names(), graph.inputs, strict=True):
        if name == "key":
            arrays[name] = np.array([7, 9], np.uint32)
        elif name == "y":
            labels = RNG.integers(0, classes, x.shape)
            arrays[name] = labels if x.dtype.kind == "i" else RNG.uniform(0, 1, x.shape)
        elif name == "X":
            arrays[name] = RNG.standard_normal(x.shape)
    return [arrays[name] for name in graph.input_names()]


def check_both_styles(graph: Graph, net: cr.Sequential) -> None:
    arrays = given(graph, net)
    both = graph.value_and_gradients()
    same_numbers(graph.program(), both, *arrays)
    same_numbers(graph.backward().program(), graph.backward(), *arrays)
    found = in_layers(graph, dict(zip(graph.input_names(), arrays, strict=True)))
    wanted = both.evaluate(*arrays)
    np.testing.assert_allclose(found["loss"], wanted[0], rtol=1e-12)
    names = [node.name for node in graph.notes.parameters]
    assert set(found) == {"loss", *names}
    for name, g in zip(names, wanted[1:], strict=True):
        np.testing.assert_allclose(found[str(name)], g, rtol=1e-10, atol=1e-13, err_msg=str(name))


def in_layers(graph: Graph, arrays: dict[str, Array]) -> dict[str, Array]:
    """The loss and the gradients by the classes of style='layers'."""
    made = executed(graph.program(style="layers"))["Network"]
    wanted = made.__init__.__code__.co_varnames[1 : made.__init__.__code__.co_argcount]
    net = made(*[arrays[name] for name in wanted])
    loss = net.forward(arrays["X"], arrays["y"])
    return {"loss": loss, **net.backward()}


@pytest.mark.parametrize("name", sorted(layers.LAYERS))
def test_every_layer(name: str) -> None:
    if layers.LAYERS[name].__module__ != layers.__name__:
        return  # a layer of another test
    net = network(*AROUND[name], inputs=(2, 2) if name == "Flatten" else 2)
    check_both_styles(net.graph(5, loss="mean_squared_error"), net)
    graph = net.graph(5)
    same_numbers(graph.program(), graph, *given(graph, net))


@pytest.mark.parametrize("name", sorted(activations.NAMED))
def test_every_activation(name: str) -> None:
    net = network(cr.Dense(3, name), cr.Dense(2, name))
    check_both_styles(net.graph(4, loss="half_sum_squared_error"), net)


@pytest.mark.parametrize("last", ["sigmoid", "softmax", None])
@pytest.mark.parametrize("name", sorted(losses.NAMED))
def test_every_loss(name: str, last: str | None) -> None:
    if last is None and losses.NAMED[name].kind != "values":
        last = "softplus"  # a probability has to be positive
    net = network(cr.Dense(3, "tanh"), cr.Dense(2, last))
    if name == "binary_cross_entropy" and last == "softplus":
        net = network(cr.Dense(3, "tanh"), cr.Dense(2, "gelu"), cr.Activation("sigmoid"))
    check_both_styles(net.graph(6, loss=name), net)


def test_a_deep_network_with_all_of_it() -> None:
    net = network(
        cr.Flatten(), cr.Dense(4, "relu"), cr.BatchNorm(), cr.Dropout(0.3), cr.Dense(4, "relu"),
        cr.LayerNorm(), cr.Dense(2, "softmax"), inputs=(2, 2),
    )  # fmt: skip
    graph = net.graph(5, loss="cross_entropy")
    check_both_styles(graph, net)
    source = graph.program(style="layers")
    assert source.count("class Affine:") == source.count("class ReLU:") == 1


def test_equal_layers_with_other_settings_are_two_classes() -> None:
    net = network(cr.Dense(3), cr.Activation("elu"), cr.Activation(lambda x: cr.elu(x, 0.5)))
    source = net.graph(2, loss="mean_squared_error").program(style="layers")
    assert "class ELU:" in source
    assert "class ELU2:" in source


class _Soft(Elementwise):
    """An op of a user."""

    name, function = "soft_ReLU", "arctan"

    def pull(self, g: Any, y: Any, x: Any) -> tuple[Any, ...]:
        return (g / (1.0 + x * x),)


_soft = unary(_Soft)
for _table in (OPS, cr.graph.op.FUNCTIONS):  # the tests of the table are not about this one
    del _table["soft_ReLU"]


def test_the_class_of_an_op_of_your_own_keeps_its_letters() -> None:
    net = network(cr.Dense(3), cr.Activation(_soft))
    source = net.graph(2, loss="mean_squared_error").program(style="layers")
    assert "class SoftReLU:" in source
