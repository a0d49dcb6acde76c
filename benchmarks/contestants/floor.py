"""The floor: the five matrix products of every step and nothing else, in NumPy's own BLAS.

No activation, no loss, no update, no shuffling, no fresh array. It learns nothing; it marks how
little time there could be, as long as the products come from this BLAS.
"""

from __future__ import annotations

import numpy as np

from contestants import Training
from workloads import Data, Workload


def prepare(work: Workload, data: Data, epochs: int) -> Training:
    """Forward two products, backward three: the gradient of the data is nobody's need."""
    (W1, _), (W2, _) = work.initial_parameters()
    size = work.batch or len(data.rows)
    batches = [data.rows[i : i + size] for i in range(0, len(data.rows) - size + 1, size)]
    hidden, scores, slope = (
        np.zeros((size, n), work.dtype) for n in (*work.sizes[1:], W1.shape[1])
    )
    gW1, gW2 = np.empty_like(W1), np.empty_like(W2)

    def train() -> list[float]:
        dot = np.dot
        for _ in range(epochs):
            for x in batches:
                dot(x, W1, hidden)
                dot(hidden, W2, scores)
                dot(hidden.T, scores, gW2)
                dot(scores, W2.T, slope)
                dot(x.T, slope, gW1)
        return []

    return Training(train, None)
