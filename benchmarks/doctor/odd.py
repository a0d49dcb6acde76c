"""Healthy programs that look ill: each learns, and a doctor of fixed thresholds would speak."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import chainrule as cr
from doctor.faults import Fault
from doctor.hosts import Data
from doctor.networks import Plan


def plain(plan: Plan, rng: np.random.Generator) -> Plan:
    """The host's own program."""
    return plan


def rate_of_one(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """Sigmoid units and plain descent at a rate of 1.0 or more."""
    if plan.host.kind == "values":
        return None
    epochs = plan.host.epochs * (15 if plan.batch_size is None else 3)
    rate = 4.0 if plan.batch_size is None else 1.0
    hidden = plan.host.hidden
    return replace(plan, activation="sigmoid", hidden=hidden, optimizer=cr.SGD(rate), epochs=epochs)


def small_weights(plan: Plan, rng: np.random.Generator) -> Plan:
    """A tenth of the usual spread, and Adam, which does not mind."""
    return replace(
        plan,
        weight_init=lambda shape, rng: rng.normal(size=shape) * 0.1 / np.sqrt(shape[0]),
        optimizer=cr.Adam(plan.host.adam),
        epochs=2 * plan.host.epochs,
    )


def deep(plan: Plan, rng: np.random.Generator) -> Plan:
    """Six hidden layers."""
    return replace(
        plan,
        hidden=plan.host.hidden[:1] * 6,
        optimizer=cr.Adam(plan.host.adam / 4),
    )


def wide(plan: Plan, rng: np.random.Generator) -> Plan:
    """A layer of 512 units."""
    return replace(plan, hidden=(512,), optimizer=cr.Adam(min(plan.host.adam, 0.005)))


def imbalanced(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """Few rows of one class, drawn again until they are as many as the others."""
    data = plan.data
    if plan.host.kind == "values" or data.Xv is None:
        return None
    rare = np.flatnonzero(data.y == 0)
    kept = rng.choice(rare, max(6, len(rare) // 4), replace=False)
    drawn = rng.choice(kept, len(rare))
    rows = rng.permutation(np.concatenate([np.flatnonzero(data.y != 0), drawn]))
    return replace(
        plan,
        data=replace(data, X=data.X[rows], y=data.y[rows]),
        labels=(plan.labels[0][rows], plan.labels[1]),
    )


def few_rows(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """A dozen rows, and nothing to judge on."""
    data = plan.data
    if data.Xv is None:
        return None
    rows = np.arange(max(12, 3 * plan.host.classes))
    return replace(
        plan,
        data=Data(data.X[rows], data.y[rows]),
        labels=(plan.labels[0][rows], None),
        optimizer=cr.Adam(plan.host.adam),
        epochs=max(200, plan.host.epochs),
        batch_size=None,
    )


def large_batch(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """All rows in every step, and more epochs."""
    if plan.batch_size is None:
        return None
    return replace(
        plan, batch_size=None, optimizer=cr.Adam(plan.host.adam), epochs=8 * plan.host.epochs
    )


def large_values(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """A regression whose targets lie in the hundreds."""
    if plan.host.kind != "values":
        return None
    y, yv = plan.labels[0] * 100.0, plan.labels[1] * 100.0
    return replace(
        plan,
        data=replace(plan.data, y=y, yv=yv),
        labels=(y, yv),
        last=(cr.Dense(1, weight_init=lambda shape, rng: 30.0 * rng.normal(size=shape)),),
        optimizer=cr.Adam(0.05),
        epochs=3 * plan.host.epochs,
    )


def linear_task(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """A network without hidden layer, or without activation, where a plane is the answer."""
    if plan.host.name in ("and", "cancer", "wine"):
        return replace(plan, hidden=(), weight_init=None)
    if plan.host.kind != "values":
        return None
    data = plan.data
    slope = rng.normal(size=(data.X.shape[1], 1))
    y, yv = data.X @ slope, data.Xv @ slope
    size = float(y.std())
    y = y / size + 0.05 * rng.normal(size=y.shape)
    yv = yv / size + 0.05 * rng.normal(size=yv.shape)
    hidden = () if plan.seed % 2 else (8,)
    return replace(
        plan,
        data=replace(data, y=y, yv=yv),
        labels=(y, yv),
        hidden=hidden,
        activation=None,
        optimizer=cr.Adam(plan.host.adam),
    )


def zeros_without_hidden(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """Logistic regression may start at zero: nothing is there to be told apart."""
    if plan.host.name not in ("and", "cancer", "wine", "digits", "mnist"):
        return None
    last = tuple(replace(layer, weight_init="zeros") for layer in plan.last)
    return replace(plan, hidden=(), last=last)


def in_order(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """Batches are cut in order, from rows that lie in no order."""
    return None if plan.batch_size is None else replace(plan, shuffle=False)


def noisy_batches(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """Four rows a step: the loss jumps up and down."""
    if plan.batch_size is None:
        return None
    return replace(plan, batch_size=4, optimizer=cr.SGD(plan.host.sgd / 8), epochs=plan.host.epochs)


def leaky(plan: Plan, rng: np.random.Generator) -> Plan:
    """Other activations."""
    return replace(
        plan, activation=("leaky_relu", "elu", "gelu", "silu", "softplus")[plan.seed % 5]
    )


def normalised(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """BatchNorm after each hidden layer."""
    if plan.batch_size is None:
        return None
    return replace(plan, between=(cr.BatchNorm(),), optimizer=cr.Adam(plan.host.adam))


def dropped(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """Dropout, so that training looks worse than validation."""
    if plan.batch_size is None:
        return None
    return replace(
        plan, hidden=(64,), between=(cr.Dropout(0.2),), optimizer=cr.Adam(plan.host.adam)
    )


def double(plan: Plan, rng: np.random.Generator) -> Plan:
    """float64."""
    return replace(plan, dtype="float64")


def _right_accuracy(p: Any, t: Any) -> float:
    chosen = p.argmax(axis=1) if p.shape[1] > 1 else p[:, 0] > 0.5
    return float(np.mean(chosen == np.asarray(t).ravel()))


def own_metric(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """A metric of the user's own, which is right."""
    return None if plan.host.kind == "values" else replace(plan, metric=_right_accuracy)


def unscaled(plan: Plan, rng: np.random.Generator) -> Plan:
    """Inputs ten times as large as they might be, and a rate that suits them."""
    data = plan.data
    Xv = None if data.Xv is None else data.Xv * 10.0
    return replace(
        plan,
        data=replace(data, X=data.X * 10.0, Xv=Xv),
        optimizer=cr.Adam(plan.host.adam / 2),
        epochs=2 * plan.host.epochs,
    )


def noisy_targets(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """A fifth of the labels drawn anew, or values with half as much noise as there is signal."""
    data = plan.data
    if data.Xv is None:
        return None
    if plan.host.kind == "values":
        y = data.y + rng.normal(size=data.y.shape) * np.sqrt(0.5)
    else:
        mixed = rng.permutation(len(data.y))[: len(data.y) // 5]
        y = data.y.copy()
        y[mixed] = rng.permutation(y[mixed])
    return replace(plan, data=replace(data, y=y))


ODD: dict[str, Fault] = {
    program.__name__: program
    for program in (
        plain, rate_of_one, small_weights, deep, wide, imbalanced, few_rows, large_batch,
        large_values, linear_task, zeros_without_hidden, in_order, noisy_batches, leaky,
        normalised, dropped, double, own_metric, unscaled,
        noisy_targets,
    )
}  # fmt: skip
"""Every kind of healthy program by name."""
