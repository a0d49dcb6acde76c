"""The doctor for programs by hand: plain NumPy, a loop and a backward pass that somebody wrote."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.program import Program, program_of
from chainrule.doctor.byhand.reckoning import reckon
from chainrule.doctor.diagnosis import Diagnosis

__all__ = ["Program", "diagnose_program", "program_of"]


def diagnose_program(*, progress: Callable[[str], Any] | None = None, **given: Any) -> Diagnosis:
    """Say why a program by hand does not learn, or learns wrongly, and prove it.

    Args:
        given: as for :class:`Program`: step, forward, parameters and data are needed; with loss,
            gradients, batches, metric, validation and epochs more is judged.
        progress: called with a line before each longer piece of work.

    Raises:
        OptionError, DtypeError, ShapeError: what was given is no program.
    """
    return diagnosed(program_of(**given), progress)


def diagnosed(program: Program, progress: Callable[[str], Any] | None = None) -> Diagnosis:
    """The diagnosis of a program, which stays as it is."""
    began = time.perf_counter()
    with program.undisturbed(), warnings.catch_warnings():
        # Overflow and the like are what the diagnosis tells, once and in words.
        warnings.simplefilter("ignore")
        found = reckon(Probes(program, progress or (lambda line: None)))
    return replace(found, seconds=time.perf_counter() - began)
