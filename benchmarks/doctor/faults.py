"""Faults of networks: each takes a healthy plan and spoils it as people do, or says it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import chainrule as cr
from doctor.hosts import Array, Data
from doctor.networks import Plan, as_classes

Fault = Callable[[Plan, np.random.Generator], Plan | None]


def _with_inputs(plan: Plan, change: Callable[[Array], Array]) -> Plan:
    data = plan.data
    Xv = None if data.Xv is None else change(data.Xv)
    return replace(plan, data=replace(data, X=change(data.X), Xv=Xv))


def _with_rate(plan: Plan, times: float) -> Plan:
    rate = plan.optimizer.learning_rate * times
    return replace(plan, optimizer=replace(plan.optimizer, learning_rate=rate))


def _init(spread: float) -> Callable[[Any, np.random.Generator], Array]:
    """Weights so many times as wide as 1/√inputs."""
    return lambda shape, rng: rng.normal(size=shape) * spread / np.sqrt(shape[0])


# --- data --------------------------------------------------------------------------------------


def non_finite_data(plan: Plan, rng: np.random.Generator) -> Plan:
    """A few cells are missing, as after reading a table; for some seeds a division gave Inf."""
    X = np.array(plan.data.X, np.float64)
    rows = rng.choice(len(X), max(1, len(X) // 50), replace=False)
    X[rows, rng.integers(X.shape[1])] = np.inf if plan.seed % 3 == 2 else np.nan
    return replace(plan, data=replace(plan.data, X=X))


def inputs_too_large(plan: Plan, rng: np.random.Generator) -> Plan:
    """Pixels from 0 to 255, or a table as it was measured."""
    return _with_inputs(plan, lambda X: X * 255.0)


def inputs_too_small(plan: Plan, rng: np.random.Generator) -> Plan:
    """Divided by 255 where that had been done before; twice so for some."""
    return _with_inputs(plan, lambda X: X / 255.0 / (1 if plan.seed % 2 else 16))


def validation_scaled_differently(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """The training rows are scaled, and the others are left as they were."""
    if plan.data.Xv is None:
        return None
    Xv = plan.data.Xv * 16.0 if plan.seed % 2 else plan.data.Xv * 4.0 + 3.0
    return replace(plan, data=replace(plan.data, Xv=Xv))


# --- labels and shapes -------------------------------------------------------------------------


def _broadcast_mse(p: Any, t: Any) -> Any:
    return cr.mean((p[:, 0] - t) ** 2)


def _broadcast_mae(p: Any, t: Any) -> Any:
    return cr.mean(cr.abs(cr.reshape(p, (p.shape[0],)) - t))


def targets_broadcast(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """The user's own loss takes outputs (n,) from targets (n, 1)."""
    if plan.host.kind == "classes":
        return None
    return replace(plan, loss=_broadcast_mae if plan.seed == 4 else _broadcast_mse)


def labels_unrelated(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """Rows and labels were shuffled apart, in all parts of the data.

    Not of a gate: with other labels its four rows are another gate, and nobody could tell.
    """
    data = plan.data
    if data.Xv is None:
        return None
    yv = None if data.yv is None else rng.permutation(data.yv)
    return replace(plan, data=replace(data, y=rng.permutation(data.y), yv=yv))


def targets_constant(plan: Plan, rng: np.random.Generator) -> Plan:
    """The wrong column was taken, or the rows of one class only: all targets are alike."""
    data = plan.data
    one = data.y[rng.integers(len(data.y))]
    yv = None if data.yv is None else np.full_like(data.yv, one)
    return replace(plan, data=replace(data, y=np.full_like(data.y, one), yv=yv))


def labels_permuted(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """Training and validation number their classes in another way."""
    if plan.host.kind == "values" or plan.data.Xv is None:
        return None
    classes = max(2, plan.host.classes)
    shift = 1 + plan.seed % (classes - 1)
    return replace(plan, data=replace(plan.data, y=(plan.data.y + shift) % classes))


def wrong_target_form(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """One-hot where one column is expected; numbers where one-hot is; -1 and 1 as labels."""
    data, kind = plan.data, plan.host.kind
    if kind == "values":
        return None

    def spoiled(y: Array | None) -> Array | None:
        if y is None:
            return None
        if kind == "binary":
            return np.eye(2)[y] if plan.seed % 2 else 2 * y - 1
        return y + 1 if plan.seed % 2 else y

    loss = plan.loss if kind == "binary" or plan.seed % 2 else "mean_squared_error"
    return replace(plan, data=replace(data, y=spoiled(data.y), yv=spoiled(data.yv)), loss=loss)


# --- the start ---------------------------------------------------------------------------------


def _rebuilt(plan: Plan, **options: Any) -> Plan:
    """With these options in every Dense layer, the last one too."""
    last = tuple(
        replace(layer, **options) if isinstance(layer, cr.Dense) else layer for layer in plan.last
    )
    return replace(plan, last=last, **options)


def zero_weights(plan: Plan, rng: np.random.Generator) -> Plan:
    """Every weight starts at zero."""
    return _rebuilt(plan, weight_init="zeros")


def weights_too_large(plan: Plan, rng: np.random.Generator) -> Plan:
    """A normal draw that forgets 1/√inputs, or is wider still."""
    return _rebuilt(plan, weight_init=_init(30.0 if plan.seed % 2 else 12.0))


def weights_too_small(plan: Plan, rng: np.random.Generator) -> Plan:
    """The textbook's 0.01, or less."""
    return _rebuilt(plan, weight_init=_init(1e-3 if plan.seed % 2 else 1e-2))


def dead_biases(plan: Plan, rng: np.random.Generator) -> Plan:
    """Biases that start far below zero."""
    return replace(plan, bias_init=-8.0 - 4.0 * (plan.seed % 3))


# --- architecture ------------------------------------------------------------------------------


def too_few_units(plan: Plan, rng: np.random.Generator) -> Plan:
    """One unit in every hidden layer."""
    return replace(plan, hidden=(1,) * len(plan.hidden))


def no_hidden_activation(plan: Plan, rng: np.random.Generator) -> Plan:
    """The activation of the hidden layers was forgotten."""
    return replace(plan, activation=None)


def activation_on_logits(plan: Plan, rng: np.random.Generator) -> Plan:
    """ReLU on the last layer, before the softmax or the sigmoid, or on a regression's output."""
    units = plan.last[0].units
    after = {"binary": ("sigmoid",), "classes": ("softmax",), "values": ()}[plan.host.kind]
    return replace(plan, last=(cr.Dense(units, "relu"), *map(cr.Activation, after)))


def dying_relu(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """Plain descent with a rate so large that a first step kills most units."""
    if plan.activation != "relu":
        return None
    times = (4.0, 8.0, 16.0)[plan.seed % 3]
    return replace(
        plan, optimizer=cr.SGD(plan.host.sgd * times), epochs=plan.host.epochs * plan.host.slow
    )


# --- loss --------------------------------------------------------------------------------------


def softmax_twice(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """The loss applies softmax to what is softmax already, or the network does so twice."""
    classes = as_classes(plan)
    if classes is None:
        return None
    if plan.seed % 2:
        return replace(classes, last=(*classes.last, cr.Activation("softmax")))
    return _own_loss(classes, _softmax_of_probabilities)


def _own_loss(plan: Plan, loss: Any) -> Plan:
    """With a loss of the user's own, which takes one-hot targets."""
    data, classes = plan.data, max(2, plan.host.classes)
    yv = None if data.yv is None else np.eye(classes)[data.yv]
    return replace(plan, loss=loss, data=replace(data, y=np.eye(classes)[data.y], yv=yv))


def _softmax_of_probabilities(p: Any, t: Any) -> Any:
    return -cr.mean(cr.sum(t * cr.log_softmax(p), axis=1))


def _softmax_over_everything(z: Any) -> Any:
    e = cr.exp(z - cr.max(z))
    return e / cr.sum(e)


def _softmax_over_batch(z: Any) -> Any:
    e = cr.exp(z - cr.max(z, axis=0, keepdims=True))
    return e / cr.sum(e, axis=0, keepdims=True)


def _own_softmax(plan: Plan, softmax: Any) -> Plan | None:
    classes = as_classes(plan)
    if classes is None:
        return None
    own = replace(classes, last=(cr.Dense(classes.last[0].units, softmax),))
    return _own_loss(own, _mean_cross_entropy)


def _mean_cross_entropy(p: Any, t: Any) -> Any:
    return -cr.mean(cr.sum(t * cr.log(p + 1e-7), axis=1))


def softmax_over_everything(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """An own softmax, whose sum forgot its axis."""
    return _own_softmax(plan, _softmax_over_everything)


def softmax_over_batch(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """An own softmax, along the wrong axis."""
    return _own_softmax(plan, _softmax_over_batch)


def _naive_binary(p: Any, t: Any) -> Any:
    return -cr.mean(t * cr.log(p) + (1 - t) * cr.log(1 - p))


def _naive_classes(p: Any, t: Any) -> Any:
    return -cr.mean(cr.sum(t * cr.log(p), axis=1))


def _hard_sigmoid(z: Any) -> Any:
    return cr.clip(0.2 * z + 0.5, 0.0, 1.0)


def _share_of_relu(z: Any) -> Any:
    positive = cr.relu(z + 1.0)
    return positive / cr.sum(positive, axis=1, keepdims=True)


def log_of_zero(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """Probabilities that reach 0, and a loss that takes their logarithm."""
    if plan.host.kind == "values":
        return None
    if plan.host.kind == "binary":
        return replace(plan, last=(cr.Dense(1, _hard_sigmoid),), loss=_naive_binary)
    own = replace(plan, last=(cr.Dense(plan.last[0].units, _share_of_relu),))
    return _own_loss(own, _naive_classes)


# --- rate, batches, overfitting, evaluation ----------------------------------------------------


def rate_too_large(plan: Plan, rng: np.random.Generator) -> Plan:
    """A slip of the decimal point, or two."""
    return _with_rate(plan, (30.0, 100.0, 300.0)[plan.seed % 3])


def rate_too_small(plan: Plan, rng: np.random.Generator) -> Plan:
    """Some zeros too many."""
    return _with_rate(plan, 1e-4 if plan.seed % 2 else 1e-3)


def sorted_batches(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """The rows lie sorted by their target, and batches are cut in order."""
    if plan.batch_size is None:
        return None
    data = plan.data
    order = np.argsort(np.asarray(data.y).reshape(len(data.y)), kind="stable")
    labels = (plan.labels[0][order], plan.labels[1])
    sorted_data = replace(data, X=data.X[order], y=data.y[order])
    return replace(plan, data=sorted_data, labels=labels, shuffle=False)


def overfitting(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """A few noisy rows, a wide network, and no end."""
    data = plan.data
    if data.Xv is None:
        return None
    rows = rng.permutation(len(data.X))[: max(30, 5 * plan.host.classes)]
    y = data.y[rows].copy()
    odd = rng.permutation(len(y))[: len(y) // 5]
    if plan.host.kind == "values":
        y[odd] = y[odd] + rng.normal(size=(len(odd), 1))
    else:
        y[odd] = (y[odd] + 1) % max(2, plan.host.classes)
    return replace(
        plan,
        data=Data(data.X[rows], y, data.Xv, data.yv),
        labels=(plan.labels[0][rows], plan.labels[1]),
        hidden=(128,) * len(plan.hidden),
        optimizer=cr.Adam(0.01),
        epochs=300,
        batch_size=None,
    )


def _wrong_axis(p: Any, t: Any) -> float:
    n = min(p.shape[1], len(t))
    return float(np.mean(np.argmax(p, axis=0)[:n] == np.asarray(t).ravel()[:n]))


def _broadcast_accuracy(p: Any, t: Any) -> float:
    return float(np.mean((p > 0.5) == np.asarray(t).ravel()))


def wrong_axis(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """The user's own accuracy: argmax along the rows, or (n, 1) compared with (n,)."""
    if plan.host.kind == "values":
        return None
    own = _wrong_axis if plan.host.kind == "classes" else _broadcast_accuracy
    return replace(plan, metric=own)


def local_minimum(plan: Plan, rng: np.random.Generator) -> Plan | None:
    """XOR with two hidden units, from a start that leads nowhere (training tells which do)."""
    if plan.host.name not in ("xor", "xnor"):
        return None
    return replace(plan, hidden=(2,))


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        non_finite_data, inputs_too_large, inputs_too_small, validation_scaled_differently,
        targets_broadcast, targets_constant, labels_unrelated, labels_permuted, wrong_target_form,
        zero_weights, weights_too_large, weights_too_small, dead_biases, too_few_units,
        no_hidden_activation, activation_on_logits, dying_relu, softmax_twice,
        softmax_over_everything, softmax_over_batch, log_of_zero, rate_too_large, rate_too_small,
        sorted_batches, overfitting, wrong_axis, local_minimum,
    )
}  # fmt: skip
"""Every fault by the name of what the doctor should say."""
