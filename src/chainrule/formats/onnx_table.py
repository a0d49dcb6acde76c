"""A table's preprocessing in ONNX: raw columns in, the inputs of a network out; and the way back.

What is written follows the encoder's own record of each column, as its JSON has it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.data import TableEncoder
from chainrule.data.columns import TRUTH
from chainrule.data.dates import DAY, YEAR
from chainrule.formats.onnx_arrays import OnnxArray, OnnxNumPy
from chainrule.formats.onnx_writing import After, Before, Port
from chainrule.graph.tensor import Tensor

#: The part of ONNX with operators of text, and its version.
TEXT_OPERATORS, TEXT_OPSET = "ai.onnx.ml", 3
_TEXT = np.dtype(object)


def around_table(encoder: TableEncoder) -> tuple[Before, After]:
    """What stands in front of the network and behind it."""
    state = json.loads(encoder.to_json())
    columns, target = state["columns"], state["target"]

    def before(xp: OnnxNumPy, x: Tensor) -> tuple[OnnxArray, list[Port]]:
        rows = x.shape[0]
        ports: list[Port] = []
        parts: list[OnnxArray] = []
        for column in columns:
            xp.scope, xp.op = f"column {column['name']}", f"the column {column['name']!r}"
            dtype = np.dtype(np.float64) if kind(column) in ("number", "date") else _TEXT
            given = xp.input(column["name"], (rows,), dtype)
            ports.append(Port(given.name, given.shape, dtype))
            parts += _ENCODED[kind(column)](xp, given, column)
        xp.scope = "columns"
        # Through float32, which is what the encoder gives.
        same = [xp.astype(part, np.float32) for part in parts]
        wide = [xp.expand_dims(part, 1) if part.ndim == 1 else part for part in same]
        return xp.astype(xp.concatenate(wide, 1), x.dtype), ports

    def after(xp: OnnxNumPy, output: OnnxArray) -> dict[str, OnnxArray]:
        xp.scope = "target"
        if target["task"] == "regression":
            value = xp.astype(output, np.float64) * target["std"] + target["mean"]
            return {"prediction": value}
        p = output
        if output.shape[1] == 1:
            p = xp.concatenate([1.0 - output, output], 1)
        place = xp.node("ArgMax", p, axis=1, keepdims=0)
        names = xp.node(
            "LabelEncoder", place, domain=TEXT_OPERATORS,
            keys_int64s=list(range(len(target["classes"]))), values_strings=target["classes"],
        )  # fmt: skip
        label = OnnxArray(xp, names.name, (output.shape[0],), _TEXT)
        return {"prediction": label, "probabilities": p}

    return before, after


def columns_of(encoder: TableEncoder) -> dict[str, str]:
    """The inputs of the model by name, each with what it takes, in words."""
    words = {
        "number": "float64, NaN where missing",
        "date": "float64, seconds since 1970, NaN where missing",
        "category": 'text, "" where missing',
        "boolean": 'text, "" where missing',
    }
    columns = json.loads(encoder.to_json())["columns"]
    return {column["name"]: words[kind(column)] for column in columns}


def kind(column: Mapping[str, Any]) -> str:
    """What a column is; old records do not say."""
    return str(column.get("kind", "category" if "categories" in column else "number"))


def _number(xp: OnnxNumPy, x: OnnxArray, column: Mapping[str, Any]) -> Iterator[OnnxArray]:
    gone = _is_nan(xp, x)
    known = xp.where(gone, column["mean"], x)
    # Halves, because the difference of two huge numbers may have no place in float64.
    yield (known * 0.5 - column["mean"] / 2) / column["std"] * 2.0
    if column.get("flag"):
        yield xp.astype(gone, np.float32)


def _boolean(xp: OnnxNumPy, x: OnnxArray, column: Mapping[str, Any]) -> Iterator[OnnxArray]:
    worth = {
        "".join(letters): value
        for word, value in TRUTH.items()
        for letters in itertools.product(*[{one.lower(), one.upper()} for one in word])
    }
    found = xp.node(
        "LabelEncoder", x, domain=TEXT_OPERATORS,
        keys_strings=list(worth), values_floats=list(worth.values()), default_float=0.0,
    )  # fmt: skip
    yield OnnxArray(xp, found.name, x.shape, np.dtype(np.float32))


def _category(xp: OnnxNumPy, x: OnnxArray, column: Mapping[str, Any]) -> Iterator[OnnxArray]:
    categories, has_other = column["categories"], bool(column.get("other"))
    width = len(categories) + has_other
    # One place beyond the width, where nothing is 1, for missing values, and for unseen ones
    # unless they count as rare.
    found = xp.node(
        "LabelEncoder", x, domain=TEXT_OPERATORS,
        keys_strings=[*categories, ""], values_int64s=[*range(len(categories)), width],
        default_int64=len(categories) if has_other else width,
    )  # fmt: skip
    places = OnnxArray(xp, found.name, x.shape, np.dtype(np.int64))
    hot = xp.equal(xp.expand_dims(places, 1), np.arange(width))
    yield xp.astype(hot, np.float32)


def _date(xp: OnnxNumPy, x: OnnxArray, column: Mapping[str, Any]) -> Iterator[OnnxArray]:
    gone = _is_nan(xp, x)
    seconds = xp.where(gone, column["mean"], x)
    for part in column["parts"]:
        if part == "time":
            yield (seconds - column["mean"]) / column["std"]
            continue
        turns = seconds / {"season": YEAR, "weekday": 7 * DAY, "hour": DAY}[part]
        whole = OnnxArray(xp, xp.node("Floor", turns).name, turns.shape, turns.dtype)
        angle = (turns - whole) * (2 * np.pi)
        yield xp.where(gone, 0.0, xp.sin(angle))
        yield xp.where(gone, 0.0, xp.cos(angle))


def _is_nan(xp: OnnxNumPy, x: OnnxArray) -> OnnxArray:
    return OnnxArray(xp, xp.node("IsNaN", x).name, x.shape, np.dtype(bool))


_ENCODED = {"number": _number, "boolean": _boolean, "category": _category, "date": _date}
