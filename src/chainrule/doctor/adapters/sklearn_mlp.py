"""A multi-layer perceptron of scikit-learn as an equal network, with its own training options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.errors import OptionError
from chainrule.graph.op import Array
from chainrule.nn.layers import Dense
from chainrule.nn.losses import NAMED, Loss
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import LBFGS, SGD, Adam, Optimizer

ACTIVATIONS = {"identity": None, "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
#: What scikit-learn means by batch_size="auto".
AUTO_BATCH = 200
#: Its defaults of tol and n_iter_no_change.
USUAL_TOL, USUAL_PATIENCE = 1e-4, 10


def of_mlp(
    model: Any, X: Any, y: Any, options: dict[str, Any]
) -> tuple[Sequential, Any, Any, dict[str, Any]]:
    """The network of an ``MLPClassifier`` or ``MLPRegressor``, fitted or not.

    Classes become 0, 1, ... in sorted order; columns of 0 and 1 stay, as labels of which several
    may hold. The penalty ``alpha`` is a weight decay, of biases too. Trained are ``max_iter``
    epochs; where ``tol``, ``n_iter_no_change`` or ``early_stopping`` end it sooner than by default,
    the model must be fitted, and those that it made are.

    Raises:
        OptionError: options of ours that the model has itself, or one of its that has no equal.
    """
    for name in ("loss", "optimizer", "batch_size", "shuffle", "schedule"):
        if name in options:
            raise OptionError(f"{name} is the model's own: leave it out, or set it in the model.")
    own = getattr(model, "loss", "squared_error")
    if own not in ("log_loss", "squared_error"):
        raise OptionError(f"its loss is {own!r}; log_loss and squared_error are known here.")
    array = np.asarray(X.to_numpy() if hasattr(X, "to_numpy") else X)
    wanted = np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)
    is_classifier = hasattr(model, "predict_proba")
    has_columns = wanted.ndim == 2 and wanted.shape[1] > 1
    classes = np.unique(wanted) if is_classifier and not has_columns else np.array([])
    if is_classifier and not has_columns:
        wanted = np.searchsorted(classes, wanted)
    last, loss = _outputs(is_classifier, has_columns, len(classes), wanted)
    sizes = np.atleast_1d(np.asarray(model.hidden_layer_sizes, int))
    hidden = [Dense(int(units), ACTIVATIONS[model.activation]) for units in sizes if units > 0]
    net = Sequential(*hidden, last, dtype="float64")
    rows = len(array)
    batch = min(AUTO_BATCH, rows) if model.batch_size == "auto" else min(model.batch_size, rows)
    told: dict[str, Any] = {
        "optimizer": _optimizer(model, batch),
        "batch_size": None if model.solver == "lbfgs" else int(batch),
        "shuffle": bool(model.shuffle),
        "epochs": _epochs(model),
        "schedule": _schedule(model, rows),
        "loss": loss,
    }
    if getattr(model, "coefs_", None) is not None:
        _fill(net, model, array.shape[1], loss)
    if isinstance(model.random_state, int):
        told["seed"] = model.random_state
    held = options.get("validation")
    if len(classes) and isinstance(held, tuple | list) and len(held) == 2:
        options = options | {"validation": (held[0], np.searchsorted(classes, held[1]))}
    return net, array, wanted, told | options


def _outputs(is_classifier: bool, has_columns: bool, classes: int, y: Array) -> tuple[Dense, Loss]:
    """The last layer and the loss, which scikit-learn sums over a row's outputs."""
    if is_classifier and has_columns:
        if not np.isin(y, (0, 1)).all():
            raise OptionError(
                f"y of shape {y.shape} gives an MLPClassifier several labels a row, each 0 or 1; "
                f"it goes from {y.min()} to {y.max()}. For classes give y of shape ({len(y)},)."
            )
        return Dense(y.shape[1], "sigmoid"), _summed("binary_cross_entropy", y.shape[1])
    if is_classifier:
        many = classes > 2
        last = Dense(classes, "softmax") if many else Dense(1, "sigmoid")
        return last, NAMED["cross_entropy" if many else "binary_cross_entropy"]
    outputs = y.shape[1] if y.ndim > 1 else 1
    return Dense(outputs), _summed("mean_squared_error", outputs / 2)


def _summed(name: str, times: float) -> Loss:
    """A loss of ours, whose mean over all entries is taken so many times."""
    entries = NAMED[name].entries
    return (
        NAMED[name]
        if times == 1
        else replace(NAMED[name], entries=lambda p, t: times * entries(p, t))
    )


def strict_rules(model: Any) -> list[str]:
    """The options that end its training sooner than the default would, as they are typed.

    By default it ends where ten epochs brought hardly anything, which says little.
    """
    if model.solver == "lbfgs":
        return []
    rules = (
        ("tol", model.tol > USUAL_TOL),
        ("n_iter_no_change", model.n_iter_no_change < USUAL_PATIENCE),
        ("early_stopping", model.early_stopping),
    )
    return [f"{name}={getattr(model, name)}" for name, is_strict in rules if is_strict]


def _epochs(model: Any) -> int:
    """The epochs that it trains; a strict rule cuts them off, and where the fitted model knows."""
    rules = strict_rules(model)
    if not rules:
        return int(model.max_iter)
    if getattr(model, "n_iter_", None) is None:
        raise OptionError(
            f"{type(model).__name__} with {', '.join(rules)} ends before max_iter="
            f"{model.max_iter}, and where is not known yet. Call model.fit(X, y) first: the "
            "epochs that it made are diagnosed."
        )
    return int(model.n_iter_)


def _schedule(model: Any, rows: int) -> Callable[[float, float], float] | None:
    """The schedule of ``learning_rate``, which counts for solver="sgd" only.

    Where the rate falls, scikit-learn's momentum goes on with steps at the old rate for some ten
    batches more than ours.
    """
    if model.solver != "sgd" or model.learning_rate == "constant":
        return None
    if model.learning_rate != "invscaling":
        raise OptionError(
            f"learning_rate={model.learning_rate!r} of {type(model).__name__} is not translated: "
            "the adapter takes 'constant' and 'invscaling'. Set learning_rate='constant'."
        )
    power = float(model.power_t)

    def multiplier(epoch: float, epochs: float) -> float:
        return float((int(epoch) * rows + 1) ** -power)

    return multiplier


def _fill(net: Sequential, model: Any, width: int, loss: Loss) -> None:
    """The fitted weights; the loss tells that they are those of after a training."""
    net.build(width)
    for k, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True), start=1):
        net.parameters[f"W{k}"][...] = W
        net.parameters[f"b{k}"][...] = b
    net.loss = loss


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
        return LBFGS(tolerance=float(model.tol), evaluations=int(model.max_fun))
    raise OptionError(f"the solver {model.solver!r} is not known here: adam, sgd and lbfgs are.")
