"""What ``chainrule show`` shows: a named network, a saved model, or a function in a Python file."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.problems import GATES, Part, Problem
from chainrule.cli.runs import read_run
from chainrule.cli.sources import NAMES, RECIPES, problem
from chainrule.cli.table_options import TableOptions
from chainrule.cli.training import network
from chainrule.cli.user_file import UserFile
from chainrule.errors import OptionError, unknown_name
from chainrule.graph.graph import Graph
from chainrule.graph.structure import Structure
from chainrule.graph.tensor import Tensor
from chainrule.graph.trace import trace
from chainrule.nn.sequential import Sequential

Arrays = dict[str, NDArray[Any]]
#: How many samples of a saved model's data are stood in for.
ROWS = 4
#: The numbers of a row of the data sets that are not looked at unless their values are.
_FEATURES = {"digits": 64, "mnist": 784}


@dataclass(frozen=True)
class Options:
    """What was asked for. ``wants_values``: a walk goes through numbers, a formula does not."""

    what: str
    hidden: tuple[int, ...] | None = None
    activation: str | None = None
    rows: int | None = None
    seed: int = 0
    forward: bool = False
    shapes: Mapping[str, tuple[int, ...]] | None = None
    wants_values: bool = False


@dataclass(frozen=True)
class Shown:
    """A graph, what its file is called, and arrays for its inputs where they are known.

    ``remark`` says where numbers come from that the user did not give.
    """

    graph: Graph
    name: str
    values: Arrays | None = None
    remark: str = ""


def shown(options: Options) -> Shown:
    """The graph that is meant by ``options.what``.

    Raises:
        OptionError: it is nothing that can be shown; options that do not belong to it.
        UserFileError: whatever the user's file raised.
        DataError, FileFormatError, DownloadError: as the readers of data and models say.
    """
    what = options.what
    path, colon, function = what.rpartition(":")
    if colon and path.endswith(".py"):
        _refuse(options, "a Python file", "hidden", "activation")
        return _of_function(Path(path), function, options)
    if what.endswith(".py"):
        raise OptionError(f"say which function of {what} to show: {what}:NAME.")
    if options.shapes:
        raise OptionError("--shapes gives the arguments of a function: FILE.py:NAME.")
    if what in NAMES:
        return _of_data(options)
    if not Path(what).exists() and Path(what).suffix != ".safetensors" and "/" not in what:
        raise OptionError(
            f"{unknown_name('network', what, NAMES)} A model is given by its file or its run's "
            "folder, a function as FILE.py:NAME."
        )
    _refuse(options, "a saved model", "hidden", "activation")
    net = read_run(Path(what)).net
    return _of_network(net, Path(what).stem, options, None)


def _refuse(options: Options, of: str, *names: str) -> None:
    for name in names:
        if getattr(options, name) not in (None, False):
            raise OptionError(f"--{name} does not go with {of}.")


# Networks


def _of_data(options: Options) -> Shown:
    """The network that ``chainrule train`` would begin with."""
    name = options.what
    if options.wants_values or name in GATES:
        given = problem(name, TableOptions(), options.seed)
    else:  # the sizes are enough: nothing is downloaded
        empty = Part(np.zeros((0, _FEATURES[name])), np.zeros(0, np.int64))
        digits = tuple("0123456789")
        given = Problem(name, name, empty, None, empty, RECIPES[name], digits)
    recipe = given.recipe
    hidden = recipe.hidden if options.hidden is None else options.hidden
    activation = options.activation or recipe.activation
    net = network(given, replace(recipe, hidden=hidden, activation=activation))
    net.build(given.train.X.shape[1], seed=options.seed)
    return _of_network(net, name, options, given)


def _of_network(net: Sequential, name: str, options: Options, given: Problem | None) -> Shown:
    known = 0 if given is None else len(given.train)
    usual = known if given is not None and given.is_gate else ROWS
    rows = options.rows or usual
    loss = None if options.forward else net.loss_for()
    graph = net.graph(rows, loss=loss)
    data, remark = _samples(graph, given, rows, options.seed)
    values = {**net.parameters, **net.statistics, **data}
    names = graph.input_names()
    return Shown(graph, name, {n: np.asarray(values[n]) for n in names}, remark)


def _samples(graph: Graph, given: Problem | None, rows: int, seed: int) -> tuple[Arrays, str]:
    """Values for what is not a parameter: data where there are some, else random numbers."""
    rng = np.random.default_rng(seed)
    X, *others = graph.inputs
    if given is not None and len(given.train):
        if rows > len(given.train):
            raise OptionError(f"--rows {rows}: {given.name} has {len(given.train):,} rows.")
        data = {"X": given.train.X[:rows]}
        targets: Any = given.train.y[:rows]
        remark = ""
    else:
        data = {"X": rng.standard_normal(X.shape)}
        targets = rng.integers(0, 2, rows)
        remark = f"There are no data here: X and y are random numbers (seed {seed})."
    for node in others:
        if node.name == "y":
            data["y"] = np.broadcast_to(targets.reshape(rows, *[1] * (node.ndim - 1)), node.shape)
        if node.name == "key":
            data["key"] = np.array([seed, 0], np.uint32)
    return {n: a.astype(graph.input(n).dtype) for n, a in data.items()}, remark


# Functions


def _of_function(path: Path, name: str, options: Options) -> Shown:
    with UserFile(path) as user:
        thing = user.find(name, "", ())
        if isinstance(thing, Sequential):
            return _of_network(thing, name, options, None)
        _refuse(options, "a function in a file", "rows", "forward")
        if not callable(thing):
            raise OptionError(f"{name} in {path.name} is {type(thing).__name__}, not a function.")
        arguments, random = _arguments(thing, name, vars(user.module), options)
        graph = trace(_taking(thing, list(arguments)), *arguments.values())
    values = dict(zip(graph.input_names(), _leaves(arguments), strict=True))
    remark = f"Random numbers stand for {', '.join(random)} (seed {options.seed})."
    return Shown(graph, name, values, remark if random else "")


def _arguments(
    function: Any, name: str, module: Mapping[str, Any], options: Options
) -> tuple[dict[str, Any], list[str]]:
    """An example for each argument, and which of them are random numbers of a shape given.

    Raises:
        OptionError: an argument of which nothing is known; a shape for what is no argument.
    """
    shapes = dict(options.shapes or {})
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise OptionError(
            f"what arguments {name} takes cannot be found out. Write a function around it: "
            f"def f(x): return {name}(x)."
        ) from None
    unknown = [argument for argument in shapes if argument not in parameters]
    if unknown:
        raise unknown_name("argument", unknown[0], parameters)
    rng = np.random.default_rng(options.seed)
    found: dict[str, Any] = {}
    for argument, parameter in parameters.items():
        if argument in shapes:
            found[argument] = rng.standard_normal(shapes[argument])
        elif _is_example(module.get(argument)):
            found[argument] = module[argument]
        elif parameter.default is inspect.Parameter.empty:
            raise OptionError(
                f"nothing is known of the argument {argument!r} of {name}. Give its shape, "
                f"--shapes {argument}=3,2 ({argument}= for a single number), or an example in the "
                f"file: {argument} = np.array(...)."
            )
    return found, list(shapes)


def _taking(function: Any, names: Sequence[str]) -> Any:
    """The function of these arguments alone, in this order."""

    def call(*arguments: Any) -> Any:
        return function(**dict(zip(names, arguments, strict=True)))

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind) for name in names]
    )
    return call


def _is_example(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value) and all(_is_example(part) for part in value.values())
    if isinstance(value, list | tuple):
        return bool(value) and all(_is_example(part) for part in value)
    return isinstance(value, Tensor | np.ndarray | int | float)


def _leaves(arguments: Mapping[str, Any]) -> list[NDArray[Any]]:
    return [
        leaf.value if isinstance(leaf, Tensor) else np.asarray(leaf)
        for argument in arguments.values()
        for leaf in Structure.of(argument).leaves(argument)
    ]


def read_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """``x=3,2`` as {"x": (3, 2)}; ``x=`` is a single number.

    Raises:
        OptionError: a text of another form.
    """
    found = {}
    for text in texts:
        match = re.fullmatch(r"(\w+)=\(?((?:\d+(?:,\s*\d+)*)?),?\)?", text.strip())
        if match is None:
            raise OptionError(
                f"{text!r} is not a shape. Write NAME=SIZES, such as x=3,2 for three rows of two "
                "numbers, or x= for a single number."
            )
        found[match[1]] = tuple(int(size) for size in match[2].split(",") if size.strip())
    return found
