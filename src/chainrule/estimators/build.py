"""From an estimator's parameters to a network, an optimizer and a schedule of chainrule's."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import RandomState

from chainrule.errors import OptionError, ShapeError
from chainrule.estimators.options import SAME_ACTIVATION, is_lbfgs
from chainrule.estimators.order import MOST_SEED
from chainrule.estimators.steps import AdamWithLateCorrection, MomentumOfSteps
from chainrule.graph.op import Array
from chainrule.nn.layers import Dense, Dropout, Layer
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import LBFGS, SGD, Optimizer
from chainrule.optim.optimizers import NAMED as OPTIMIZERS
from chainrule.train.advice import level_outside
from chainrule.train.checkpoint import described_layer

#: Where L-BFGS stops by default in SciPy: an iteration that gains less than this part.
LBFGS_LEAST_GAIN = 1e7 * float(np.finfo(float).eps)

#: Rows that a step takes by batch_size="auto".
STEP_ROWS = 200

#: The smallest count that a first answer gives.
LEAST_COUNT = 1e-3


@dataclass(frozen=True)
class Output:
    """What the network has to give: how many outputs, by which activation, and its first answer.

    ``answer`` is the outputs' mean, one number each, that an untrained network should give: the
    output's biases are raised by what gives it, so that training need not first find the data's
    level.
    """

    units: int
    activation: str | None
    answer: Array

    def biases(self) -> Array:
        """What the biases are raised by: its activation is the first answer."""
        if self.activation in ("softmax", "sigmoid"):
            others = 1 / self.units if self.activation == "softmax" else 1 - self.answer
            return np.asarray(np.log(self.answer / others))
        if self.activation == "exp":
            return np.asarray(np.log(np.maximum(self.answer, LEAST_COUNT)))
        return self.answer


def network(options: dict[str, Any], output: Output, dtype: np.dtype[Any]) -> Sequential:
    """A network that is not built yet, unless ``layers`` is one that is: then a copy of it."""
    given = options["layers"]
    if isinstance(given, Sequential):
        if given.is_built:
            return copy.deepcopy(given)
        return Sequential(*given.layers, dtype=given.dtype)
    hidden = given if given is not None else _hidden(options)
    last = Dense(output.units, output.activation, weight_init="glorot_uniform")
    return Sequential(*hidden, last, dtype=dtype)


def _hidden(options: dict[str, Any]) -> Iterator[Layer]:
    sizes = options["hidden_layer_sizes"]
    named = options["activation"]
    activation = SAME_ACTIVATION.get(named, named) if isinstance(named, str) else named
    for size in sizes if np.iterable(sizes) else [sizes]:
        yield Dense(int(size), activation)
        if options["dropout"]:
            yield Dropout(options["dropout"])


def start(
    net: Sequential, options: dict[str, Any], output: Output, features: int, random: RandomState
) -> None:
    """Give the network its first parameters.

    For ``hidden_layer_sizes`` they are those that scikit-learn's own network draws from the same
    ``random``: weights and biases from ±√(6 / (inputs + units)), for sigmoids from
    ±√(2 / (inputs + units)), Glorot & Bengio (2010). Then the first answer is added to the output's
    biases: where targets are centred, or classes equally many, the two begin alike.

    Raises:
        ShapeError: the network given does not take these features, or does not give these outputs.
    """
    if not net.is_built:
        if options["layers"] is None:
            net.build(features)
            _draw(net, 2 if options["activation"] in ("logistic", "sigmoid") else 6, random)
        else:
            net.build(features, int(random.randint(MOST_SEED)))
        if not isinstance(options["layers"], Sequential):
            net.parameters[dense_names(net)[-1][1]][...] += output.biases()
    if net.input_shape != (features,):
        raise ShapeError(
            f"layers= is a network for samples of shape {net.input_shape}, and X has {features} "
            "features."
        )
    if net.output_shape != (output.units,):
        raise ShapeError(
            f"layers= is a whole network, with an output of shape {net.output_shape}, and y needs "
            f"{output.units} number{'s' if output.units > 1 else ''} a row. Change its last layer, "
            "or give the hidden layers alone, as a list."
        )


def check_same(nets: Sequence[Sequential], made: Sequential, wanted: int) -> None:
    """Refuse to go on with networks that are not what the parameters say now.

    Args:
        nets: the networks that there are.
        made: one that was made of the parameters just now.
        wanted: how many there are to be; more are begun, and none is thrown away.

    Raises:
        OptionError: other layers, or fewer networks.
    """
    was, now = ([described_layer(layer) for layer in net.layers] for net in (nets[0], made))
    if was != now:
        raise OptionError(
            f"training goes on with the network that there is: {', '.join(was)}. The parameters "
            f"now say: {', '.join(now)}. Set hidden_layer_sizes, activation, dropout, layers and "
            "loss as they were; or, for another network, fit with warm_start=False."
        )
    if wanted < len(nets):
        raise OptionError(
            f"training goes on with the {len(nets)} networks that there are, and ensemble={wanted} "
            f"is fewer. Give ensemble={len(nets)} or more, or fit with warm_start=False."
        )


def _draw(net: Sequential, factor: float, random: RandomState) -> None:
    """Draw weights, then biases, of one layer after the other."""
    for weights, biases in dense_names(net):
        bound = math.sqrt(factor / sum(net.parameters[weights].shape))
        for name in (weights, biases):
            array = net.parameters[name]
            array[...] = random.uniform(-bound, bound, array.shape)


def dense_names(net: Sequential) -> list[tuple[str, str]]:
    """The names of weights and biases of each dense layer, in order."""
    pairs = [list(own) for layer, _, own in net.shapes() if isinstance(layer, Dense)]
    return [(weights, biases) for weights, biases in pairs]


def adopt(net: Sequential, weights: Sequence[Array], biases: Sequence[Array]) -> None:
    """Let a network have these arrays in its dense layers, where they are not its own.

    Raises:
        ShapeError: one has another shape than the network's.
    """
    for i, names in enumerate(dense_names(net)):
        for name, arrays in zip(names, (weights, biases), strict=True):
            old = net.parameters[name]
            if arrays[i] is old:
                continue
            new = np.asarray(arrays[i], dtype=net.dtype)
            if new.shape != old.shape:
                kind = "coefs_" if arrays is weights else "intercepts_"
                raise ShapeError(
                    f"{kind}[{i}] was set to an array of shape {new.shape}; the network's is "
                    f"{old.shape}."
                )
            net.parameters[name] = new


def last_units(net: Sequential) -> int:
    """How many numbers a network gives that need not be built: the units of its last Dense.

    Raises:
        OptionError: there is no such layer.
    """
    for layer in reversed(net.layers):
        if isinstance(layer, Dense):
            return int(layer.units)
    raise OptionError("layers= is a network without a Dense layer, which would give its outputs.")


def out_activation(net: Sequential) -> str:
    """The activation of the outputs, by scikit-learn's name where it has one."""
    name = net.last_activation or "linear"
    return {here: there for there, here in SAME_ACTIVATION.items()}.get(name, name)


def optimizer(options: dict[str, Any]) -> Optimizer:
    """The optimizer, fresh: a fit may change its rate."""
    chosen = options["optimizer"]
    if isinstance(chosen, Optimizer):
        return copy.copy(chosen)
    rate = float(options["learning_rate_init"])
    if is_lbfgs(options):
        return LBFGS(
            tolerance=float(options["tol"]), least_gain=LBFGS_LEAST_GAIN,
            evaluations=int(options["max_fun"]),
        )  # fmt: skip
    if chosen is not None:
        return OPTIMIZERS[chosen](rate)
    if options["solver"] == "sgd":
        momentum, nesterov = float(options["momentum"]), bool(options["nesterovs_momentum"])
        if not momentum:
            return SGD(rate)
        return MomentumOfSteps(rate, momentum=momentum, nesterov=nesterov)
    return AdamWithLateCorrection(
        rate, beta1=float(options["beta_1"]), beta2=float(options["beta_2"]),
        epsilon=float(options["epsilon"]),
    )  # fmt: skip


def is_plain_sgd(options: dict[str, Any]) -> bool:
    """Whether ``learning_rate`` and ``power_t`` count, which belong to solver="sgd"."""
    return bool(options["optimizer"] is None and options["solver"] == "sgd")


def schedule(options: dict[str, Any], seen: int, rows: int) -> Any:
    """The schedule given, or that of ``learning_rate``, after ``seen`` samples of ``rows`` each."""
    if options["schedule"] is not None:
        return options["schedule"]
    if not (is_plain_sgd(options) and options["learning_rate"] == "invscaling"):
        return None
    return falling(seen, rows, float(options["power_t"]))


def falling(seen: int, rows: int, power: float) -> Callable[[float, float], float]:
    """The rate's share 1 / (t + 1)^power, t the samples seen before the epoch; 1 in the first."""

    def multiplier(epoch: float, epochs: float) -> float:
        return (seen + int(epoch) * rows + 1) ** -power if epoch >= 1 else 1.0

    return multiplier


def batch_rows(options: dict[str, Any]) -> int:
    """How many rows a step takes, if there are as many."""
    given = options["batch_size"]
    return STEP_ROWS if given == "auto" else int(given)


def warn_of_large_batches(options: dict[str, Any], rows: int) -> None:
    """Say so, if a step cannot take as many rows as it is told to."""
    given = options["batch_size"]
    if not isinstance(given, str) and given > rows:
        warnings.warn(
            f"batch_size={given} is more than the {rows} samples: each step takes all of them.",
            stacklevel=level_outside(),
        )
