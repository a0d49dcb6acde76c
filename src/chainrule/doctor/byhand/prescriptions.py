"""Prescriptions for programs by hand: each changes a program in one thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np

from chainrule.doctor.byhand import running
from chainrule.doctor.byhand.chain import fresh, redrawn, weights, widened
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.program import Parameters, Program
from chainrule.doctor.byhand.rates import rate_of
from chainrule.doctor.byhand.running import with_data
from chainrule.doctor.finding import Prescription
from chainrule.doctor.standardising import mean_and_spread
from chainrule.graph.op import Array


def prescription(text: str, change: Callable[[Program], Program]) -> Prescription:
    """A repair of a program, as the record that findings carry."""
    return Prescription(text, cast(Any, change))


# --- data --------------------------------------------------------------------------------------


def standardised_inputs() -> Prescription:
    """Every column of X with mean 0 and spread 1; the validation rows by the same numbers."""

    def change(program: Program) -> Program:
        X = np.asarray(program.data[0])
        mean, spread = mean_and_spread(X)
        held = program.validation and (
            (program.validation[0] - mean) / spread,
            program.validation[1],
        )
        return replace(with_data(program, (X - mean) / spread), validation=held)

    return prescription(
        "mean, spread = X.mean(axis=0), X.std(axis=0); "
        "X = (X - mean) / np.where(spread > 0, spread, 1)   "
        "# and the same two arrays for every row that is predicted",
        change,
    )


def without_bad_rows(program: Program) -> Prescription:
    """Only the rows all of whose numbers are finite."""
    asked = " & ".join(
        f"np.isfinite({name})" + ".all(axis=-1)" * (array.ndim - 1)
        for name, array in zip("Xy", program.data, strict=True)
        if not np.isfinite(array).all()
    )
    return prescription(
        f"keep = {asked}; X, y = X[keep], y[keep]   # or fill in what is missing",
        running.without_bad_rows,
    )


def without_bad_columns() -> Prescription:
    """A 0 in place of every input that is not finite: a column of them says nothing."""
    return prescription(
        "X = np.where(np.isfinite(X), X, 0)   # or leave out the columns that hold no numbers",
        running.without_bad_columns,
    )


def other_targets(text: str, change: Callable[[Array], Array]) -> Prescription:
    """The targets in another form, those of validation too."""

    def changed(program: Program) -> Program:
        held = program.validation and (program.validation[0], change(program.validation[1]))
        return replace(
            with_data(program, program.data[0], change(program.data[1])), validation=held
        )

    return prescription(text, changed)


def training_targets(text: str, change: Callable[[Array], Array]) -> Prescription:
    """The training targets in another form, those of validation as they are."""
    return prescription(
        text, lambda program: with_data(program, program.data[0], change(program.data[1]))
    )


def other_validation(text: str, change: Callable[[Array], Array]) -> Prescription:
    """The inputs of validation on another scale."""

    def changed(program: Program) -> Program:
        assert program.validation is not None
        return replace(program, validation=(change(program.validation[0]), program.validation[1]))

    return prescription(text, changed)


# --- start and network -------------------------------------------------------------------------


def fresh_start(probes: Probes) -> Prescription:
    """Weights drawn as wide as their inputs and units ask for, biases at 0.

    From one seed alone: where other starts succeed too, a second one would prove nothing.
    """
    rectified = {layer.weight for layer in probes.rectified}

    def change(program: Program) -> Program:
        return replace(
            program,
            parameters=fresh(program.parameters, probes.layers, program.seed, rectified=rectified),
        )

    before_relu = " (before a ReLU np.sqrt(inputs / 2))" if rectified else ""
    return prescription(
        f"W = rng.normal(size=(inputs, units)) / np.sqrt(inputs) for every weight{before_relu}, "
        "and biases np.zeros(units)",
        change,
    )


def zero_biases(probes: Probes) -> Prescription:
    """Biases at 0, weights as they are."""

    def change(program: Program) -> Program:
        kept = weights(program.parameters, probes.layers)
        return replace(
            program,
            parameters={
                name: array if name in kept else np.zeros(array.shape)
                for name, array in program.parameters.items()
            },
        )

    return prescription("b = np.zeros(units) for every bias", change)


def other_start(seed: int) -> Prescription:
    """Other random numbers where there were random ones."""
    return prescription(
        f"another start: rng = np.random.default_rng({seed}), or whatever seed is not this one",
        lambda program: replace(program, parameters=redrawn(program.parameters, seed)),
    )


def more_units(probes: Probes) -> Prescription:
    """Many more units in every hidden layer."""
    return prescription(
        "8 times as many units in the hidden layers, at least 32",
        lambda program: replace(
            program, parameters=widened(program.parameters, probes.layers, program.seed)
        ),
    )


def floats() -> Prescription:
    """Parameters that are floating-point numbers."""

    def change(program: Program) -> Program:
        return replace(
            program, parameters={k: a.astype(float) for k, a in program.parameters.items()}
        )

    return prescription("parameters as floats: W = W.astype(float)", change)


# --- step and loop -----------------------------------------------------------------------------


def another_rate(factor: float, now: float | None) -> Prescription:
    """Every update times ``factor``; ``now`` is the rate, None if it cannot be told."""

    def change(program: Program) -> Program:
        def step(p: Parameters, X: Any, y: Any) -> Parameters:
            old = {name: array.copy() for name, array in p.items()}
            new = program.stepped(p, X, y)
            return {name: array + factor * (new[name] - array) for name, array in old.items()}

        return replace(program, step=step)

    if now is None:
        times = "a tenth of" if factor == 0.1 else f"{factor:g} times"
        return prescription(f"{times} the rate in step", change)
    return prescription(
        f"the learning rate times {factor:g}: {now * factor:.3g} instead of {now:.3g}", change
    )


def true_gradient(probes: Probes) -> Prescription | None:
    """Plain descent along the loss's own gradient, at the program's rate; None if not known."""
    truth, rate = probes.truth, rate_of(probes)
    if truth is None or rate is None:
        return None

    def change(program: Program) -> Program:
        def step(p: Parameters, X: Any, y: Any) -> Parameters:
            g = truth(p, np.asarray(X), np.asarray(y))
            return {name: array - rate * g[name] for name, array in p.items()}

        floats = {name: array.astype(np.float64) for name, array in program.parameters.items()}
        return replace(program, parameters=floats, step=step)

    return prescription("the true gradient of the loss in every step", change)


def shuffled_batches() -> Prescription:
    """The rows in a new order before each epoch."""

    def change(program: Program) -> Program:
        rng = np.random.default_rng(program.seed)

        def batches(X: Array, y: Array) -> Iterator[tuple[Array, Array]]:
            order = rng.permutation(len(X))
            yield from program.epoch(X[order], y[order])

        return replace(program, batches=batches)

    return prescription(
        "order = rng.permutation(len(X)); X, y = X[order], y[order]   # before each epoch", change
    )


def fewer_epochs(count: int) -> Prescription:
    """An earlier end."""
    return prescription(
        f"stop after {count} epochs, or keep the parameters of the lowest validation loss",
        lambda program: replace(program, epochs=count),
    )
