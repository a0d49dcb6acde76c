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
    └── MissingPackageError (ImportError) an optional package that is not installed

    TrainingWarning (UserWarning)         training went on or stopped, and something is to be known

A message says what was given, what was expected, where, and what to try. Errors also derive from
the built-in error that a NumPy user would expect, so ``except ValueError`` keeps working.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType

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


class MissingPackageError(ChainruleError, ImportError):
    """An optional package that is not installed."""


class TrainingWarning(UserWarning):
    """Training went on, or stopped early, and the user should know why."""


def near(given: object, known: Iterable[str]) -> str:
    """A hint at the nearest of the known names, or nothing if none is near."""
    found = difflib.get_close_matches(str(given).lower(), sorted(known), n=1, cutoff=0.5)
    return f" Did you mean {found[0]!r}?" if found else ""


def unknown_name(kind: str, given: object, known: Iterable[str]) -> OptionError:
    """The error for a mistyped name: what was given, the nearest name, and those that are known.

    At most 100 are listed: a table may have thousands of columns.
    """
    names = sorted(known)
    hint, more = near(given, names), len(names) - MOST_LISTED
    listed = ", ".join(names[:MOST_LISTED]) + (f" and {more:,} more" if more > 0 else "")
    return OptionError(f"{kind} {given!r} is not known.{hint} Known: {listed}.")


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
