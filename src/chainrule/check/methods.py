"""Which methods of an object compute its loss and its gradients, and what they are called with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.check.subjects import argument_names
from chainrule.errors import OptionError

FORWARD = (
    "forward", "forward_pass", "forward_propagation", "feedforward", "feed_forward", "predict",
)  # fmt: skip
LOSS = (
    "loss", "cost", "compute_loss", "compute_cost", "calculate_loss", "loss_function", "get_loss",
    "objective", "error",
)  # fmt: skip
BACKWARD = (
    "gradients", "gradient", "backward", "backprop", "backpropagation", "backward_pass",
    "backward_propagation", "compute_gradients", "grads", "grad",
)  # fmt: skip

INPUTS = {"x", "inputs", "input", "data", "x_train", "x_batch", "xb", "features", "samples", "a0"}
TARGETS = {
    "t", "target", "targets", "label", "labels", "y_true", "ytrue", "t_batch", "t_train",
    "y_train", "y_batch", "yb", "expected", "desired", "truth",
}  # fmt: skip
OUTPUTS = {
    "output", "outputs", "out", "o", "y_hat", "yhat", "y_pred", "ypred", "pred", "preds",
    "prediction", "predictions", "predicted", "probs", "al", "a2", "a3",
}  # fmt: skip


def called_with(thing: Any, data: Sequence[Any]) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The loss and the backward pass of ``thing`` on ``data`` = (X, t), as functions of nothing.

    Raises:
        OptionError: there are no such methods, or their arguments cannot be told apart.
    """
    if len(data) != 2:
        raise OptionError(
            f"an object is checked on data (X, t), and {len(data)} things were given. "
            f"{_instead(thing)}"
        )
    loss, backward = _method(thing, LOSS, "loss"), _method(thing, BACKWARD, "backward")
    forward = next((name for name in FORWARD if callable(getattr(thing, name, None))), None)

    def run(method: str) -> Any:
        roles = _roles(thing, method)
        output = None
        # What does not take X itself, or wants the outputs, needs a forward pass before it.
        if (forward and method == loss and "X" not in roles) or "output" in roles:
            if forward is None:
                raise OptionError(f"{_name(thing)} has no forward method. {_instead(thing)}")
            output = getattr(thing, forward)(data[0])
        have = {"X": data[0], "t": data[1], "output": output}
        return getattr(thing, method)(*[have[role] for role in roles])

    return lambda: run(loss), lambda: run(backward)


def _method(thing: Any, names: Sequence[str], kind: str) -> str:
    for name in names:
        if callable(getattr(thing, name, None)):
            return name
    own = [m for m in dir(thing) if not m.startswith("_") and callable(getattr(thing, m))]
    raise OptionError(
        f"{_name(thing)} has no {kind} method: {', '.join(names[:3])} and the like were looked "
        f"for, and it has {', '.join(own) or 'none'}. {_instead(thing)}"
    )


def _roles(thing: Any, method: str) -> list[str]:
    """What each argument of a method means: "X", "t" or "output"."""
    names = argument_names(getattr(thing, method))
    plain = [name.lower() for name in names]
    roles = []
    for written, name in zip(names, plain, strict=True):
        if name in INPUTS:
            roles.append("X")
        elif name in TARGETS:
            roles.append("t")
        elif name in OUTPUTS:
            roles.append("output")
        elif name == "y":  # the outputs beside t, else the targets
            roles.append("output" if any(other in TARGETS for other in plain) else "t")
        else:
            raise OptionError(
                f"{_name(thing)}.{method}({', '.join(names)}): there is no telling what "
                f"{written} is; x, t and y were looked for. {_instead(thing)}"
            )
    return roles


def _name(thing: Any) -> str:
    return type(thing).__name__


def _instead(thing: Any) -> str:
    return (
        "Say what to call: check_gradients(lambda net: net.loss(X, t), net, "
        "lambda net: net.backward(X, t))."
    )
