"""Plans: programs that train a ``Network`` of chainrule, as records that a fault can alter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import chainrule as cr
from doctor.hosts import Array, Data, Host

ACTIVATIONS = ("tanh", "relu")


@dataclass(frozen=True)
class Plan:
    """A network, its data and its training: what somebody would hand to ``cr.diagnose``.

    ``labels`` are the true targets of the rows of ``data``, whatever a fault made of its y.
    """

    host: Host
    seed: int
    data: Data
    labels: tuple[Array, Array | None]
    hidden: tuple[int, ...]
    activation: Any
    last: tuple[Any, ...]
    loss: Any
    optimizer: Any
    epochs: int
    batch_size: int | None
    weight_init: Any = None
    bias_init: Any = "zeros"
    shuffle: bool = True
    metric: Any = None
    dtype: str = "float32"
    between: tuple[Any, ...] = ()

    def network(self) -> cr.Sequential:
        """The network as it was written, without parameters yet."""
        layers: list[Any] = []
        for units in self.hidden:
            layers += [
                cr.Dense(
                    units,
                    self.activation,
                    weight_init=self.weight_init,
                    bias_init=self.bias_init,
                ),
                *self.between,
            ]
        return cr.Sequential(*layers, *self.last, dtype=self.dtype)

    @property
    def validation(self) -> tuple[Array, Array] | None:
        """The rows to be judged on, as ``fit`` takes them."""
        if self.data.Xv is None or self.data.yv is None:
            return None
        return self.data.Xv, self.data.yv

    def options(self) -> dict[str, Any]:
        """What ``cr.diagnose(network, X, y, ...)`` is told of the training."""
        return {
            "loss": self.loss,
            "optimizer": self.optimizer,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "validation": self.validation,
            "metric": self.metric,
            "seed": self.seed,
        }


def optimizer_of(host: Host, seed: int) -> tuple[Any, int]:
    """The optimizer of a seed, and how many times the epochs of Adam it is given."""
    slow = host.slow
    return (
        (cr.Adam(host.adam), 1),
        (cr.SGD(host.sgd), slow),
        (cr.SGD(host.sgd / 5, momentum=0.8), slow),
        (cr.RMSProp(host.adam / 3), 1),
        (cr.SGD(host.sgd), slow),
    )[seed % 5]


def plan(host: Host, activation: str, seed: int) -> Plan:
    """The healthy program of a host, an activation and a seed; odd seeds are a layer deeper."""
    data = host.load(seed)
    optimizer, slow = optimizer_of(host, seed)
    last, loss = {
        "binary": (cr.Dense(1, "sigmoid"), "binary_cross_entropy"),
        "classes": (cr.Dense(host.classes, "softmax"), "cross_entropy"),
        "values": (cr.Dense(1), "mean_squared_error"),
    }[host.kind]
    return Plan(
        host=host,
        seed=seed,
        data=data,
        labels=(data.y, data.yv),
        hidden=host.hidden * (1 + seed % 2),
        activation=activation,
        last=(last,),
        loss=loss,
        optimizer=optimizer,
        epochs=host.epochs * slow,
        batch_size=host.batch_size,
    )


def as_classes(healthy: Plan) -> Plan | None:
    """The same with a softmax over two classes where there was one sigmoid; None for values."""
    if healthy.host.kind == "values":
        return None
    if healthy.host.kind == "classes":
        return healthy
    return replace(healthy, last=(cr.Dense(2, "softmax"),), loss="cross_entropy")


def column(y: Array | None) -> Array | None:
    """Labels (n,) as (n, 1) numbers."""
    return None if y is None else np.asarray(y, np.float64).reshape(len(y), -1)
