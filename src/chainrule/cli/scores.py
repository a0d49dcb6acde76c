"""How good a trained network is, on rows that it has not seen, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.problems import Problem
from chainrule.data.facts import ScoreFacts
from chainrule.errors import DataError
from chainrule.report.measures.intervals import Estimate, bootstrap, of_recalls, wilson
from chainrule.report.measures.scores import scores
from chainrule.report.wording import amount

#: Test rows without which nothing is said of the columns, however the network fares.
FEWEST_ROWS = 10


@dataclass(frozen=True)
class Score:
    """Numbers by name, the sentence that says them, and the network's outputs on the test rows.

    ``facts`` has every score with its interval: the network's and the baselines'. ``verdict`` says
    whether a linear model does as well.
    """

    numbers: dict[str, float]
    text: str
    outputs: NDArray[Any]
    facts: tuple[ScoreFacts, ...] = ()
    verdict: str = ""


def probabilities(outputs: NDArray[Any]) -> NDArray[Any]:
    """(n, K) for what a network says of classes; one column p is the classes 0 and 1: 1 - p, p."""
    table = outputs.reshape(len(outputs), -1)
    return np.hstack([1 - table, table]) if table.shape[1] == 1 else table


def score(
    problem: Problem, outputs: NDArray[Any], linear: tuple[str, NDArray[Any]] | None = None,
    cut_short: str = "",
) -> Score:  # fmt: skip
    """The score of ``outputs``, the network's answers to the test rows of ``problem``.

    ``linear`` is the name and the answers of a linear model, where there is one; ``cut_short`` is
    what ended the training before it had learnt what it could.

    Raises:
        DataError: answers that are not finite, because the training diverged.
    """
    if not np.isfinite(outputs).all():
        raise DataError(
            "the training diverged: the network's answers to the test rows are not finite. "
            "Nothing was saved. Try a smaller --lr; the command chainrule doctor, given the same "
            "data and options, looks for the cause."
        )
    if not problem.class_names:
        return _regression(problem, outputs, linear, cut_short)
    guess = probabilities(outputs).argmax(axis=1)
    if problem.is_gate:
        right, total = int(np.sum(guess == problem.test.y)), len(problem.test)
        return Score({"accuracy": right / total}, f"{right} of {total} rows right", outputs)
    return _classification(problem, outputs, guess, linear, cut_short)


def _verdict(gains: dict[str, NDArray[Any]], cut_short: str) -> str:
    """What is to be said if the gain on a baseline, row by row, may be chance, or is a loss.

    ``gains`` has the constant first: who is no better than that need not be compared further.
    """
    for called, gain in gains.items():
        scale = float(np.abs(gain).max()) or 1.0
        columns = (np.asarray(gain, np.float64) / scale)[:, None]
        (mean,) = bootstrap(columns, lambda means: means)
        name = called[0].upper() + called[1:]
        if mean.low > 0:
            continue
        if cut_short:
            return f"{name} is no worse, which says nothing of the columns: {cut_short}."
        if len(gain) < FEWEST_ROWS:
            few = f"{amount(len(gain), 'test row')} {'is' if len(gain) == 1 else 'are'} too few"
            return f"{name} is no worse, which says nothing of the columns: {few} to tell."
        if called.startswith("always"):
            return (
                f"{name} is about as good: the network found nothing in the columns that holds for "
                f"other rows. Perhaps they do not tell the target, or there are too few rows."
            )
        if mean.high < 0:
            return (
                f"{name} does better on these rows. Try --hidden 0, another --hidden or --lr, or "
                f"give more rows."
            )
        return f"{name} does as well on these rows: the difference may be chance."
    return ""


# Classes


def _classification(
    problem: Problem, outputs: NDArray[Any], guess: NDArray[Any],
    linear: tuple[str, NDArray[Any]] | None, cut_short: str,
) -> Score:  # fmt: skip
    counts = problem.class_counts or np.bincount(problem.train.y).tolist()
    common = int(np.argmax(counts))
    always = f"always saying {problem.class_names[common]!r}"
    rivals = [("constant", always, np.full(len(guess), common))]
    if linear is not None:
        rivals.append(("linear model", linear[0], linear[1].argmax(axis=1)))
    actual = problem.test.y
    plain = [_accuracy("network", "the network", guess, actual)]
    plain += [_accuracy(who, called, answers, actual) for who, called, answers in rivals]
    numbers = {"test_accuracy": plain[0].value, "majority_accuracy": plain[1].value}
    right = int(np.sum(guess == actual))
    rows = f"({right:,} of {len(actual):,} rows)"
    verdict = ""
    if problem.known is not None:
        weights = np.array(problem.class_weights)[actual] if problem.class_weights else 1.0
        hits = {called: weights * (answers == actual) for _, called, answers in rivals}
        own = weights * (guess == actual)
        verdict = _verdict({called: own - other for called, other in hits.items()}, cut_short)
        if verdict and len(np.unique(actual)) == 1:
            only = problem.class_names[actual[0]]
            verdict = (
                f"All test rows are {only!r}: whether the network tells classes apart is open."
            )
    if not problem.class_weights:
        text = f"test accuracy {_percent(plain[0])} {rows}; {_rivals(plain[1:])}"
        return Score(numbers, text, outputs, tuple(plain), verdict)
    fair = [_balanced("network", "the network", guess, actual)]
    fair += [_balanced(who, called, answers, actual) for who, called, answers in rivals]
    numbers["test_balanced_accuracy"] = fair[0].value
    text = (
        f"test balanced accuracy {_percent(fair[0])}, {_counted(problem, actual)}; "
        f"{_rivals(fair[1:])}\ntest accuracy {_percent(plain[0])} {rows}; {_rivals(plain[1:])}"
    )
    return Score(numbers, text, outputs, (*fair, *plain), verdict)


def _counted(problem: Problem, actual: NDArray[Any]) -> str:
    """Which classes a balanced score is the mean of."""
    present, count = np.unique(actual), len(problem.class_names)
    if len(present) == count:
        return "each class counting alike"
    if len(present) == 1:
        return (
            f"of {problem.class_names[present[0]]!r} alone, as the test has no row of another class"
        )
    return f"each of the {len(present):,} classes counting alike that the test has, of {count:,}"


def _accuracy(who: str, called: str, guess: NDArray[Any], actual: NDArray[Any]) -> ScoreFacts:
    found = wilson(int(np.sum(guess == actual)), len(actual))
    return _fact(who, called, "accuracy", found, "Wilson")


def _balanced(who: str, called: str, guess: NDArray[Any], actual: NDArray[Any]) -> ScoreFacts:
    present, total = np.unique(actual, return_counts=True)
    right = np.array([np.sum(guess[actual == label] == label) for label in present])
    return _fact(who, called, "balanced_accuracy", of_recalls(right, total), "score")


def _fact(who: str, called: str, metric: str, found: Estimate, how: str) -> ScoreFacts:
    return ScoreFacts(who, called, metric, found.value, found.low, found.high, how)


def _percent(fact: ScoreFacts) -> str:
    return f"{100 * fact.value:.2f} %, 95 % interval {100 * fact.low:.1f} to {100 * fact.high:.1f}"


def _rivals(facts: list[ScoreFacts]) -> str:
    """The baselines in words: the constant's, and the linear model's where there is one."""
    first, *others = facts
    said = f"{first.called} would give {100 * first.value:.2f} %"
    return said + "".join(f", {fact.called} {100 * fact.value:.2f} %" for fact in others)


# Numbers


def _regression(
    problem: Problem, outputs: NDArray[Any], linear: tuple[str, NDArray[Any]] | None,
    cut_short: str,
) -> Score:  # fmt: skip
    encoder = problem.encoder
    assert encoder is not None
    actual = encoder.decode_target(problem.test.y)
    mean = np.full(len(actual), float(encoder.decode_target(0.0)))
    answers = [("network", "the network", encoder.decode_target(outputs.reshape(-1)))]
    answers.append(("constant", "always saying the mean", mean))
    if linear is not None:
        answers.append(("linear model", linear[0], encoder.decode_target(linear[1])))
    pairs = [_errors(who, called, predicted, actual) for who, called, predicted in answers]
    (explained, error), (_, baseline) = pairs[:2]
    others = "".join(f", {rmse.called} {_short(rmse.value)}" for _, rmse in pairs[2:])
    text = (
        f"test R² {explained.value:.4f}, 95 % interval {explained.low:.3f} to "
        f"{explained.high:.3f}, RMSE {_short(error.value)} in the unit of {encoder.target!r} "
        f"({len(problem.test):,} rows); always saying the mean would give "
        f"{_short(baseline.value)}{others}"
    )
    numbers = {
        "test_r2": explained.value,
        "test_rmse": error.value,
        "mean_rmse": baseline.value,
    }
    costs = [(called, (predicted - actual) ** 2) for _, called, predicted in answers]
    verdict = _verdict({called: cost - costs[0][1] for called, cost in costs[1:]}, cut_short)
    facts = tuple(fact for pair in pairs for fact in pair)
    return Score(numbers, text, outputs, facts, verdict)


def _errors(
    who: str, called: str, predicted: NDArray[Any], actual: NDArray[Any]
) -> tuple[ScoreFacts, ScoreFacts]:
    """R² and RMSE, each with its interval."""
    found = scores(actual[:, None], predicted[:, None], False).estimates
    explained, error = (
        _fact(who, called, metric, found[name], "bootstrap")
        for metric, name in (("r2", "R²"), ("rmse", "RMSE"))
    )
    return explained, error


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
