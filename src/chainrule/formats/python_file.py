"""A network as a Python file that predicts, and needs NumPy alone.

The weights are in the file, as base64: one file is what travels, nothing can be lost or mixed up on
the way, every bit is kept, and reading it unpickles nothing. As text they take a third more room.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

from chainrule.data import TableEncoder
from chainrule.errors import OptionError
from chainrule.formats.open_rows import open_rows
from chainrule.formats.python_parts import Given, plain_part, table_part
from chainrule.formats.whole_file import check_place, path_of, write_whole
from chainrule.graph.op import Array
from chainrule.nn.sequential import Sequential

_IMPORTS = """\
from __future__ import annotations

import base64
import csv
import io
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
"""
#: Characters of base64 in a line.
WIDTH = 96
#: More bytes of parameters than Python reads in reasonable time.
MOST_BYTES = 2**28


def python_source(
    net: Sequential, *, classes: Sequence[str] = (), largest: int | None = None,
    encoder: TableEncoder | None = None, name: str = "model",
) -> str:  # fmt: skip
    """The text of a Python file with ``predict(X)``, and a command ``python model.py rows.csv``.

    What it gives differs from ``net.predict`` by rounding alone: 1e-6 of the largest number on the
    way in float32, 1e-14 in float64. With the encoder of a table, ``predict`` takes raw rows, a
    dict for each, and gives numbers in the target's unit or the names of classes.

    Args:
        classes: the names of the classes that the outputs stand for.
        largest: the largest count of a pixel; rows with numbers above 1 are divided by it.
        encoder: what turned a table's rows into inputs of the network.
        name: the file's name without its ending, for what it says of itself.

    Raises:
        OptionError: an activation or a layer of your own whose forward pass depends on the number
            of rows in a way that no program can follow, or holds a large array; parameters of more
            than 256 MiB.
        ShapeError: a network that is not built.
    """
    shape, arrays = net._built_shape(), net.parameters | net.statistics
    if (size := sum(array.nbytes for array in arrays.values())) > MOST_BYTES:
        raise OptionError(
            f"the parameters take {size / 2**20:.0f} MiB, and Python would read a file with more "
            f"than {MOST_BYTES // 2**20} very slowly. Export to ONNX, or keep the .safetensors."
        )
    forward = open_rows(lambda rows: net.graph(rows).program(), "X")
    given = Given(shape, net.output_shape, net.dtype.name, tuple(classes), largest)
    part = plain_part(given) if encoder is None else table_part(given, encoder)
    parts = [
        _head(net, name, part.example),
        forward.removeprefix("import numpy as np\n").strip(),
        part.predict,
        part.copied,
        f"{part.constants}\nPARAMETERS = [\n{_written(arrays)}]",
        f'if __name__ == "__main__":\n'
        f"    command({part.answer}, {f'usage: python {name}.py rows.csv'!r})",
    ]
    return "\n\n\n".join(parts) + "\n"


def save_python(
    net: Sequential, path: str | Path, *, classes: Sequence[str] = (), largest: int | None = None,
    encoder: TableEncoder | None = None,
) -> None:  # fmt: skip
    """Write :func:`python_source` to a file, which appears whole or not at all."""
    path = path_of(path, "model.py")
    check_place(path)
    text = python_source(net, classes=classes, largest=largest, encoder=encoder, name=path.stem)
    write_whole(path, text.encode("utf-8"))


def _head(net: Sequential, name: str, example: str) -> str:
    from chainrule import __version__

    name = name.replace('"', "'").replace("\\", "/")  # as it may stand in a docstring
    count = sum(array.size for array in net.parameters.values())
    layers = ", ".join(type(layer).__name__ for layer in net.layers)
    return (
        f'"""A neural network with {count:,} parameters, written by chainrule {__version__}.\n\n'
        f"Layers: {layers}. It needs NumPy and nothing else:\n\n"
        f"    from {name} import predict\n    {example}\n\n"
        f"    python {name}.py rows.csv    # the predictions for a file of rows, as CSV\n"
        f'"""\n\n{_IMPORTS}'.rstrip()
    )


def _written(arrays: Mapping[str, Array]) -> str:
    """Calls of ``array``, one for each parameter."""
    lines = []
    for name, value in arrays.items():
        dtype = value.dtype.newbyteorder("<")
        data = base64.b64encode(value.astype(dtype).tobytes()).decode()
        text = "\n".join(data[at : at + WIDTH] for at in range(0, len(data), WIDTH))
        lines.append(f'    # {name}\n    array("{dtype.str}", {value.shape}, """\n{text}\n"""),\n')
    return "".join(lines)
