"""A multi-layer perceptron of scikit-learn as an equal network, with its own training options."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import OptionError
from chainrule.graph.op import Array
from chainrule.nn.layers import Dense
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import LBFGS, SGD, Adam, Optimizer

ACTIVATIONS = {"identity": None, "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
#: What scikit-learn means by batch_size="auto".
AUTO_BATCH = 200


def of_mlp(
    model: Any, X: Any, y: Any, options: dict[str, Any]
) -> tuple[Sequential, Any, Any, dict[str, Any]]:
    """The network of an ``MLPClassifier`` or ``MLPRegressor``, fitted or not.

    Classes become 0, 1, ... in sorted order. The penalty ``alpha`` is a weight decay, of biases
    too.

    Raises:
        OptionError: options of ours that the model has itself, or a solver that is not known.
    """
    for name in ("loss", "optimizer", "batch_size", "shuffle"):
        if name in options:
            raise OptionError(f"{name} is the model's own: leave it out, or set it in the model.")
    own = getattr(model, "loss", "squared_error")
    if own not in ("log_loss", "squared_error"):
        raise OptionError(f"its loss is {own!r}; log_loss and squared_error are known here.")
    array = np.asarray(X.to_numpy() if hasattr(X, "to_numpy") else X)
    wanted = np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)
    is_classifier = hasattr(model, "predict_proba")
    classes = np.unique(wanted) if is_classifier else np.array([])
    if is_classifier:
        wanted = np.searchsorted(classes, wanted)
    last = _last(len(classes), wanted)
    sizes = np.atleast_1d(np.asarray(model.hidden_layer_sizes, int))
    hidden = [Dense(int(units), ACTIVATIONS[model.activation]) for units in sizes if units > 0]
    net = Sequential(*hidden, last, dtype="float64")
    rows = len(array)
    batch = min(AUTO_BATCH, rows) if model.batch_size == "auto" else min(model.batch_size, rows)
    if getattr(model, "coefs_", None) is not None:
        _fill(net, model, array.shape[1])
    told: dict[str, Any] = {
        "optimizer": _optimizer(model, batch),
        "batch_size": None if model.solver == "lbfgs" else int(batch),
        "shuffle": bool(model.shuffle),
        "epochs": int(model.max_iter),
        "loss": net.loss_for(None),
    }
    if isinstance(model.random_state, int):
        told["seed"] = model.random_state
    held = options.get("validation")
    if is_classifier and isinstance(held, tuple | list) and len(held) == 2:
        options = options | {"validation": (held[0], np.searchsorted(classes, held[1]))}
    return net, array, wanted, told | options


def _last(classes: int, y: Array) -> Dense:
    if classes > 2:
        return Dense(classes, "softmax")
    if classes:
        return Dense(1, "sigmoid")
    return Dense(1 if y.ndim == 1 else y.shape[1])


def _fill(net: Sequential, model: Any, width: int) -> None:
    """The fitted weights; the loss tells that they are those of after a training."""
    net.build(width)
    for k, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True), start=1):
        net.parameters[f"W{k}"][...] = W
        net.parameters[f"b{k}"][...] = b
    net.loss = net.loss_for(None)


def _optimizer(model: Any, batch: int) -> Optimizer:
    decay = float(model.alpha) / batch
    if model.solver == "adam":
        return Adam(
            model.learning_rate_init, model.beta_1, model.beta_2, model.epsilon, weight_decay=decay
        )
    if model.solver == "sgd":
        nesterov = bool(model.nesterovs_momentum and model.momentum > 0)
        return SGD(model.learning_rate_init, model.momentum, nesterov, weight_decay=decay)
    if model.solver == "lbfgs":
        return LBFGS()
    raise OptionError(f"the solver {model.solver!r} is not known here: adam, sgd and lbfgs are.")
