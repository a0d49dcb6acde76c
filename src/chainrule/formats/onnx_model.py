"""ONNX: a network, or any recorded graph, as a model for ONNX Runtime and other programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.data import TableEncoder
from chainrule.errors import OptionError, optional_package
from chainrule.formats.onnx_table import TEXT_OPERATORS, TEXT_OPSET, around_table
from chainrule.formats.onnx_writing import Port, Written, write, write_open
from chainrule.formats.whole_file import check_place, path_of, write_whole
from chainrule.graph.graph import Graph
from chainrule.nn.sequential import Sequential

#: What released runtimes read: ONNX Runtime from 1.18 on. The newest version would be refused.
OPSET, IR_VERSION = 21, 10
#: What the model calls the number of rows where it is open.
ROWS = "rows"
#: More bytes than a model can hold in one file.
MOST_BYTES = 2**31 - 1


def to_onnx(
    what: Sequential | Graph, *, rows: int | None = None, encoder: TableEncoder | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Any:  # fmt: skip
    """The ONNX model of a network's prediction, or of a graph, as an ``onnx.ModelProto``.

    A network becomes a model with the input X, rows first, and one output, its prediction; the
    parameters are in the model under their names, W1, b1, ... A graph becomes a model with its
    inputs, and outputs called output, or output_1, output_2, ...; its shapes are those of the
    recording. The operators are of opset 21, the file is of IR version 10.

    With the encoder of a table the model takes raw rows: an input (rows,) for each column under its
    name, float64 for numbers (NaN where one is missing), text for the others ("" where missing),
    seconds since 1970 for dates. It gives ``prediction``, in the unit of the target or the name of
    the class, and for classes ``probabilities`` (rows, classes) as well.

    Args:
        rows: of a network, fix the number of rows; by default it is open.
        encoder: what turned the table's rows into inputs of the network.
        metadata: texts to keep in the model.

    Raises:
        OptionError: an op that ONNX has no operators for (the text names it), or something in a
            network that depends on the number of rows in a way that no file can follow.
        ShapeError: a network that is not built.
        MissingPackageError: the package onnx is not installed.
    """
    optional_package("onnx", "onnx", "Writing ONNX")
    if isinstance(what, Graph):
        if rows is not None or encoder is not None:
            raise OptionError("a graph has the rows it was recorded for, and its own inputs.")
        return model(write(what, {}), metadata)
    if not isinstance(what, Sequential):
        raise OptionError(
            f"to_onnx takes a network or a graph, got {type(what).__name__}. For a function: "
            "cr.trace(function, *arguments) is its graph."
        )
    arrays = what.parameters | what.statistics
    around = (None, None) if encoder is None else around_table(encoder)
    if rows is not None:
        return model(write(what.graph(rows), arrays, *around), metadata)
    return model(write_open(what.graph, arrays, *around), metadata)


def save_onnx(
    what: Sequential | Graph, path: str | Path, *, rows: int | None = None,
    encoder: TableEncoder | None = None, metadata: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Write :func:`to_onnx` to a file, which appears whole or not at all."""
    path = path_of(path, "net.onnx")
    check_place(path)
    made = to_onnx(what, rows=rows, encoder=encoder, metadata=metadata)
    write_whole(path, made.SerializeToString())


def model(written: Written, metadata: Mapping[str, str] | None = None) -> Any:
    """The ModelProto of what was written, looked over by ONNX's own checker.

    Raises:
        OptionError: more than 2 GiB, which no such file can hold.
    """
    import onnx
    from onnx import helper, numpy_helper

    from chainrule import __version__

    nodes = [
        helper.make_node(
            node.operator, node.inputs, [node.output], name=node.output, **node.attributes
        )
        for node in written.nodes
    ]
    size = sum(array.nbytes for array in written.constants.values())
    if size > MOST_BYTES:
        raise OptionError(
            f"the parameters take {size / 2**30:.1f} GiB, and an ONNX file holds at most 2. Keep "
            "the network as .safetensors."
        )
    used = {name for node in written.nodes for name in node.inputs}
    constants = [
        numpy_helper.from_array(array, name)
        for name, array in written.constants.items()
        if name in used
    ]
    graph = helper.make_graph(
        nodes,
        "chainrule",
        [_value_info(port) for port in written.inputs],
        [_value_info(port) for port in written.outputs],
        constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    if any(node.attributes.get("domain") == TEXT_OPERATORS for node in written.nodes):
        opsets.append(helper.make_opsetid(TEXT_OPERATORS, TEXT_OPSET))
    made = helper.make_model(
        graph,
        producer_name="chainrule",
        producer_version=__version__,
        ir_version=IR_VERSION,
        opset_imports=opsets,
    )
    if metadata:
        helper.set_model_props(made, dict(metadata))
    onnx.checker.check_model(made, full_check=True)
    return made


def _value_info(port: Port) -> Any:
    from onnx import helper

    shape = [ROWS if size is None else size for size in port.shape]
    return helper.make_tensor_value_info(
        port.name, helper.np_dtype_to_tensor_dtype(port.dtype), shape
    )
