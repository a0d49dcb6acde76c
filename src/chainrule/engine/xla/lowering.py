"""A graph handed to JAX: node by node, each op's value computed over ``jax.numpy``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.engine.xla.runtime import jax_module
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT


def outputs(graph: Graph, arrays: Mapping[str, Any]) -> list[Any]:
    """The graph's outputs for inputs by name, recorded by JAX."""
    jnp = jax_module().numpy
    values = {
        node: jnp.asarray(arrays[name])
        for node, name in zip(graph.inputs, graph.input_names(), strict=True)
    }
    for node in graph.nodes[len(graph.inputs) :]:
        if node.op is None or node.op is CONSTANT:
            values[node] = jnp.asarray(node.value)
        else:
            value = node.op.value(jnp, *[values[x] for x in node.inputs])
            # NumPy and JAX differ in what they make of whole numbers beside floats.
            values[node] = jnp.asarray(value, dtype=node.dtype)
    return [values[node] for node in graph.outputs]
