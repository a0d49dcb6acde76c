"""Samples in columns: programs whose X holds a sample in each column, W @ X + b.

Many lectures write them so. They are judged as programs with samples in rows: data and parameters
are transposed on the way in and out of the user's functions, which notice nothing. Repairs are told
in the user's own layout; elsewhere in the account a row is a sample.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np

from chainrule.doctor.byhand.program import Function, Parameters, Program
from chainrule.doctor.diagnosis import Diagnosis
from chainrule.graph.op import Array

NOTE = (
    "X holds a sample in each column. In this account a row is a sample: X, y and the parameters "
    "are read transposed; repairs are for your layout."
)

#: How a repair is typed: for samples in rows, and for samples in columns.
TYPED = (
    (r"X\.(mean|std)\(axis=0\)", r"X.\1(axis=1, keepdims=True)"),
    (r"dz\.sum\(axis=0\)", "dz.sum(axis=1, keepdims=True)"),
    (r"axis=1, keepdims=True\)\)? below", r"axis=0, keepdims=True) below"),
    (r"np\.max\(z, axis=1", "np.max(z, axis=0"),
    (r"np\.argmax\((\w+), axis=1\)", r"np.argmax(\1, axis=0)"),
    (r"\.all\(axis=-1\)", ".all(axis=0)"),
    (r"X\[(order|keep)\], y\[\1\]", r"X[:, \1], y[..., \1]"),
    (r"(np\.eye\(\d+\)\[.*?\])(?=\s|$)", r"\1.T"),
    (r"x @ W \+ b", "W @ x + b"),
    (r"h @ (p\[\S+?\])", r"\1 @ h"),
    (r"each row's largest", "each column's largest"),
    (r"len\(X\)", "X.shape[1]"),
    (r"size=\(inputs, units\)", "size=(units, inputs)"),
    (r"np\.zeros\(units\)", "np.zeros((units, 1))"),
)


def lie_in_columns(X: Array, y: Array, parameters: Mapping[str, Array]) -> bool:
    """Whether the samples are columns: by the shapes of X and y, and of the weights.

    W @ X needs a weight with a column for each row of X, and X @ W one with a row for each column.
    Where X and y fit in rows as well, the weights alone must tell.
    """
    if X.ndim != 2 or y.ndim not in (1, 2) or X.shape[1] != y.shape[-1]:
        return False
    weights = [array.shape for array in parameters.values() if array.ndim == 2]
    left_of_X = any(shape[1] == len(X) for shape in weights)
    right_of_X = any(shape[0] == X.shape[1] for shape in weights)
    if len(X) == len(y):
        return left_of_X and not right_of_X
    return left_of_X or not right_of_X


def in_rows(program: Program) -> Program:
    """The same program with a sample in each row of X and of y."""

    def flipped(function: Function | None) -> Any:
        """(parameters, ...) and arrays in rows, for a function of arrays in columns."""
        if function is None:
            return None

        @wraps(function)
        def given(p: Parameters, *arrays: Any) -> Any:
            result = function(_parameters(p), *map(_turned, arrays))
            return _parameters(result) if isinstance(result, Mapping) else result

        return given

    @wraps(program.forward)
    def forward(p: Parameters, X: Any) -> Any:
        return _turned(program.forward(_parameters(p), _turned(X)))

    @wraps(program.step)
    def step(p: Parameters, X: Any, y: Any) -> Parameters:
        old = _parameters(p)
        return _parameters(program.stepped(old, _turned(X), _turned(y)))

    def batches(X: Any, y: Any) -> Iterator[Any]:
        assert program.batches is not None
        for batch in program.batches(_turned(X), _turned(y)):
            is_pair = isinstance(batch, tuple | list) and len(batch) == 2
            yield tuple(map(_turned, batch)) if is_pair else batch

    return replace(
        program,
        step=step, forward=forward, parameters=_parameters(program.parameters),
        data=_pair(program.data), validation=program.validation and _pair(program.validation),
        loss=flipped(program.loss), gradients=flipped(program.gradients),
        metric=flipped(program.metric),
        batches=None if program.batches is None else wraps(program.batches)(batches),
        is_in_columns=True,
    )  # fmt: skip


def _turned(x: Any) -> Any:
    """xᵀ; a vector, which has a number for each sample, as it is. Arrays are copied in order."""
    if isinstance(x, np.ndarray):
        return np.ascontiguousarray(x.T)
    return x.T if hasattr(x, "T") else x


def _parameters(p: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _turned(array) for name, array in p.items()}


def _pair(data: tuple[Any, Any]) -> tuple[Any, Any]:
    return _turned(data[0]), _turned(data[1])


def told(diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis with its repairs as they are typed where samples lie in columns."""
    findings = []
    for finding in diagnosis.findings:
        experiment = finding.experiment
        if experiment is not None:
            experiment = replace(experiment, changed=typed(experiment.changed))
        findings.append(replace(finding, repair=typed(finding.repair), experiment=experiment))
    summary = f"{diagnosis.summary} {NOTE}".strip()
    return replace(diagnosis, findings=tuple(findings), summary=summary)


def typed(repair: str) -> str:
    """A repair for samples in rows, as it is written for samples in columns."""
    for rows, columns in TYPED:
        repair = re.sub(rows, columns, repair)
    return repair
