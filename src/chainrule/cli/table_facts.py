"""The record of a training on a table: from the problem and the network's answers to its facts."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.problems import Problem
from chainrule.cli.scores import Score, probabilities
from chainrule.data import TableEncoder, TableFacts
from chainrule.data.facts import ColumnFacts, HardRow, Predictions
from chainrule.data.table import number_text
from chainrule.nn.sequential import Sequential

#: Rows whose predictions are kept, rows that are told as the hardest, rows that are shuffled to
#: find out what a column is worth, and columns for which that is done.
MOST_PREDICTIONS, HARDEST, SHUFFLED, MOST_COLUMNS = 10_000, 20, 2000, 200
SHUFFLES = 3


def table_facts(problem: Problem, net: Sequential, score: Score) -> TableFacts:
    """The facts of a trained table; ``problem.known`` and ``problem.encoder`` are there."""
    known, encoder = problem.known, problem.encoder
    assert known is not None
    assert encoder is not None
    said, actual, chances = _answers(encoder, score.outputs, problem.test.y)
    kept = np.linspace(0, len(said) - 1, min(len(said), MOST_PREDICTIONS)).astype(int).tolist()
    predictions = Predictions(
        tuple(int(known.test.lines[row]) for row in kept),
        tuple(actual[row] for row in kept),
        tuple(said[row] for row in kept),
        tuple(tuple(round(float(p), 6) for p in chances[row]) for row in kept if len(chances)),
        len(said),
    )
    return TableFacts(
        problem.source,
        known.format,
        known.rows,
        known.file_bytes,
        known.streamed,
        encoder.target,
        encoder.task,
        known.task_text,
        encoder.class_names,
        problem.class_counts,
        problem.class_weights,
        _with_importance(known.columns, encoder, net, problem),
        known.split,
        score.facts,
        known.suspects,
        problem.remarks,
        predictions,
        _hardest(problem, encoder, score.outputs, said, actual),
    )


def _answers(
    encoder: TableEncoder, outputs: NDArray[Any], y: NDArray[Any]
) -> tuple[list[Any], list[Any], NDArray[Any]]:
    """Predicted and actual, in the target's own words or unit, and probabilities of classes."""
    if encoder.class_names:
        chances = probabilities(outputs)
        names = encoder.class_names
        return [names[k] for k in chances.argmax(axis=1)], [names[k] for k in y], chances
    said = encoder.decode_target(outputs.reshape(-1)).tolist()
    return said, encoder.decode_target(y).tolist(), np.zeros((0, 0))


def _losses(problem: Problem, outputs: NDArray[Any]) -> NDArray[np.float64]:
    """What each test row costs: -ln p of its class, or the squared error."""
    if problem.class_names:
        chances = probabilities(outputs).astype(np.float64)
        own = chances[np.arange(len(chances)), problem.test.y]
        return np.asarray(-np.log(np.maximum(own, 1e-12)))
    return np.asarray((outputs.reshape(-1) - problem.test.y).astype(np.float64) ** 2)


def _hardest(
    problem: Problem, encoder: TableEncoder, outputs: NDArray[Any], said: list[Any],
    actual: list[Any],
) -> tuple[HardRow, ...]:  # fmt: skip
    assert problem.known is not None
    losses, table = _losses(problem, outputs), problem.known.test
    worst = np.argsort(-losses, kind="stable")[:HARDEST].tolist()
    return tuple(
        HardRow(
            int(table.lines[row]),
            table.cells(row),
            _text(actual[row]),
            _text(said[row]),
            float(losses[row]),
        )
        for row in worst
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else number_text(float(f"{value:.9g}"))


def _with_importance(
    columns: tuple[ColumnFacts, ...], encoder: TableEncoder, net: Sequential, problem: Problem
) -> tuple[ColumnFacts, ...]:
    """The columns, each with what the score loses when it alone is shuffled (Breiman 2001)."""
    inputs = encoder.columns
    if len(inputs) > MOST_COLUMNS:
        return columns
    rng = np.random.default_rng(0)
    rows = np.linspace(0, len(problem.test) - 1, min(len(problem.test), SHUFFLED)).astype(int)
    X, y = problem.test.X[rows], problem.test.y[rows]
    whole = _quality(net.predict(X), y, problem)
    worth, start = {}, 0
    for column in inputs:
        part = slice(start, start + len(column.feature_names))
        start = part.stop
        falls = []
        for _ in range(SHUFFLES):
            shuffled = X.copy()
            shuffled[:, part] = X[rng.permutation(len(X)), part]
            falls.append(whole - _quality(net.predict(shuffled), y, problem))
        worth[column.name] = float(np.mean(falls))
    return tuple(
        dataclasses.replace(column, importance=worth.get(column.name)) for column in columns
    )


def _quality(outputs: NDArray[Any], y: NDArray[Any], problem: Problem) -> float:
    """The share of right answers, or R²."""
    if problem.class_names:
        return float(np.mean(probabilities(outputs).argmax(axis=1) == y))
    values = y.astype(np.float64)
    spread = float(np.mean((values - values.mean()) ** 2)) or 1.0
    return 1 - float(np.mean((outputs.reshape(-1) - values) ** 2)) / spread
