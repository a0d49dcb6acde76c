"""How good a trained network is, on rows that it has not seen, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.problems import Problem
from chainrule.errors import DataError
from chainrule.nn.metrics import r2


@dataclass(frozen=True)
class Score:
    """Numbers by name, the sentence that says them, and the network's outputs on the test rows."""

    numbers: dict[str, float]
    text: str
    outputs: NDArray[Any]


def probabilities(outputs: NDArray[Any]) -> NDArray[Any]:
    """(n, K) for what a network says of classes; one column p is the classes 0 and 1: 1 - p, p."""
    table = outputs.reshape(len(outputs), -1)
    return np.hstack([1 - table, table]) if table.shape[1] == 1 else table


def score(problem: Problem, outputs: NDArray[Any]) -> Score:
    """The score of ``outputs``, the network's answers to the test rows of ``problem``.

    Raises:
        DataError: answers that are not finite, because the training diverged.
    """
    if not np.isfinite(outputs).all():
        raise DataError(
            "the training diverged: the network's answers to the test rows are not finite. "
            "Nothing was saved. Try a smaller --lr."
        )
    if not problem.class_names:
        return _regression(problem, outputs)
    guess = probabilities(outputs).argmax(axis=1)
    right, total = int(np.sum(guess == problem.test.y)), len(problem.test)
    accuracy = right / total
    if problem.is_gate:
        return Score({"accuracy": accuracy}, f"{right} of {total} rows right", outputs)
    common = int(np.bincount(problem.train.y).argmax())
    baseline = float(np.mean(problem.test.y == common))
    text = (
        f"test accuracy {100 * accuracy:.2f} % ({right:,} of {total:,} rows); always saying "
        f"{problem.class_names[common]!r} would give {100 * baseline:.2f} %"
    )
    return Score({"test_accuracy": accuracy, "majority_accuracy": baseline}, text, outputs)


def _regression(problem: Problem, outputs: NDArray[Any]) -> Score:
    encoder = problem.encoder
    assert encoder is not None
    predicted = encoder.decode_target(outputs.reshape(-1))
    actual = encoder.decode_target(problem.test.y)
    explained = r2(predicted, actual)
    error = _rms(predicted - actual)
    baseline = _rms(encoder.decode_target(0.0) - actual)
    text = (
        f"test R² {explained:.4f}, RMSE {_short(error)} in the unit of {encoder.target!r} "
        f"({len(problem.test):,} rows); always saying the mean would give {_short(baseline)}"
    )
    numbers = {"test_r2": explained, "test_rmse": error, "mean_rmse": baseline}
    return Score(numbers, text, outputs)


def _rms(errors: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _short(value: float) -> str:
    """Four digits, and no power of ten where people would write none."""
    return f"{float(f'{value:.4g}'):,.10g}"


def truth_table(problem: Problem, outputs: NDArray[Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows: a gate's inputs, its output, what the network says, and what that means."""
    head = [*problem.feature_names, problem.name, "predicted", "output"]
    rows = [
        [*[f"{value:g}" for value in x], str(y), str(int(p > 0.5)), f"{p:.4f}"]
        for x, y, p in zip(problem.test.X, problem.test.y, outputs.reshape(-1), strict=True)
    ]
    return head, rows
