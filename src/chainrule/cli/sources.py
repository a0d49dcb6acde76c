"""What the argument DATA means: a gate, one of the known data sets, or the path of a table."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from chainrule.cli.problems import GATES, Part, Problem, Recipe
from chainrule.cli.splits import set_aside
from chainrule.cli.table_options import TableOptions
from chainrule.cli.tables import table_problem
from chainrule.data import digits, gate, mnist
from chainrule.data.spool import NewSpool, in_this_folder
from chainrule.errors import OptionError, unknown_name

MADE_HERE = (*GATES, "digits")
"""Small data that no file of the user's has."""
NAMES = (*MADE_HERE, "mnist")
RECIPES = {
    **dict.fromkeys(GATES, Recipe((8,), "tanh", 0.05, epochs=500, batch_size=None, restarts=5)),
    "digits": Recipe((64,), "relu", 0.005, epochs=40, batch_size=32),
    "mnist": Recipe((100,), "relu", 0.002, epochs=5, batch_size=64),
}
"""What suits each data set that has a name."""
#: The usual last part of MNIST's training rows; a slice copies none of its 188 MB.
MNIST_VALIDATION = 5000


def problem(
    data: str, options: TableOptions, seed: int, new_spool: NewSpool = in_this_folder
) -> Problem:
    """The problem that the argument DATA means: a name, or the path of a table.

    ``new_spool`` makes what holds the rows of a table that is too large for the memory.

    Raises:
        OptionError: neither; or options of tables for data that are none.
        DataError, FileFormatError, DownloadError: as the readers of the data say.
    """
    if data in NAMES:
        options.refuse_for(data)
        if data in GATES:
            return _gate(data)
        return _digits(seed) if data == "digits" else _mnist()
    path = Path(data)
    if not path.suffix and os.sep not in data and not path.exists():
        raise OptionError(
            f"{unknown_name('data set', data, NAMES)} A table is given by its path, such as "
            f"houses.csv."
        )
    return table_problem(path, options, seed, new_spool)


def _gate(name: str) -> Problem:
    part = Part(*gate(name))
    return Problem(name, name, part, None, part, RECIPES[name], ("0", "1"), ("x1", "x2"))


def _digits(seed: int) -> Problem:
    data = digits(seed=seed)
    X, y = data.X_train, data.y_train
    rng = np.random.default_rng(seed)
    kept, aside = set_aside(np.arange(len(X)), y, 0.1, rng)
    return Problem(
        "digits",
        "digits",
        Part(X[kept], y[kept]),
        Part(X[aside], y[aside]),
        Part(data.X_test, data.y_test),
        RECIPES["digits"],
        data.class_names,
        image_shape=data.image_shape,
        pixel_maximum=16,
    )


def _mnist() -> Problem:
    data = mnist()
    X, y = data.X_train, data.y_train
    return Problem(
        "mnist",
        "mnist",
        Part(X[:-MNIST_VALIDATION], y[:-MNIST_VALIDATION]),
        Part(X[-MNIST_VALIDATION:], y[-MNIST_VALIDATION:]),
        Part(data.X_test, data.y_test),
        RECIPES["mnist"],
        data.class_names,
        image_shape=data.image_shape,
        pixel_maximum=255,
    )
