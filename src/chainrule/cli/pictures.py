"""The pictures of a run: those that its kind of data allows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainrule.cli.console import note
from chainrule.cli.problems import Problem
from chainrule.cli.scores import probabilities
from chainrule.errors import ChainruleError, MissingPackageError
from chainrule.nn.sequential import Sequential
from chainrule.train import History

#: More points than this would hide the regions behind them.
MOST_POINTS = 1000
DOTS_PER_INCH = 120


def draw(problem: Problem, net: Sequential, history: History, outputs: Any, folder: Path) -> None:
    """Draw every picture that fits into ``folder``. One that fails is a note, not the run's end."""
    for name, figure in _figures(problem, net, history, outputs).items():
        try:
            with warnings.catch_warnings():
                # Matplotlib warns of letters that its font lacks; the run has no use for that.
                warnings.simplefilter("ignore")
                figure().savefig(folder / name, dpi=DOTS_PER_INCH)
        except MissingPackageError as error:
            note(f"No pictures: {error}")
            return
        except ChainruleError as error:
            note(f"No {name}: {error}")


def _figures(
    problem: Problem, net: Sequential, history: History, outputs: Any
) -> dict[str, Callable[[], Any]]:
    from chainrule import plots

    found: dict[str, Callable[[], Any]] = {}
    if len(history):
        found["curves.png"] = lambda: plots.curves(history)
    if not problem.class_names:
        return found
    test, names = problem.test, list(problem.class_names)
    if test.X.shape[1] == 2:
        found["decision_regions.png"] = lambda: _regions(problem, net)
    if not problem.is_gate:
        from chainrule.nn.metrics import confusion_matrix

        table = confusion_matrix(probabilities(outputs), test.y)
        found["confusion_matrix.png"] = lambda: plots.confusion_matrix(table, names)
    shape = problem.image_shape
    if shape is not None:
        found["first_layer_weights.png"] = lambda: plots.first_layer_weights(net, shape)
        found["mistakes.png"] = lambda: plots.mistakes(
            test.X, test.y, probabilities(outputs), image_shape=shape, class_names=names
        )
    return found


def _regions(problem: Problem, net: Sequential) -> Any:
    from chainrule import plots

    test = problem.test
    figure = plots.decision_regions(
        net, test.X[:MOST_POINTS], test.y[:MOST_POINTS], labels=list(problem.class_names)
    )
    unit = "" if problem.encoder is None else " (in standard deviations from the mean)"
    figure.axes[0].set_xlabel(problem.feature_names[0] + unit)
    figure.axes[0].set_ylabel(problem.feature_names[1] + unit)
    return figure
