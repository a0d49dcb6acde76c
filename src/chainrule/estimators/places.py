"""Where the checkpoints of an estimator lie: each network, each start and each copy has a place.

scikit-learn's searches and cross-validation fit copies of an estimator, of which several may train
side by side. The checkpoints of each fit of a copy lie in a folder of its own inside the one that
was given, ``fit-1``, ``fit-2`` and so on, so that none writes over another's, nor over those of an
earlier search; those of the estimator itself lie in the folder that was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from sklearn.base import clone

from chainrule.distributed import is_first
from chainrule.train.checkpoint import Checkpoint

#: Beside the checkpoints of a fit: the estimator's parameters in words, of so many characters.
ESTIMATOR, MOST_TOLD = "estimator.txt", 10_000


def own_places(callbacks: Sequence[Any], before: Iterable[Any], estimator: Any) -> list[Any]:
    """The callbacks of one fit, with places for the checkpoints of one that is a copy.

    Args:
        callbacks: those of the fit.
        before: those of the fit with which this one goes on, whose places it keeps.
        estimator: whose fit it is; its parameters are written beside the checkpoints.
    """
    known = [each for each in before if isinstance(each, Checkpoint)]
    found: list[Any] = []
    for each in callbacks:
        if isinstance(each, Checkpoint) and each.is_copy and is_first():
            same = (one.folder for one in known if one.folder.parent == each.folder)
            place = next(same, None) or _new_place(each.folder, estimator)
            each = each.inside(place.name)
        found.append(each)
    return found


def apart(callbacks: Sequence[Any], number: int, start: int) -> list[Any]:
    """Callbacks for one start of one network: a checkpoint of it has a folder of its own.

    The first network's first start has that of the ``Checkpoint`` itself.
    """
    names = [f"network-{number}"] if number > 1 else []
    names += [f"start-{start}"] if start > 1 else []
    return [
        each.inside(*names) if names and isinstance(each, Checkpoint) else each
        for each in callbacks
    ]


def _new_place(folder: Path, estimator: Any) -> Path:
    told = clone(estimator).set_params(callbacks=()).__repr__(N_CHAR_MAX=MOST_TOLD)
    for number in count(1):
        place = folder / f"fit-{number}"
        try:
            place.mkdir(parents=True)  # of fits side by side, one gets it
        except FileExistsError:
            continue
        (place / ESTIMATOR).write_text(f"{told}\n", "utf-8")
        return place
    raise AssertionError("there is always a next number")
