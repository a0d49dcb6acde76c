"""The contestants: who runs, in which file, and what a file has to offer.

To add one, write ``contestants/<module>.py`` with a function

``prepare(work: Workload, data: Data, epochs: int) -> Training``

that trains on all of ``data`` when called upon, and give it a line in ``CONTESTANTS``. It runs in a
process of its own, so it may set what it likes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workloads import Array, Data, Workload


@dataclass(frozen=True)
class Training:
    """A training that is ready to go.

    ``train()`` does the work, is all that is timed, and returns the mean loss of every epoch.
    ``predict(rows)`` gives the probabilities afterwards: one column for a sigmoid output, else one
    per class; None for a mark that learns nothing.
    """

    train: Callable[[], Sequence[float]]
    predict: Callable[[Array], Array] | None


@dataclass(frozen=True)
class Contestant:
    """Who runs: the file, the packages whose versions are written down, and a word on the way.

    ``learns=False`` makes it a mark beside the contestants, of which no proof is asked.
    """

    module: str
    packages: tuple[str, ...]
    note: str
    learns: bool = True

    def prepare(self, work: Workload, data: Data, epochs: int) -> Training:
        """Import the file and have it prepare a training."""
        module = importlib.import_module(f"contestants.{self.module}")
        training: Training = module.prepare(work, data, epochs)
        return training


CONTESTANTS = {
    "chainrule": Contestant("chainrule_net", ("chainrule", "numpy"), "Sequential.fit"),
    "torch": Contestant("torch_eager", ("torch",), "eager, nn.Sequential and SGD"),
    "sklearn": Contestant("sklearn_mlp", ("scikit-learn", "numpy"), "MLPClassifier.fit"),
    "numpy": Contestant("numpy_tutorial", ("numpy",), "by hand, as tutorials have it"),
    "floor": Contestant("floor", ("numpy",), "a mark: the matrix products alone", learns=False),
}
