"""What a workload is, what came of doing it, and the proof that it was done.

A workload fixes everything that decides how much there is to compute: data, network, loss,
optimizer, batches, epochs and dtype. A contestant does that work in whichever way is natural to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Layers = list[tuple[Array, Array]]

ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}


@dataclass(frozen=True)
class Data:
    """Rows in the workload's dtype with integer labels, for training and for the test after it."""

    rows: Array
    labels: Array
    test_rows: Array
    test_labels: Array

    def save(self, file: Path) -> None:
        """Write the four arrays to one file, for the contestants' processes."""
        np.savez(file, **vars(self))

    @classmethod
    def open(cls, file: Path) -> Data:
        """Read what :meth:`save` wrote."""
        with np.load(file) as arrays:
            return cls(**arrays)


@dataclass(frozen=True)
class Model:
    """A network of dense layers with its loss and its optimizer.

    ``hidden`` is the activation between layers. ``output`` is "sigmoid" with the mean binary
    cross-entropy, or "softmax" with the mean cross-entropy. ``optimizer`` is "sgd", or "adam" with
    the constants of ``ADAM``.
    """

    sizes: tuple[int, ...]
    hidden: str
    output: str
    optimizer: str
    rate: float
    dtype: str

    def initial_parameters(self, seed: int) -> Layers:
        """The (W, b) of each layer, W as (inputs, outputs).

        Uniform in ±sqrt(k / (inputs + outputs)), with k = 2 for sigmoid and 6 otherwise, biases
        too: scikit-learn's distribution, so that it is every contestant's law.
        """
        rng = np.random.default_rng(seed)
        layers = []
        for inputs, outputs in zip(self.sizes, self.sizes[1:], strict=False):
            bound = self.bound(inputs, outputs)
            weights = rng.uniform(-bound, bound, (inputs, outputs)).astype(self.dtype)
            layers.append((weights, rng.uniform(-bound, bound, outputs).astype(self.dtype)))
        return layers

    def bound(self, inputs: int, outputs: int) -> float:
        """How large the first parameters of a layer may be."""
        return float(np.sqrt((2.0 if self.hidden == "sigmoid" else 6.0) / (inputs + outputs)))

    def targets(self, labels: Array) -> Array:
        """A column of 0 and 1 for a sigmoid output, one-hot rows for a softmax."""
        if self.output == "sigmoid":
            return labels.astype(self.dtype).reshape(-1, 1)
        return np.eye(self.sizes[-1], dtype=self.dtype)[labels]

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

    def bytes_needed(self, data: Data, batch: int) -> int:
        """Data + parameters + optimizer state + one batch with its activations, in bytes."""
        item = np.dtype(self.dtype).itemsize
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        parameters = sum((inputs + 1) * outputs for inputs, outputs in pairs)
        copies = 3 if self.optimizer == "adam" else 1
        held = data.rows.nbytes + data.labels.nbytes
        return held + item * (copies * parameters + batch * sum(self.sizes))


@dataclass(frozen=True)
class Proof:
    """How near to the float64 reference an honest training ends.

    Everyone starts from the same parameters. With the same order of batches, the loss is within
    ``exact`` of the reference's (a share of it) and the accuracy within ``accuracy``. Where a
    library shuffles by itself, the loss is within a factor of ``law``, the accuracy within
    ``law_accuracy``.
    A loss *below* that is as wrong as one above: more units, more epochs or another optimizer.
    """

    exact: float
    accuracy: float
    law: float
    law_accuracy: float


@dataclass(frozen=True)
class Work:
    """One workload. ``kind`` names the module in ``kinds/`` that measures it.

    ``batch=None`` is the full batch, in order; otherwise rows are shuffled. ``networks`` are
    trained on the same data, from the seeds ``seed``, ``seed + 1``, ... ``steps`` bounds the steps
    of an epoch: slow contestants do less, and are scaled. ``unit`` is "s", "ms" or "µs";
    ``weight`` is how much of a run's budget of time it gets.
    """

    name: str
    title: str
    kind: str
    load: Callable[[], Data]
    proof: Proof | None = None
    model: Model | None = None
    batch: int | None = None
    epochs: int = 1
    networks: int = 1
    steps: int | None = None
    seed: int = 0
    unit: str = "s"
    weight: float = 1.0

    @property
    def net(self) -> Model:
        """The network, for the kinds that have one."""
        if self.model is None:
            raise ValueError(f"{self.name} has no network")
        return self.model

    def initial_parameters(self) -> Layers:
        """The first parameters of the network that starts from ``seed``."""
        return self.net.initial_parameters(self.seed)

    def orders(self, rows: int) -> Iterator[list[Any]]:
        """The row numbers of each batch, epoch after epoch; [None] for the full batch.

        The first number is skipped because ``chainrule``'s fit keeps it for dropout. So its batches
        come in this order too, although a seed is all that it can be told.
        """
        if self.batch is None:
            yield from repeat([None], self.epochs)
            return
        rng = np.random.default_rng(self.seed)
        rng.integers(2**32)
        for _ in range(self.epochs):
            order = rng.permutation(rows)
            batches = [order[at : at + self.batch] for at in range(0, rows, self.batch)]
            yield batches[: self.steps]

    def steps_per_epoch(self, rows: int) -> int:
        """How many batches an epoch has."""
        whole = -(-rows // (self.batch or rows))
        return min(whole, self.steps or whole)

    def amount(self, rows: int) -> int:
        """Steps of all epochs of all networks: what a share is a share of."""
        return self.networks * self.epochs * self.steps_per_epoch(rows)

    def part(self, share: Mapping[str, int]) -> Work:
        """The same work with fewer epochs, networks or steps."""
        return replace(self, **share)


@dataclass(frozen=True)
class Reference:
    """Where the float64 reference ended: loss and accuracy, averaged over its networks."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Result:
    """What one turn of one contestant gave.

    ``seconds`` is wall-clock time, already scaled to the whole work, and ``cpu_share`` how much of
    one core the process was given meanwhile. ``loss``, ``accuracy`` and ``error`` (of gradients,
    relative) are None where they do not apply. ``epochs`` counts the finite losses recorded by each
    network. ``parts`` are seconds of the parts that the workload tells of. ``pools`` are the thread
    pools of the process, such as ("openblas 0.3.31 Haswell", 1). ``peak`` is the process's peak in
    bytes in its first training, the libraries apart, and ``needed`` what cannot be done without.
    """

    seconds: float
    cpu_share: float
    loss: float | None = None
    accuracy: float | None = None
    error: float | None = None
    epochs: int | None = None
    dtype: str | None = None
    parts: Mapping[str, float] = field(default_factory=dict)
    pools: tuple[tuple[str, int], ...] = ()
    peak: int | None = None
    needed: int | None = None


@dataclass(frozen=True)
class Failure:
    """A process that ended without a result, and the reason in one line."""

    reason: str


Outcome = Result | Failure


@dataclass(frozen=True)
class Run:
    """A training that is ready to go.

    ``train()`` does the work, is all that is timed, and returns the mean loss of every epoch.
    ``predict(rows)`` gives the probabilities afterwards, one column for a sigmoid output, else one
    per class (with a leading axis of networks where many were trained at once); None for a mark
    that learns nothing.
    """

    train: Callable[[], Any]
    predict: Callable[[Array], Array] | None


Fresh = Callable[[], Run]
