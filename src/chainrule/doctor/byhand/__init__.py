"""The doctor for programs by hand: plain NumPy, a loop and a backward pass that somebody wrote."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.doctor.byhand.columns import told
from chainrule.doctor.byhand.given import program_of
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.program import Program
from chainrule.doctor.byhand.reckoning import reckon
from chainrule.doctor.diagnosis import Diagnosis
from chainrule.errors import OptionError

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
    _must_run(program)
    with program.undisturbed(), warnings.catch_warnings():
        # Overflow and the like are what the diagnosis tells, once and in words.
        warnings.simplefilter("ignore")
        found = reckon(Probes(program, progress or (lambda line: None)))
    if program.is_in_columns:
        found = told(found)
    return replace(found, seconds=time.perf_counter() - began)


def _must_run(program: Program) -> None:
    """Refuse a program whose forward pass or batches raise: of it nothing can be said.

    Raises:
        OptionError: with what was raised.
    """
    X, y = program.data
    shapes = [array.shape[::-1] if program.is_in_columns else array.shape for array in (X, y)]
    p = {name: array.copy() for name, array in program.parameters.items()}
    calls: dict[str, Callable[[], Any]] = {
        "forward(parameters, X)": lambda: np.asarray(program.forward(p, X[:7])),
        # Twice, because an epoch comes after the other: what is used up gives no second one.
        "batches(X, y)": lambda: _must_give_batches(program, times=2),
    }
    for name, call in calls.items():
        try:
            with program.undisturbed():
                call()
        except OptionError:
            raise
        except Exception as error:
            raise OptionError(
                f"{name} raised {type(error).__name__}: {error}. X is {shapes[0]} and y "
                f"{shapes[1]}; the program must run as far as that to be diagnosed."
            ) from error


def _must_give_batches(program: Program, times: int) -> None:
    """Refuse ``batches`` that give none, or no pairs.

    Raises:
        OptionError: with what was given.
    """
    X, y = program.data
    for _ in range(times):
        batch = next(iter(program.epoch(X, y)), None)
        if batch is None:
            raise OptionError(
                f"batches(X, y) gave no batch. X is {X.shape} and y {y.shape}; in every call it "
                "gives an epoch: for i in range(0, len(X), 32): yield X[i : i + 32], y[i : i + 32]."
            )
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise OptionError(f"batches(X, y) gives pairs (X, y), got {type(batch).__name__}.")
