"""diagnose: why does it not learn?"""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.doctor.adapters import adapted
from chainrule.doctor.adapters.wording import in_words_of
from chainrule.doctor.beforehand import at_the_start, before_training
from chainrule.doctor.case import Case, case_of, known_options
from chainrule.doctor.diagnosis import Diagnosis
from chainrule.doctor.probes import Probes
from chainrule.doctor.reckoning import reckon
from chainrule.errors import TrainingWarning


def diagnose(
    network: Any = None, X: Any = None, y: Any = None, *,
    progress: Callable[[str], Any] | None = None, **options: Any,
) -> Diagnosis:  # fmt: skip
    """Say why a network does not learn, with the experiment that proves it; or that it does.

    Copies of the network are trained: as it is, and changed in one thing at a time. The network,
    the data, the optimizer and all random state stay as they are, bit for bit.

    For plain NumPy with a backward pass of one's own: ``diagnose(step=, forward=, parameters=,
    data=(X, y), ...)``, see :class:`chainrule.doctor.byhand.Program`.

    Args:
        network, X, y: as for ``fit``. The network may be an ``MLPClassifier`` or ``MLPRegressor``
            of scikit-learn, or a ``torch.nn.Sequential`` (with PyTorch's loss and optimizer).
        progress: called with a line before each longer piece of work.
        options: those of ``fit`` that matter: loss, optimizer, epochs, batch_size, validation,
            schedule, sample_weight, class_weight, seed; and ``shuffle=False`` for a loop that does
            not shuffle, ``history`` of the training, ``metric``: the program's own score.
            ``epochs=0`` looks at the data and the start only, in less than a second.

    Raises:
        OptionError: an option that is not known or out of range.
    """
    if network is None:
        from chainrule.doctor.byhand import diagnose_program

        return diagnose_program(progress=progress, **options)
    equal, X, y, known = adapted(network, X, y, options)
    with _undisturbed():
        found = diagnose_case(case_of(equal, X, y, **known_options(known)), progress)
    return in_words_of(network, options, found)


def diagnose_case(case: Case, progress: Callable[[str], Any] | None = None) -> Diagnosis:
    """The diagnosis of a case, which stays as it is."""
    began = time.perf_counter()
    with _undisturbed():
        found = before_training(case)
        if found is None:
            probes = Probes(case, progress or _silent)
            found = reckon(probes) if case.epochs else at_the_start(probes)
    return replace(found, seconds=time.perf_counter() - began)


def _silent(line: str) -> None:
    """Tell nobody."""


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Global random states are left as they were, for initializers that draw from them."""
    state, plain = np.random.get_state(), random.getstate()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrainingWarning)
            yield
    finally:
        np.random.set_state(state)
        random.setstate(plain)
