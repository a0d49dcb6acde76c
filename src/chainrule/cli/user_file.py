"""A Python file of the user's: run, looked into, and its errors shown by their own lines."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

import chainrule
from chainrule.errors import ChainruleError, near

HOUSE = str(Path(chainrule.__file__).parent)


class UserFileError(Exception):
    """What went wrong in the user's file, told by its own lines."""


class UserFile:
    """A context in which the file has been run, and in which its functions may be called.

    What it prints goes to stderr, so that stdout has the verdict alone. Its folder is importable,
    as it is for ``python FILE``.

    Raises:
        UserFileError: there is no such file, or whatever the file raised, on entering or inside.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open = contextlib.ExitStack()
        self.module = ModuleType(path.stem)

    def __enter__(self) -> UserFile:
        if not self.path.is_file():
            raise UserFileError(f"{self.path}: there is no such file.")
        spec = importlib.util.spec_from_file_location(self.path.stem, self.path)
        if spec is None or spec.loader is None:
            raise UserFileError(f"{self.path} is not a Python file: its name must end in .py.")
        self.module = importlib.util.module_from_spec(spec)
        self._open.enter_context(contextlib.redirect_stdout(sys.stderr))
        self._open.callback(_put_back, sys.modules, spec.name, sys.modules.get(spec.name))
        self._open.callback(setattr, sys, "argv", sys.argv)
        self._open.callback(setattr, sys, "path", sys.path)
        sys.modules[spec.name] = self.module
        sys.argv = [str(self.path)]
        sys.path = [str(self.path.parent.resolve()), *sys.path]
        try:
            spec.loader.exec_module(self.module)
        except BaseException as error:
            self._open.close()
            raise _told(error, self.path) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()
        if error is not None and not isinstance(error, ChainruleError | UserFileError):
            raise _told(error, self.path) from error

    def find(self, name: str | None, option: str, usual: Sequence[str]) -> Any:
        """What the file calls ``name``, or the first of the ``usual`` names that it has.

        Raises:
            UserFileError: it has none; with the names that it has, and the nearest.
        """
        has = vars(self.module)
        for tried in [name] if name is not None else usual:
            if tried in has:
                return has[tried]
        wanted = name if name is not None else usual[0]
        hint = near(wanted, [n for n, value in has.items() if _may_be_meant(n, value)])
        asked = name is None and option.startswith("--")
        rest = f" Say what it is called there: {option} NAME." if asked else ""
        raise UserFileError(
            f"{self.path.name} has no {wanted!r}.{hint}{rest} It has: {self.names()}."
        )

    def first(self, *names: str) -> Any:
        """What the file calls by the first of these names that it has; None if it has none."""
        has = vars(self.module)
        return next((has[name] for name in names if name in has), None)

    def names(self) -> str:
        """The functions and arrays that the file has."""
        names = [n for n, value in vars(self.module).items() if _may_be_meant(n, value)]
        return ", ".join(names) or "no functions and no arrays"


def _may_be_meant(name: str, value: Any) -> bool:
    if name.startswith("_") or isinstance(value, ModuleType | type):
        return False
    if callable(value):
        return not str(getattr(value, "__module__", "")).startswith(("numpy", "chainrule"))
    return isinstance(value, dict | list | tuple | np.ndarray) or hasattr(value, "__dict__")


def _told(error: BaseException, path: Path) -> BaseException:
    """The error as lines of the user's own file; Ctrl-C and our own words stay what they are."""
    if isinstance(error, KeyboardInterrupt | ChainruleError):
        return error
    if isinstance(error, SystemExit):
        return UserFileError(
            f"{path.name} ends itself (exit or sys.exit), so nothing of it is left to be checked. "
            'Put that under if __name__ == "__main__":.'
        )
    said = traceback.format_exception_only(error)[-1].strip()
    if isinstance(error, SyntaxError) and error.lineno is not None:
        name = Path(error.filename or path).name
        return UserFileError(
            f"{name}, line {error.lineno}:\n    {(error.text or '').strip()}\n  {said}"
        )
    lines = [
        f"{Path(frame.filename).name}, line {frame.lineno}, in {frame.name}:\n    {frame.line}"
        for frame in traceback.extract_tb(error.__traceback__)
        if _is_users(frame.filename)
    ]
    if not lines:
        return error  # not from the user's lines: a mistake of ours, to be seen whole
    return UserFileError("\n  ".join([*lines, said]))


def _is_users(filename: str) -> bool:
    if filename.startswith((HOUSE, "<frozen")):
        return False
    parts = Path(filename).parts
    library = str(Path(os.__file__).parent)
    return "site-packages" not in parts and not filename.startswith(library)


def _put_back(where: dict[str, Any], name: str, before: Any) -> None:
    if before is None:
        where.pop(name, None)
    else:
        where[name] = before
