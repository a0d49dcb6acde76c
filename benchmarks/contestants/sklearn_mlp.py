"""scikit-learn's MLPClassifier with everything switched off that the workload does not ask for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from contestants import Training
from workloads import Array, Data, Workload

ACTIVATIONS = {"sigmoid": "logistic", "tanh": "tanh"}


def prepare(work: Workload, data: Data, epochs: int) -> Training:
    """The classifier picks the output activation, sigmoid or softmax, from the labels."""
    model = MLPClassifier(
        hidden_layer_sizes=work.sizes[1:-1],
        activation=ACTIVATIONS[work.hidden],
        solver="sgd",
        alpha=0.0,
        batch_size=work.batch or len(data.rows),
        learning_rate_init=work.rate,
        max_iter=epochs,
        shuffle=work.batch is not None,
        random_state=work.seed,
        tol=0.0,
        momentum=0.0,
        n_iter_no_change=epochs + 1,
    )

    def train() -> Sequence[float]:
        with warnings.catch_warnings():
            # It warns whenever all epochs were used, which is the very point here.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(data.rows, data.labels)
        losses: Sequence[float] = model.loss_curve_
        return losses

    def predict(rows: Array) -> Array:
        probabilities: Array = model.predict_proba(rows)
        return probabilities[:, 1] if work.output == "sigmoid" else probabilities

    return Training(train, predict)
