"""The estimators' parameters: what each may be, looked at when ``fit`` begins.

scikit-learn wants ``__init__`` to keep what it is given and to look at nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from chainrule.engine import PROGRAMS
from chainrule.errors import OptionError, near
from chainrule.nn.activations import NAMED as ACTIVATIONS
from chainrule.nn.layers import Dense, Layer
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import LBFGS, Optimizer
from chainrule.optim.optimizers import NAMED as OPTIMIZERS

#: scikit-learn's names of activations, and what they are called here.
SAME_ACTIVATION = {"identity": "linear", "logistic": "sigmoid"}
SOLVERS = ("adam", "lbfgs", "sgd")
RATES = ("adaptive", "constant", "invscaling")

Check = tuple[Callable[[Any], bool], str]


def _number(least: float, most: float = math.inf, *, open_: str = "") -> Check:
    """A real number in a range; ``open_`` names the ends ("left", "right") that are outside."""

    def holds(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            return False
        value = float(value)
        above = value > least if "left" in open_ else value >= least
        return bool(above and (value < most if "right" in open_ else value <= most))

    low = f"above {least:g}" if "left" in open_ else f"of {least:g} or more"
    high = "" if most == math.inf else f"{' below' if 'right' in open_ else ' up to'} {most:g}"
    return holds, f"a number {low}{' and' if high else ''}{high}"


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def _count(least: int) -> Check:
    return lambda value: _whole(value, least), f"a whole number of {least} or more"


def _one_of(names: Sequence[str], also: str = "", extra: Any = lambda value: False) -> Check:
    listed = ", ".join(repr(name) for name in sorted(names))
    known = f"{'one of ' if len(names) > 1 else ''}{listed}"
    return (
        lambda value: (isinstance(value, str) and value in names) or extra(value),
        f"{known}{also}",
    )


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


_SWITCH: Check = (_is_bool, "True or False")


def _sizes(value: Any) -> bool:
    if isinstance(value, str):
        return False
    try:
        return all(_whole(size, 1) for size in (value if np.iterable(value) else [value]))
    except TypeError:
        return False


def _layers(value: Any) -> bool:
    listed = isinstance(value, list | tuple) and all(isinstance(one, Layer) for one in value)
    return value is None or listed or isinstance(value, Sequential)


def _weights(value: Any) -> bool:
    return value is None or isinstance(value, Mapping | list)


CHECKS: dict[str, Check] = {
    "hidden_layer_sizes": (_sizes, "whole numbers > 0, such as (100,) or (50, 20)"),
    "activation": _one_of(
        [*SAME_ACTIVATION, *ACTIVATIONS], ", or a function of a Tensor", callable
    ),
    "solver": _one_of(SOLVERS),
    "alpha": _number(0),
    "batch_size": _one_of(["auto"], ", or a whole number of 1 or more", lambda v: _whole(v, 1)),
    "learning_rate": _one_of(RATES),
    "learning_rate_init": _number(0, open_="left"),
    "power_t": _number(0),
    "max_iter": _count(1),
    "shuffle": _SWITCH,
    "tol": _number(0),
    "verbose": (lambda v: _is_bool(v) or _whole(v, 0), "True, False, or a number of 0 or more"),
    "warm_start": _SWITCH,
    "momentum": _number(0, 1, open_="right"),
    "nesterovs_momentum": _SWITCH,
    "early_stopping": _SWITCH,
    "validation_fraction": _number(0, 1, open_="right"),
    "beta_1": _number(0, 1, open_="right"),
    "beta_2": _number(0, 1, open_="right"),
    "epsilon": _number(0, open_="left"),
    "n_iter_no_change": (
        lambda v: _whole(v, 1) or (isinstance(v, float) and v == math.inf),
        "a whole number of 1 or more, or np.inf",
    ),
    "max_fun": _count(1),
    "class_weight": _one_of(["balanced"], ", {class: weight}, a list of them, or None", _weights),
    "scale_target": _SWITCH,
    "huber_delta": _one_of(
        ["auto"], ", or a number above 0, in the units of y", _number(0, open_="left")[0]
    ),
    "scale_inputs": _one_of(["auto"], ", True or False", _is_bool),
    "layers": (_layers, "None, a list of hidden layers, or a whole Sequential"),
    "dropout": _number(0, 1, open_="right"),
    "optimizer": _one_of(
        [*OPTIMIZERS], ", an Optimizer, or None", lambda v: v is None or isinstance(v, Optimizer)
    ),
    "n_restarts": _count(0),
    "ensemble": _count(1),
    "engine": _one_of([*PROGRAMS]),
}


def check_options(owner: str, options: dict[str, Any]) -> None:
    """Look at every parameter by itself, then at those that must go together.

    Raises:
        OptionError: the first that is not as it should be.
    """
    for name, (holds, expected) in CHECKS.items():
        value = options.get(name)
        if name in options and not holds(value):
            known = [word.strip("',") for word in expected.split() if word.startswith("'")]
            hint = near(value, known) if isinstance(value, str) else _meant(name, value)
            raise OptionError(f"{owner}: {name} must be {expected}, got {value!r}.{hint}")
    if is_lbfgs(options) and (options["schedule"] is not None or options["dropout"]):
        raise OptionError(
            f"{owner}: L-BFGS finds its own steps on a loss that is the same at every call, so it "
            "takes no schedule and no dropout. Choose solver='adam', or leave them out."
        )
    always = options["scale_inputs"] not in ("auto", False)
    if always and not can_scale_inputs(options["layers"]):
        raise OptionError(
            f"{owner}: scale_inputs=True folds the columns' scale into a first Dense layer, and "
            "layers= is a whole network, or begins with another layer. Scale the columns before, "
            "or leave scale_inputs out."
        )
    if options["layers"] is not None and options["dropout"]:
        raise OptionError(
            f"{owner}: dropout goes between the layers of hidden_layer_sizes. With layers= put "
            "cr.Dropout(rate) where it belongs."
        )


def _meant(name: str, value: Any) -> str:
    """What was meant by a value of another parameter, or of a class; or nothing."""
    if name == "learning_rate" and isinstance(value, Real):
        return f" The rate itself is learning_rate_init={value}."
    if name == "layers" and _sizes(value):
        return f" Sizes alone are hidden_layer_sizes={tuple(np.atleast_1d(value).tolist())}."
    if isinstance(value, type):
        return " Make one: add the parentheses."
    return ""


def can_scale_inputs(layers: Any) -> bool:
    """Whether the first layer is a Dense one of ours, not of a whole network that was given."""
    return not isinstance(layers, Sequential) and (not layers or isinstance(layers[0], Dense))


def is_lbfgs(options: dict[str, Any]) -> bool:
    """Whether all rows are taken at once, by SciPy's minimizer."""
    chosen = options["optimizer"]
    if chosen is None:
        return bool(options["solver"] == "lbfgs")
    return chosen == "lbfgs" or isinstance(chosen, LBFGS)
