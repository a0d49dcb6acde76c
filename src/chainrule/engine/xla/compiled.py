"""Compiled programs, kept by what they compute: whoever asks for the same again gets the same.

A program depends on the graph's structure (ops with their settings, shapes, dtypes, constants, but
not on who recorded it, nor when), on the shapes of what it is given, and on how JAX is set. So a
second network of the same form is trained by the program of the first.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from hashlib import blake2b
from typing import Any

from chainrule.distributed import interrupts_held
from chainrule.engine.xla.runtime import all_dtypes, jax_module
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT, Array

#: Programs that are kept, those used last. Each holds code alone, some hundred kB, and no data.
KEPT = 128


class _Entry:
    """A program, or the place that is kept for it while one thread compiles it."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.run: Callable[..., Any] | None = None


_entries: OrderedDict[Hashable, _Entry] = OrderedDict()
_turn = threading.Lock()
_clock = threading.local()


def compiled(
    key: Hashable, function: Callable[..., Any], arguments: Sequence[Any],
    donated: tuple[int, ...] = (),
) -> Callable[..., Any]:  # fmt: skip
    """``function`` compiled for arguments of these shapes and dtypes, unless it is there already.

    Threads may ask at the same time: one compiles, the others wait for it.

    Args:
        key: all that the function depends on, its arguments' shapes apart.
        donated: the places of arguments whose memory the program may use for its results.
    """
    jax = jax_module()
    leaves, arranged = jax.tree.flatten(tuple(arguments))
    shapes = tuple((leaf.shape, leaf.dtype.str) for leaf in leaves)
    settings = (jax.config.jax_default_device, jax.config.jax_default_matmul_precision)
    whole = (key, shapes, arranged, donated, settings)
    with _turn:
        entry = _entries.setdefault(whole, _Entry())
        _entries.move_to_end(whole)
        if len(_entries) > KEPT:
            _entries.popitem(last=False)
    if entry.run is None:
        began = time.perf_counter()
        with interrupts_held(), entry.turn, all_dtypes():
            if entry.run is None:
                jitted = jax.jit(function, donate_argnums=donated)
                entry.run = jitted.lower(*arguments).compile()
        _clock.seconds = compile_seconds() + time.perf_counter() - began
    return entry.run


def compile_seconds() -> float:
    """The seconds that this thread has spent on compiling so far, or on waiting for it."""
    return float(getattr(_clock, "seconds", 0.0))


def structure(graph: Graph) -> Hashable:
    """What a graph computes: equal for graphs that were recorded alike, hashable."""
    number = {node: i for i, node in enumerate(graph.nodes)}
    nodes: list[Hashable] = []
    for node in graph.nodes[len(graph.inputs) :]:
        if node.op is None or node.op is CONSTANT:
            nodes.append((node.shape, node.dtype.str, _content(node.value)))
        else:
            reads = tuple(number[x] for x in node.inputs)
            nodes.append((node.op, node.shape, node.dtype.str, reads))
    inputs = tuple(
        (name, node.shape, node.dtype.str)
        for name, node in zip(graph.input_names(), graph.inputs, strict=True)
    )
    found = (inputs, tuple(nodes), tuple(number[node] for node in graph.outputs))
    try:
        hash(found)
    except TypeError:  # an op whose settings cannot be compared: this graph is like no other
        return (graph,)
    return found


def _content(value: Array) -> bytes:
    content = value.tobytes()
    return content if len(content) <= 64 else blake2b(content).digest()
