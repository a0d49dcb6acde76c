"""What a user may say about a table, and the mistakes that can be made in saying it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chainrule.data.target import TASKS
from chainrule.errors import OptionError, unknown_name

CLASS_WEIGHTS = ("auto", "balanced", "none")


@dataclass(frozen=True)
class TableOptions:
    """Options of ``chainrule train`` that only tables have; None where nothing was given."""

    target: str | None = None
    task: str | None = None
    split_by: str | None = None
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    class_weight: str | None = None
    stream: bool = False

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> TableOptions:
        """The options that a run's config keeps.

        Raises:
            TypeError: one of them is not an option of tables.
        """
        lists: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in kept.items()}
        return cls(**lists)

    def given(self) -> dict[str, Any]:
        """What was given, by name, as a config keeps it."""
        options = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        return {k: v for k, v in options.items() if v}

    def groups_by(self, name: str) -> bool:
        """Whether a column is said to hold groups: whatever it holds is fine then."""
        return self.split_by in (f"group:{name}", f"groups:{name}")

    def refuse_for(self, data: str) -> None:
        """Stop where the data are no table.

        Raises:
            OptionError: an option was given that only tables have.
        """
        if self.target is not None:
            raise OptionError(f"--target chooses a column of a table; {data} has its own target.")
        given = {
            "--task": self.task,
            "--split-by": self.split_by,
            "--drop": self.drop,
            "--keep": self.keep,
            "--class-weight": self.class_weight,
            "--stream": self.stream,
        }
        for name, value in given.items():
            if value:
                raise OptionError(f"{name} is for tables, and {data} is none.")

    def check(self, names: Sequence[str]) -> str:
        """The target among the columns ``names``: the one given, or the last that has a name.

        Raises:
            OptionError: a column, a task or a way of weighting that is not known, or the target
                among the columns to be dropped.
        """
        target = _last_named(names) if self.target is None else self.target
        if target not in names:
            raise unknown_name("column", target, names)
        for option, columns in (("--drop", self.drop), ("--keep", self.keep)):
            for name in columns:
                if name not in names:
                    raise unknown_name(f"{option} column", name, names)
                if name == target:
                    raise OptionError(f"{option} {name!r}: that is the target.")
        if self.task is not None and self.task not in TASKS:
            raise unknown_name("task", self.task, TASKS)
        if self.class_weight is not None and self.class_weight not in CLASS_WEIGHTS:
            raise unknown_name("class weight", self.class_weight, CLASS_WEIGHTS)
        return target


def _last_named(names: Sequence[str]) -> str:
    """The last column, but for those that a mark at the end of each line makes, without a name."""
    named = [name for place, name in enumerate(names, start=1) if name != f"column {place}"]
    return (named or names)[-1]
