"""What the work is, and the proof that it was done.

A workload fixes everything that decides how much there is to compute: the data, the network, the
loss, the optimizer, the batch, the number of epochs and the dtype. A contestant may do that work in
whichever way is natural to it, but it must come out as well trained as the proof demands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Data:
    """Rows in the workload's dtype with integer labels, for training and for the test after it."""

    rows: Array
    labels: Array
    test_rows: Array
    test_labels: Array

    def head(self, count: int) -> Data:
        """The first ``count`` training rows with the same test: the warm-up's data."""
        return Data(self.rows[:count], self.labels[:count], self.test_rows, self.test_labels)


@dataclass(frozen=True)
class Result:
    """What one process measured: one training of one contestant.

    ``seconds`` is wall-clock time and ``cpu_seconds`` what the process was given of the core: a
    gap between them tells of a neighbour. ``loss`` and ``accuracy`` are None for a mark that does
    not learn. ``epochs`` counts the finite losses that were recorded. ``pools`` are the thread
    pools of the process, such as ("openblas 0.3.31 Haswell", 1): which kernels a BLAS picks for a
    processor can decide a benchmark.
    """

    seconds: float
    cpu_seconds: float
    loss: float | None
    accuracy: float | None
    epochs: int
    dtype: str
    pools: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Failure:
    """A process that ended without a result, and the reason in one line."""

    reason: str


@dataclass(frozen=True)
class Proof:
    """The range in which an honest training ends.

    The loss has a floor as well: a network that came out *better* had more units, more epochs or
    another optimizer, so its time is not comparable either.
    """

    loss: tuple[float, float]
    accuracy: float


@dataclass(frozen=True)
class Workload:
    """One training task. ``batch=None`` is the full batch, in order; otherwise rows are shuffled.

    ``seed`` is for the initial weights and the shuffling. ``warmup`` is (rows, epochs) of the
    small training that runs before the clock starts.
    """

    name: str
    title: str
    sizes: tuple[int, int, int]
    hidden: str
    output: str
    loss: str
    rate: float
    batch: int | None
    epochs: int
    dtype: str
    warmup: tuple[int, int]
    proof: Proof
    load: Callable[[], Data]
    seed: int = 0

    def initial_parameters(self) -> list[tuple[Array, Array]]:
        """The (W, b) of each layer, W as (inputs, outputs).

        Uniform in ±sqrt(k / (inputs + outputs)), with k = 2 for sigmoid and 6 otherwise, biases
        too. This is scikit-learn's distribution, since scikit-learn alone cannot be handed
        weights; the others start from these very numbers.
        """
        rng = np.random.default_rng(self.seed)
        factor = 2.0 if self.hidden == "sigmoid" else 6.0
        layers = []
        for inputs, outputs in zip(self.sizes, self.sizes[1:], strict=False):
            bound = np.sqrt(factor / (inputs + outputs))
            weights = rng.uniform(-bound, bound, (inputs, outputs)).astype(self.dtype)
            layers.append((weights, rng.uniform(-bound, bound, outputs).astype(self.dtype)))
        return layers

    def score(self, probabilities: Array, labels: Array) -> tuple[float, float]:
        """Mean cross-entropy and accuracy, by the same code for every contestant.

        ``probabilities`` is (n, classes), or P(label = 1) as (n,) or (n, 1) for a sigmoid output.
        """
        p = np.asarray(probabilities, dtype=np.float64)
        if self.output == "sigmoid":
            p = p.reshape(-1)
            p = np.stack([1 - p, p], axis=1)
        right = np.clip(p[np.arange(len(labels)), labels], 1e-15, None)
        return float(-np.log(right).mean()), float((p.argmax(axis=1) == labels).mean())

    def complaint(self, result: Result) -> str | None:
        """Why ``result`` is not this work, in one line; None if it is."""
        low, high = self.proof.loss
        if result.loss is None or result.accuracy is None:
            return "nothing was learnt"
        # Written so that NaN complains too.
        if not low <= result.loss <= high:
            return f"loss {result.loss:.4g} is outside {low:g} to {high:g}"
        if not result.accuracy >= self.proof.accuracy:
            return f"accuracy {result.accuracy:.4f} is below {self.proof.accuracy:g}"
        if result.epochs != self.epochs:
            return f"{result.epochs:,} losses recorded for {self.epochs:,} epochs"
        if result.dtype != self.dtype:
            return f"computed in {result.dtype} instead of {self.dtype}"
        for library, threads in result.pools:
            if threads > 1:
                return f"{library} ran {threads} threads instead of 1"
        return None


def load_xor() -> Data:
    """The four rows of exclusive or, which are the test as well."""
    rows = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float64")
    labels = np.array([0, 1, 1, 0])
    return Data(rows, labels, rows, labels)


def load_mnist() -> Data:
    """The handwritten digits as rows of 784 numbers in [0, 1], float32."""
    from chainrule.data import mnist

    digits = mnist()
    return Data(digits.X_train, digits.y_train, digits.X_test, digits.y_test)


WORKLOADS = {
    work.name: work
    for work in (
        Workload(
            name="xor",
            title="XOR, 2-4-1, tanh and sigmoid, mean binary cross-entropy, full batch, SGD 0.5, "
            "10,000 epochs with the loss of each, float64",
            sizes=(2, 4, 1),
            hidden="tanh",
            output="sigmoid",
            loss="binary_cross_entropy",
            rate=0.5,
            batch=None,
            epochs=10_000,
            dtype="float64",
            warmup=(4, 100),
            # 40 seeds of plain NumPy and 12 of scikit-learn ended between 2.2e-4 and 5.0e-4.
            proof=Proof(loss=(1.8e-4, 6e-4), accuracy=1.0),
            load=load_xor,
        ),
        Workload(
            name="mnist",
            title="MNIST, 784-100-10, sigmoid and softmax, cross-entropy, batches of 100, SGD 0.5, "
            "1 epoch of shuffled rows, float32; loss and accuracy on the 10,000 test images",
            sizes=(784, 100, 10),
            hidden="sigmoid",
            output="softmax",
            loss="cross_entropy",
            rate=0.5,
            batch=100,
            epochs=1,
            dtype="float32",
            warmup=(1_000, 1),
            # 8 seeds of plain NumPy and 5 of scikit-learn: 0.280 to 0.296, accuracy over 0.913.
            proof=Proof(loss=(0.26, 0.31), accuracy=0.905),
            load=load_mnist,
        ),
    )
}
