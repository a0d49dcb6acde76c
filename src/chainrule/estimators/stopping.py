"""The stopping rule of scikit-learn's networks, as a callback: tol and n_iter_no_change.

After each epoch the loss is compared with the best so far; an epoch that does not better it by
``tol`` counts, one that does sets the count back to 0, and when more than ``n_iter_no_change`` have
counted, training ends. With early stopping the score on validation data takes the loss's place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from chainrule.graph.op import Array
from chainrule.nn.sequential import Sequential
from chainrule.train.callbacks import Callback

#: A rate that is not made smaller any more.
LEAST_RATE = 1e-6

#: (validation loss, validation score) of a network.
Validate = Callable[[Sequential], tuple[float, float]]


@dataclass
class Record:
    """What the rule remembers; a warm start goes on with it."""

    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    best_score: float = -math.inf
    count: int = 0

    def copy(self) -> Record:
        """One that may be written on while this one stays."""
        return replace(
            self, losses=[*self.losses], validation_losses=[*self.validation_losses],
            scores=[*self.scores],
        )  # fmt: skip

    def rescale(self, factor: float) -> None:
        """Let its losses be in another unit."""
        self.losses = [loss * factor for loss in self.losses]
        self.validation_losses = [loss * factor for loss in self.validation_losses]
        self.best_loss *= factor


class StoppingRule(Callback):
    """Watches the loss, or with ``early`` the score of ``validate``; writes on ``record``.

    Args:
        tol, patience: what counts as better, and how many epochs may pass without it.
        adaptive: divide the rate by 5 where training would end, until it is at 10⁻⁶.
        verbose: print a line for each epoch, with the loss times ``unit``.
    """

    def __init__(
        self, record: Record, *, tol: float, patience: float, early: bool = False,
        adaptive: bool = False, verbose: bool = False, validate: Validate | None = None,
        unit: float = 1.0,
    ) -> None:  # fmt: skip
        self.before, self.record = record, record
        self.tol, self.patience, self.early = tol, patience, early
        self.adaptive, self.verbose, self.validate = adaptive, verbose, validate
        self.unit = unit
        self.memory: dict[str, Array] = {}
        self.rate = 0.0

    def on_start(self, training: Any) -> None:
        self.record = self.before.copy()
        self._seen = 0
        self._best = training.net.snapshot() if self.early else None

    def stride(self, training: Any) -> float:
        """As far as it could not end anyway: an epoch cannot make two that count."""
        return 1 if self.validate else self.patience + 1 - self.record.count

    def on_epoch(self, training: Any) -> None:
        news = training.history["loss"][self._seen :]
        self._seen += len(news)
        for loss in news:
            self.note(loss, training.net)
            if self.validate:
                training.history.add(
                    {
                        "validation_loss": self.record.validation_losses[-1:],
                        "validation_score": self.record.scores[-1:],
                    }
                )
        if self.is_over(training.optimizer):
            training.stop(self._why())

    def note(self, loss: float, net: Sequential) -> None:
        """Count an epoch."""
        record = self.record
        record.losses.append(loss)
        if self.verbose:
            print(f"Iteration {len(record.losses)}, loss = {loss * self.unit:.8f}")
        if self.validate:
            validation_loss, score = self.validate(net)
            record.validation_losses.append(validation_loss)
            record.scores.append(score)
            if self.verbose:
                print(f"Validation score: {score:f}")
        if self.early:
            score = record.scores[-1]
            record.count = record.count + 1 if score < record.best_score + self.tol else 0
            if score > record.best_score:
                record.best_score, self._best = score, net.snapshot()
        else:
            record.count = record.count + 1 if loss > record.best_loss - self.tol else 0
        record.best_loss = min(record.best_loss, loss)

    def is_over(self, optimizer: Any) -> bool:
        """Whether to end here; with ``adaptive``, a smaller rate may be tried first."""
        if self.record.count <= self.patience:
            return False
        if not self.adaptive or optimizer.learning_rate <= LEAST_RATE:
            if self.verbose:
                print(f"{self._why()} Stopping.")
            return True
        optimizer.learning_rate /= 5
        self.record.count = 0
        if self.verbose:
            print(f"{self._why()} Setting learning rate to {optimizer.learning_rate:f}")
        return False

    def on_end(self, training: Any) -> None:
        if self._best is not None:
            training.net.restore(self._best)
        # L-BFGS has no memory that could go on in small steps.
        memory = getattr(training, "optimizer_state", {})
        self.memory = {name: array.copy() for name, array in memory.items()}
        self.rate = training.optimizer.learning_rate

    def _why(self) -> str:
        watched = "Validation score" if self.early else "Training loss"
        return (
            f"{watched} did not improve more than tol={self.tol:f} for {self.patience} consecutive "
            "epochs."
        )
