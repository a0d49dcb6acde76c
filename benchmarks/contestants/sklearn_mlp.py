"""scikit-learn's MLPClassifier with everything switched off that the workload does not ask for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from work import Array, Data, Fresh, Run, Work

ACTIVATIONS = {"sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}


def prepare(work: Work, data: Data) -> Fresh:
    """The classifier picks the output activation from the labels, and shuffles by itself."""

    def fresh() -> Run:
        model = MLPClassifier(
            hidden_layer_sizes=work.net.sizes[1:-1],
            activation=ACTIVATIONS[work.net.hidden],
            solver=work.net.optimizer,
            alpha=0.0,
            batch_size=work.batch or len(data.rows),
            learning_rate_init=work.net.rate,
            max_iter=1,
            shuffle=work.batch is not None,
            random_state=work.seed,
            tol=0.0,
            momentum=0.0,
            n_iter_no_change=work.epochs + 1,
        )
        # A fit of a few rows makes the arrays; a warm start goes on from what is put into them.
        few = min(len(data.rows), 200)
        with quiet():
            model.set_params(batch_size=few).fit(data.rows[:few], data.labels[:few])
        layers = work.initial_parameters()
        model.coefs_ = [W.copy() for W, _ in layers]
        model.intercepts_ = [b.copy() for _, b in layers]
        model.loss_curve_, model.n_iter_, model.t_ = [], 0, 0
        model.set_params(
            warm_start=True, max_iter=work.epochs, batch_size=work.batch or len(data.rows)
        )
        # What decides that training has come to a rest is kept from fit to fit.
        model._no_improvement_count, model.best_loss_ = 0, float("inf")

        def train() -> Any:
            with quiet():
                model.fit(data.rows, data.labels)
            return model.loss_curve_

        def predict(rows: Array) -> Array:
            probabilities: Array = model.predict_proba(rows)
            return probabilities[:, 1] if work.net.output == "sigmoid" else probabilities

        return Run(train, predict)

    return fresh


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warning that all epochs were used, which is the very point here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
