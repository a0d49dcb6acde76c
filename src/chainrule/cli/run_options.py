"""What a user may say about a run: the options of ``chainrule train`` as a record."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.cli.problems import Recipe
from chainrule.cli.table_options import TableOptions


@dataclass(frozen=True)
class Options:
    """The options of the command; None where nothing was given. ``batch_size`` 0 is all rows.

    ``command`` is what was typed when the run was begun.
    """

    data: str
    table: TableOptions
    hidden: tuple[int, ...] | None
    activation: str | None
    optimizer: str
    lr: float | None
    epochs: int | None
    batch_size: int | None
    seed: int
    restarts: int | None
    engine: str
    out: Path | None
    force: bool
    processes: str | int | None = None
    checkpoint: int | None = None
    resume: Path | None = None
    command: str = ""

    def recipe(self, default: Recipe) -> Recipe:
        """The default of the data, with what was given instead."""
        given: dict[str, Any] = {
            "hidden": self.hidden,
            "activation": self.activation,
            "learning_rate": self.lr,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "restarts": self.restarts,
        }
        recipe = dataclasses.replace(default, **{k: v for k, v in given.items() if v is not None})
        return dataclasses.replace(recipe, batch_size=recipe.batch_size or None)
