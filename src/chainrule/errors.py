"""Every error that chainrule raises on purpose.

::

    ChainruleError
    ├── ShapeError (ValueError)           sizes that do not fit together
    ├── DtypeError (TypeError)            the wrong kind of number
    ├── RecordingError (TypeError)        something that a graph cannot record
    ├── GradientError (ValueError)        a derivative that does not exist, or was asked for wrongly
    ├── DataError (ValueError)            data that no network can learn from as it is
    ├── OptionError (ValueError)          an argument or a name that is not known
    ├── FileFormatError (ValueError)      a file that is broken, or of another kind
    ├── DownloadError (OSError)           data that could not be fetched
    ├── GroupError (RuntimeError)         processes that train together and lost one another
    └── MissingPackageError (ImportError) an optional package that is not installed

    TrainingWarning (UserWarning)         training went on or stopped, and something is to be known

A message says what was given, what was expected, where, and what to try. Errors also derive from
the built-in error that a NumPy user would expect, so ``except ValueError`` keeps working.
"""

from __future__ import annotations

import difflib
import importlib
from abc import ABCMeta
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspect import Signature

#: Names that an error lists.
MOST_LISTED = 100


class ChainruleError(Exception):
    """The root of the family."""


class ShapeError(ChainruleError, ValueError):
    """Sizes that do not fit together."""


class DtypeError(ChainruleError, TypeError):
    """The wrong kind of number, such as integers where a gradient is wanted."""


class RecordingError(ChainruleError, TypeError):
    """Something that cannot become a node of a graph."""


class GradientError(ChainruleError, ValueError):
    """A derivative that does not exist, or that was not asked for rightly."""


class DataError(ChainruleError, ValueError):
    """Data that no network can learn from as it is."""


class OptionError(ChainruleError, ValueError):
    """An argument, or a name, that is not known."""


class FileFormatError(ChainruleError, ValueError):
    """A file that is broken, or of another kind than expected."""


class DownloadError(ChainruleError, OSError):
    """Data that is not on this machine and could not be fetched."""


class GroupError(ChainruleError, RuntimeError):
    """Processes that train together, of which one is missing, dead, or stands still."""


class MissingPackageError(ChainruleError, ImportError):
    """An optional package that is not installed."""


class TrainingWarning(UserWarning):
    """Training went on, or stopped early, and the user should know why.

    ``what`` is what happened. The message has it and, where a program can do something about it,
    the ``advice``: who does not train from a program, such as the command, gives other advice.
    """

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(f"{what} {advice}" if advice else what)
        self.what, self.advice = what, advice


def near(given: object, known: Iterable[str]) -> str:
    """A hint at the nearest of the known names, or nothing if none is near."""
    names: dict[str, str] = {}
    for name in sorted(known):
        names.setdefault(name.lower(), name)  # a column may be called PRICE, and asked for as price
    found = difflib.get_close_matches(str(given).lower(), names, n=1, cutoff=0.51)
    return f" Did you mean {names[found[0]]!r}?" if found else ""


def unknown_name(kind: str, given: object, known: Iterable[str]) -> OptionError:
    """The error for a mistyped name: what was given, the nearest name, and those that are known.

    At most 100 are listed: a table may have thousands of columns.
    """
    names = sorted(known)
    hint, more = near(given, names), len(names) - MOST_LISTED
    listed = ", ".join(names[:MOST_LISTED]) + (f" and {more:,} more" if more > 0 else "")
    return OptionError(f"{kind} {given!r} is not known.{hint} Known: {listed}.")


def known_options(
    what: str, known: Iterable[str], given: Iterable[str],
    elsewhere: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Refuse an option that is not known: it is mistyped, or another library's.

    Args:
        what: how messages call what it was given to.
        known, given: the names of options.
        elsewhere: what is to be written here for other libraries' names.

    Raises:
        OptionError: there is such an option, with the nearest name.
    """
    names = set(known)
    for name in given:
        if name in names:
            continue
        if elsewhere and name in elsewhere:
            raise OptionError(f"{what} has no option {name!r}. {elsewhere[name]}")
        if not names:
            raise OptionError(f"{what} takes no options, and {name!r} was given.")
        raise unknown_name(f"{what}'s option", name, names)


@lru_cache(64)
def options_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names under which a function, or a class, takes arguments."""
    import inspect

    parameters = inspect.signature(function).parameters.values()
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(one.name for one in parameters if one.kind in by_name)


class Teaching(ABCMeta):
    """The type of classes whose objects users make: a mistyped option is told, with the nearest.

    A class may have ``elsewhere``: what is to be written for other libraries' names of options.
    """

    @property
    def __signature__(cls) -> Signature:
        """What the class is called with: else Python would show the method below."""
        import inspect

        begin = cls.__init__  # type: ignore[misc]
        if begin is object.__init__:
            return inspect.Signature()
        _, *others = inspect.signature(begin).parameters.values()
        return inspect.Signature(others)

    if not TYPE_CHECKING:  # to whom a class is called as its __init__ says

        def __call__(cls, *arguments: Any, **options: Any) -> Any:
            try:
                return super().__call__(*arguments, **options)
            except TypeError:
                takes = cls.__signature__.parameters.values()
                if all(one.kind is not one.VAR_KEYWORD for one in takes):
                    elsewhere = getattr(cls, "elsewhere", None)
                    known_options(cls.__name__, options_of(cls), options, elsewhere)
                raise


def optional_package(module: str, extra: str, purpose: str) -> ModuleType:
    """Import ``module``, or say in one line which extra of chainrule to install.

    Raises:
        MissingPackageError: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise MissingPackageError(
            f"{purpose} needs the package {package!r}, which is not installed: "
            f"pip install 'chainrule[{extra}]'"
        ) from error
