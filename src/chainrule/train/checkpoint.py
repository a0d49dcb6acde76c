"""Checkpoints: all that a training is made of, in a file, so that it can be taken up again.

A training that is resumed makes the very steps that it would have made: the same numbers bit for
bit on the same engine, machine and number of processes, and within rounding on others.
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import settings
from chainrule.distributed import is_first
from chainrule.errors import FileFormatError, OptionError
from chainrule.graph.op import Array
from chainrule.nn.layers import Layer
from chainrule.nn.losses import Loss, huber_delta
from chainrule.nn.metrics import metrics_of
from chainrule.optim.optimizers import LBFGS
from chainrule.train.callbacks import Callback, callback

if TYPE_CHECKING:
    from chainrule.train.loop import Training

FILE = "checkpoint.safetensors"
"""The name of a checkpoint in its folder."""

#: Rows by which data are known again, taken evenly from all of them.
ROWS_SEEN = 1000

#: What only later checkpoints say: the others go on without it.
SAID_LATER = ("seed", "the metrics", "the validation data")
NOTHING = "none"

Described = Callable[[], Mapping[str, str]]


class Checkpoint(Callback):
    """Write a checkpoint into a folder every so many epochs, and after the last.

    It holds the parameters, the optimizer's state, the state of the random numbers, the history and
    what other callbacks remember; ``fit(..., resume=folder)`` goes on from there. There is one file
    in the folder, which is replaced at one stroke. In a group of processes, process 0 writes it.

    Searches and cross-validation of scikit-learn fit copies of an estimator: the checkpoints of
    each of these fits have a folder inside this one, ``fit-1``, ``fit-2``, ... (by
    ``best_estimator_.callbacks_[0].folder`` that of the best is found).

    Args:
        folder: where to; made if it is not there.
        every: the number of epochs between two checkpoints.

    Raises:
        OptionError: ``every`` is not a whole number above 0, or ``folder`` no path, or a file's.
    """

    #: Whether it came of another by ``copy.deepcopy``, as that of a clone of an estimator does.
    is_copy = False

    def __init__(self, folder: str | Path, *, every: int = 1) -> None:
        self.folder = settings.folder("Checkpoint", folder)
        self.every = settings.whole_number("Checkpoint", "every", every)

    def __deepcopy__(self, memo: dict[int, Any]) -> Checkpoint:
        other = copy.copy(self)
        memo[id(self)] = other
        for name, value in vars(self).items():
            setattr(other, name, copy.deepcopy(value, memo))
        other.is_copy = True
        return other

    def inside(self, *names: str) -> Checkpoint:
        """One for another training, in a folder inside this one's."""
        other = copy.copy(self)
        other.folder = self.folder.joinpath(*names)
        return other

    @property
    def exists(self) -> bool:
        """Whether there is a checkpoint to resume."""
        return (self.folder / FILE).is_file()

    def on_start(self, training: Training) -> None:
        if isinstance(training.optimizer, LBFGS):
            raise OptionError(
                "L-BFGS cannot be resumed, because SciPy keeps its state to itself: take the "
                "Checkpoint out, or choose Adam."
            )
        if is_first():
            from chainrule.formats.checkpoint_file import check_storable

            check_storable(training.state())
            self.folder.mkdir(parents=True, exist_ok=True)

    def on_epoch(self, training: Training) -> None:
        is_last = training.epoch == training.epochs or training.stopping is not None
        if is_first() and (is_last or training.epoch % self.every == 0):
            from chainrule.formats.checkpoint_file import save_checkpoint

            save_checkpoint(self.folder / FILE, training.state())


def in_order(callbacks: Any) -> list[Callback]:
    """Callbacks, or one; a ``Checkpoint`` last, to hold what others decide after the same epoch.

    Raises:
        OptionError: one is neither a ``Callback`` nor a function.
    """
    given = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    return sorted(map(callback, given), key=lambda c: isinstance(c, Checkpoint))


def read_checkpoint(place: Any) -> dict[str, Any]:
    """The checkpoint in a folder, or in a file.

    Raises:
        OptionError: ``place`` is no path.
        FileNotFoundError: there is no checkpoint.
        FileFormatError: it is broken, or of another kind.
    """
    from chainrule.formats.checkpoint_file import load_checkpoint

    if not isinstance(place, str | os.PathLike):
        raise OptionError(f"resume is the folder of a Checkpoint, got {place!r}.")
    path = Path(place)
    file = path / FILE if path.is_dir() else path
    if not file.exists():
        raise FileNotFoundError(
            f"there is no checkpoint {file}. One is written by "
            f"fit(..., callbacks=cr.Checkpoint({str(path)!r}))."
        )
    content = load_checkpoint(file)
    lacking = {"is", "epoch", "history", "runner", "callbacks"} - set(content)
    if lacking:
        raise FileFormatError(f"{file}: the checkpoint lacks {', '.join(sorted(lacking))}.")
    return content


class _NotGiven(int):
    """A number that nobody gave: the same number, given, is another object."""


#: The seed of a training that was given none.
NO_SEED = _NotGiven(0)


def seed_for(seed: Any, saved: Mapping[str, Any] | None) -> Any:
    """The seed that was given; where a training is resumed without one, that of the checkpoint."""
    was = str(saved["is"].get("seed")) if saved is not None else ""
    return int(was) if seed is NO_SEED and was.isdecimal() else seed


def seed_told(
    seed: Any, rng: np.random.Generator, saved: Mapping[str, Any] | None
) -> Callable[[], str | None]:
    """What a checkpoint says of a seed, and of the generator ``rng`` that it gave, as it is now.

    Nothing is said of one that was not given, where an older checkpoint does not say it either.
    """
    if seed is NO_SEED and saved is not None:
        return lambda: saved["is"].get("seed")
    if seed is None or isinstance(seed, int | np.integer):
        return lambda: str(seed)
    state = rng.bit_generator.state
    return lambda: f"a generator, digest {_hash(repr(state).encode())}"


def description(
    net: Any, loss: Any, optimizer: Any, schedule: Any, data: Mapping[str, Array],
    rng: np.random.Generator, *, held: Mapping[str, Array] | None, metrics: Any,
    seed: Callable[[], str | None], **options: Any,
) -> Described:  # fmt: skip
    """What must be the same for a training to be taken up again, each in words.

    The engine is among the ``options``, because each engine shuffles in an order of its own. It is
    all as it is now; only the data, which takes milliseconds, is looked at when it is asked for.
    """
    now = {
        "the layers": ", ".join(described_layer(layer) for layer in net.layers),
        "the dtype": net.dtype.name,
        "the loss": _loss(loss),
        "the optimizer": repr(optimizer),
        "the schedule": _by_name(schedule),
        "the random generator": type(rng.bit_generator).__name__,
        **{name: str(value) for name, value in options.items()},
        "the metrics": ", ".join(metrics_of(metrics)) or NOTHING,
    }

    def described() -> Mapping[str, str]:
        told = seed()
        return {
            **now,
            "the training data": _rows(data),
            "the validation data": NOTHING if held is None else _rows(held),
            **({} if told is None else {"seed": told}),
        }

    return cache(described)


def refuse_another(saved: Mapping[str, Any], now: Mapping[str, str]) -> None:
    """Refuse to go on with something else than was begun; more may be measured, but not less.

    Raises:
        OptionError: what differs, as it was and as it is.
    """
    was = saved["is"]
    differing = [
        f"{name}: {was.get(name)} then, {value} now{_HINTS.get(name, '')}"
        for name, value in now.items()
        if not _goes_on(name, was, value)
    ]
    if differing:
        raise OptionError(
            f"the checkpoint is of another training. {'; '.join(differing)}. Give fit what it was "
            "given then (the seed, and what is set aside for validation, decide the rows), or "
            "start anew without resume."
        )


#: What may be done about it.
_HINTS = {
    "seed": " (one that is left out is the checkpoint's)",
    "the metrics": " (more may be asked for, and none left out)",
}


def _goes_on(name: str, was: Mapping[str, str], now: str) -> bool:
    if name in SAID_LATER and was.get(name) in (None, NOTHING):
        return True
    if name == "the metrics":
        return set(was[name].split(", ")) <= set(now.split(", "))
    return was.get(name) == now


def described_layer(layer: Layer) -> str:
    """A layer and its settings in words, by which it is known again."""
    # How the parameters once began does not matter any more.
    settings = {k: v for k, v in layer.settings().items() if not k.endswith("_init")}
    told = ", ".join(f"{k}={_by_name(v)}" for k, v in settings.items())
    return f"{type(layer).__name__}({told})"


def _loss(loss: Loss) -> str:
    delta = huber_delta(loss)
    return loss.name if delta in (None, 1.0) else f"{loss.name}, delta={delta!r}"


def _by_name(value: Any) -> str:
    """A function by its name, because where it lies in memory says nothing; all else as it is."""
    told = getattr(value, "__name__", None) if callable(value) else None
    return told or (type(value).__name__ if " at 0x" in repr(value) else repr(value))


def _rows(data: Mapping[str, Array]) -> str:
    return f"{len(data['x']):,} rows, digest {_digest(data)}"


def _hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _digest(data: Mapping[str, Array]) -> str:
    found = hashlib.blake2b(digest_size=8)
    for name, array in sorted(data.items()):
        rows = np.linspace(0, len(array) - 1, min(len(array), ROWS_SEEN)).astype(np.intp)
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array[rows]).tobytes())
    return found.hexdigest()
