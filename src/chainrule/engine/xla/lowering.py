"""A graph handed to JAX: node by node, each op's value computed over ``jax.numpy``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.engine.xla import parts
from chainrule.engine.xla.parts import Parts
from chainrule.engine.xla.runtime import jax_module
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT
from chainrule.graph.tensor import Tensor
from chainrule.ops.stacking import Concatenate


def outputs(graph: Graph, arrays: Mapping[str, Any]) -> list[Any]:
    """The graph's outputs for inputs by name, recorded by JAX.

    An input may be a vector in ``Parts``; so then may be outputs that follow from it.
    """
    jnp = jax_module().numpy
    values: dict[Tensor, Any] = {}
    for node, name in zip(graph.inputs, graph.input_names(), strict=True):
        given = arrays[name]
        values[node] = given if isinstance(given, Parts) else jnp.asarray(given)
    cuts = {x.cut.bounds: x.cut for x in values.values() if isinstance(x, Parts)}
    for node in graph.nodes[len(graph.inputs) :]:
        if node.op is None or node.op is CONSTANT:
            values[node] = jnp.asarray(node.value)
            continue
        inputs = [values[x] for x in node.inputs]
        if any(isinstance(x, Parts) for x in inputs) or (cuts and isinstance(node.op, Concatenate)):
            value = parts.value(node, inputs, cuts)
        else:
            value = node.op.value(jnp, *inputs)
        # NumPy and JAX differ in what they make of whole numbers beside floats.
        values[node] = value if isinstance(value, Parts) else jnp.asarray(value, dtype=node.dtype)
    return [values[node] for node in graph.outputs]
