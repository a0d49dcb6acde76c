"""A recorded graph in ONNX's operators, for the rows of the recording or for any number of them.

A graph is recorded for one number of rows. To leave that open it is recorded for 2, 3 and 5: what
is the same in all three is constant, and what grows evenly is computed from the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from chainrule.errors import OptionError
from chainrule.formats.onnx_arrays import Node, OnnxArray, OnnxNumPy
from chainrule.formats.open_rows import ROWS
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT, Array
from chainrule.graph.tensor import Tensor


@dataclass(frozen=True)
class Port:
    """An input or an output of the file; an axis of None is as long as there are rows."""

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Written:
    """A whole computation in ONNX's operators."""

    inputs: list[Port]
    outputs: list[Port]
    nodes: list[Node]
    constants: dict[str, Array]


class Before(Protocol):
    """What is computed in front of a graph: its first input, from inputs of other kinds."""

    def __call__(self, xp: OnnxNumPy, x: Tensor) -> tuple[OnnxArray, list[Port]]:
        """The first input ``x``, and the ports it comes from."""
        ...


class After(Protocol):
    """What is computed behind a graph: other outputs, by name, from its own."""

    def __call__(self, xp: OnnxNumPy, output: OnnxArray) -> dict[str, OnnxArray]:
        """The outputs."""
        ...


def write(
    graph: Graph, arrays: Mapping[str, Array], before: Before | None = None,
    after: After | None = None,
) -> Written:  # fmt: skip
    """A graph in ONNX's operators; inputs that are named in ``arrays`` are constants of the file.

    Raises:
        OptionError: an op that cannot be written; the text names it.
    """
    xp = OnnxNumPy()
    become: dict[Tensor, OnnxArray] = {}
    inputs: list[Port] = []
    if before is not None:
        become[graph.inputs[0]], inputs = before(xp, graph.inputs[0])
    for name, x in zip(graph.input_names(), graph.inputs, strict=True):
        if name in arrays:
            become[x] = xp.array(arrays[name], name)
        elif x not in become:
            become[x] = xp.input(name, x.shape, x.dtype)
            inputs.append(Port(become[x].name, x.shape, x.dtype))
    for node in graph.nodes[len(graph.inputs) :]:
        xp.scope = node.scope.replace(" ", "_")
        if node.op is None or node.op is CONSTANT:
            become[node] = xp.array(node.value)
            continue
        where = f"layer {node.scope}" if node.scope else node.place
        xp.op = f"the op {node.op.name}{f' ({where})' if where else ''}"
        become[node] = xp.apply(node.op, *[become[x] for x in node.inputs])
    xp.scope = xp.op = ""
    results = {
        "output" if len(graph.outputs) == 1 else f"output_{number}": become[node]
        for number, node in enumerate(graph.outputs, start=1)
    }
    if after is not None:
        results = after(xp, results["output"])
    outputs, called = [], {}
    for name, result in results.items():
        outputs.append(Port(xp.fresh(name), result.shape, result.dtype))
        made = result.name
        if made in called or not any(one.output == made for one in xp.nodes):
            made = xp.node("Identity", result).name
        called[made] = outputs[-1].name
    nodes = [_renamed(node, called) for node in xp.nodes]
    return Written(inputs, outputs, nodes, xp.constants)


def _renamed(node: Node, called: Mapping[str, str]) -> Node:
    inputs = tuple(called.get(name, name) for name in node.inputs)
    return replace(node, inputs=inputs, output=called.get(node.output, node.output))


def write_open(
    record: Callable[[int], Graph], arrays: Mapping[str, Array], before: Before | None = None,
    after: After | None = None,
) -> Written:  # fmt: skip
    """As :func:`write`, for any number of rows; ``record`` gives the graph for a number of them.

    Raises:
        OptionError: as :func:`write`, or a number in the graph that does not grow evenly with the
            rows, or something else in it that depends on them.
    """
    all_three = [write(record(rows), arrays, before, after) for rows in ROWS]
    first = all_three[0]
    for node, *others in zip(*[one.nodes for one in all_three], strict=False):
        if any(other != node for other in others):
            raise _uneven(node.op)
    if len({len(one.nodes) for one in all_three}) > 1:
        raise _uneven("the recording")
    constants: dict[str, Array] = {}
    growing: list[Node] = []
    taken = {port.name for port in first.inputs} | {node.output for node in first.nodes}
    count = next(name for name in ("rows", "rows_", "rows__", "rows___") if name not in taken)
    for name, values in _aligned([one.constants for one in all_three]):
        if all(_same(values[0], other) for other in values[1:]):
            constants[name] = values[0]
            continue
        users = [node for node in first.nodes if name in node.inputs]
        if (shape := _with_open_size(values, users)) is not None:
            constants[name] = shape
            continue
        slope, start = _line(values, users)
        constants[f"{name}/each"], constants[f"{name}/start"] = slope, start
        growing += _computed(name, count, values[0].dtype)
    if growing:
        constants[f"{count}/axis"] = np.array(0, np.int64)
        growing[:0] = [
            Node("Shape", (first.inputs[0].name,), f"{count}/shape", {}, ""),
            Node("Gather", (f"{count}/shape", f"{count}/axis"), count, {"axis": 0}, ""),
        ]
    return Written(
        _open([one.inputs for one in all_three]),
        _open([one.outputs for one in all_three]),
        [*growing, *first.nodes],
        constants,
    )


def _aligned(found: Sequence[dict[str, Array]]) -> Iterator[tuple[str, list[Array]]]:
    for name in found[0]:
        yield name, [one[name] for one in found]


def _same(a: Array, b: Array) -> bool:
    return a is b or (a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes())


def _with_open_size(values: Sequence[Array], users: Sequence[Node]) -> Array | None:
    """The shape of a Reshape with -1 for the only size that depends on the rows."""
    if any(node.operator != "Reshape" or node.attributes.get("allowzero") for node in users):
        return None
    differ = values[0] != values[1]
    if differ.sum() != 1 or (values[0] == -1).any():
        return None
    return np.where(differ, -1, values[0])


def _line(values: Sequence[Array], users: Sequence[Node]) -> tuple[Array, Array]:
    """Slope and start of a constant that grows evenly with the rows."""
    a, b, c = values
    is_number = a.shape == b.shape == c.shape and a.dtype.kind in "iuf"
    slope = (b - a) / (ROWS[1] - ROWS[0]) if is_number else a
    start = a - slope * ROWS[0]
    if not is_number or not np.array_equal(start + slope * ROWS[2], c):
        raise _uneven(users[0].op if users else "a constant")
    return slope.astype(a.dtype), start.astype(a.dtype)


def _computed(name: str, rows: str, dtype: np.dtype[Any]) -> Iterator[Node]:
    """start + each * rows."""
    from onnx.helper import np_dtype_to_tensor_dtype

    to = {"to": np_dtype_to_tensor_dtype(dtype)}
    yield Node("Cast", (rows,), f"{name}/rows", to, "")
    yield Node("Mul", (f"{name}/each", f"{name}/rows"), f"{name}/grown", {}, "")
    yield Node("Add", (f"{name}/grown", f"{name}/start"), name, {}, "")


def _open(ports: Sequence[list[Port]]) -> list[Port]:
    """The ports, with None for the axes along which the rows lie."""
    return [
        replace(
            port,
            shape=tuple(
                None if size != more else size
                for size, more in zip(port.shape, other.shape, strict=True)
            ),
        )
        for port, other in zip(ports[0], ports[1], strict=True)
    ]


def _uneven(op: str) -> OptionError:
    return OptionError(
        f"{op} depends on the number of rows in a way that an ONNX file cannot follow. Fix the "
        "number with rows=..., as in net.export('net.onnx', rows=32)."
    )
