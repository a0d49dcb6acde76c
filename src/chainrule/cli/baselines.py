"""What a linear model makes of the same rows: the yardstick of every network on a table."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.problems import Problem
from chainrule.errors import optional_package

#: Numbers and rows that a linear model is fitted to; with more it hardly changes.
MOST_CELLS, FEWEST_ROWS, MOST_ROWS = 2_000_000, 1000, 50_000


def linear_outputs(problem: Problem) -> tuple[str, NDArray[Any]]:
    """(what the model is called, its outputs for the test rows), fitted to training rows.

    Logistic regression for classes: probabilities (n, K). Ridge regression for numbers: (n,), in
    the network's own unit. Both with scikit-learn's default penalty.

    Raises:
        MissingPackageError: scikit-learn is not installed.
    """
    models: Any = optional_package("sklearn.linear_model", "tables", "The linear baseline")
    X, y = problem.train.X, problem.train.y
    rows = min(len(X), MOST_ROWS, max(FEWEST_ROWS, MOST_CELLS // max(X.shape[1], 1)))
    chosen = np.linspace(0, len(X) - 1, rows).astype(int)
    with warnings.catch_warnings():
        # Not to have converged to the last digit does no harm to a yardstick.
        warnings.simplefilter("ignore")
        if not problem.class_names:
            model = models.Ridge().fit(X[chosen], y[chosen])
            return "a linear model", np.asarray(model.predict(problem.test.X))
        given = np.zeros((len(problem.test), len(problem.class_names)))
        present = np.unique(y[chosen]).tolist()
        if len(present) == 1:  # nothing to fit: the others were too rare for these rows
            given[:, present] = 1.0
            return "logistic regression", given
        weights = {
            label: problem.class_weights[label] for label in present if problem.class_weights
        }
        model = models.LogisticRegression(max_iter=300, class_weight=weights or None)
        model.fit(X[chosen], y[chosen])
        given[:, model.classes_] = model.predict_proba(problem.test.X)
        return "logistic regression", given
