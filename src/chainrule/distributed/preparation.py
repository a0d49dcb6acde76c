"""Data that one process prepares for all: written into files once, and mapped by every process.

What is mapped is read where it lies, a row when it is needed, and whoever reads it shares the
system's memory for it. So a group holds its data once for each machine, not in each process, and a
file is parsed once. Process 0 prepares the data for all that see its folder; where others do not,
because they run on another machine, one of each machine prepares them there.
"""

from __future__ import annotations

import ctypes
import mmap
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from chainrule.distributed.group import Group
from chainrule.distributed.leftovers import removed_afterwards, removed_if_this_fails
from chainrule.distributed.membership import current
from chainrule.distributed.reports import reports_folder
from chainrule.errors import DtypeError

Arrays = dict[str, NDArray[Any]]
Make = Callable[[Path | None], Arrays]
"""Makes arrays by name; it may write large ones into the folder, and give them back mapped."""

PREFIX = ".chainrule-"
"""What the names of the folders begin with."""

#: Bytes of the disk that are left to others.
SPARE = 1 << 28
#: Which start of which kernel this is, on Linux: its processes share what is mapped from files.
_BOOT = Path("/proc/sys/kernel/random/boot_id")
#: The file by which a folder is known to be the one that is meant.
_TOKEN = "token"


@contextmanager
def prepared(make: Make, beside: str | Path = ".") -> Iterator[Arrays]:
    """The arrays that ``make`` gives, prepared by one process, in all processes of the group.

    Where processes share them, they are mapped from files (as by ``np.load(..., mmap_mode="r")``)
    and cannot be written to; ``fit`` then reads of each batch this process's rows alone. Without a
    group, or in a group of one process, they are what ``make`` gave.

    Args:
        make: called with the folder in which the files will lie (None: there are none), in one
            process of each machine; it is not called in the others, unless they cannot read the
            files. Its arrays are those of any process that calls it: it must not draw at random
            without a seed.
        beside: a folder; that of the files is made in it, and removed when nobody needs it.

    Raises:
        GroupError: a process is lost, or ended with an error in ``make``.
        DtypeError: an array of Python objects.
    """
    group = current()
    if group is None or group.processes == 1:
        yield _checked(make(None))
        return
    with shared(group, make, Path(beside)) as arrays:
        yield arrays


@contextmanager
def shared(group: Group, make: Make, beside: Path) -> Iterator[Arrays]:
    """What ``prepared`` does in a group of several processes."""
    with ExitStack() as stack:
        own = _folder(beside, stack) if group.is_first else None
        first = group.agree(_told(own))
        found = group.gather([machine(), _sees(first)])
        leader = _leaders(found)[group.process]
        if leader == group.process and own is None:
            own = _folder(beside, stack)
        arrays = _written(_checked(make(own)), own) if leader == group.process else {}
        places = group.gather(_told(own, arrays))
        if leader != group.process:
            place = places[leader]
            if _sees(place):
                stack.enter_context(removed_if_this_fails(Path(place["folder"])))
                arrays = _mapped(place)
            else:
                arrays = _checked(make(None))
        group.gather(None)  # all have mapped them
        # On one machine the files may lose their names now: the system keeps what is mapped, as
        # long as it is. A server of files does not.
        is_one_machine = all(where == found[0][0] for where, _ in found)
        if is_one_machine:
            stack.close()
        yield arrays
        if not is_one_machine:
            group.gather(None)  # nobody reads any more


def machine() -> str:
    """What tells this machine from others: its start, or its name."""
    return _BOOT.read_text(encoding="utf-8").strip() if _BOOT.exists() else socket.gethostname()


def _folder(beside: Path, stack: ExitStack) -> Path | None:
    """A new folder, until ``stack`` ends; None where none can be made."""
    try:
        made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=beside)).absolute()
    except OSError:
        return None  # each process then prepares for itself, as it would without the others
    stack.enter_context(removed_afterwards(made, reports_folder()))
    (made / _TOKEN).write_text(secrets.token_hex(16), encoding="utf-8")
    return made


def _told(folder: Path | None, arrays: Arrays | None = None) -> dict[str, Any] | None:
    """What other processes must know to find the files of a folder."""
    if folder is None or not (folder / _TOKEN).exists():
        return None
    maps = {
        name: [Path(str(array.filename)).name, array.offset, array.dtype.str, array.shape]
        for name, array in (arrays or {}).items()
        if isinstance(array, np.memmap)
    }
    token = (folder / _TOKEN).read_text(encoding="utf-8")
    return {"folder": str(folder), "token": token, "arrays": maps}


def _sees(told: dict[str, Any] | None) -> bool:
    """Whether a folder is the one that was told, and not another machine's of the same name."""
    if told is None:
        return False
    try:
        token = (Path(told["folder"]) / _TOKEN).read_text(encoding="utf-8")
    except OSError:
        return False
    return bool(token == told["token"])


def _leaders(found: Sequence[Sequence[Any]]) -> list[int]:
    """Who prepares for each process: 0 if it sees that folder, else the first of its machine."""
    leaders: list[int] = []
    for process, (where, sees) in enumerate(found):
        beside = [k for k in range(1, process) if found[k][0] == where and not found[k][1]]
        leaders.append(0 if sees or process == 0 else min([*beside, process]))
    return leaders


def _checked(made: Mapping[str, Any]) -> Arrays:
    arrays: Arrays = {name: np.asanyarray(array) for name, array in made.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise DtypeError(
                f"prepared: the array {name!r} holds Python objects, which cannot be mapped from a "
                "file. Give numbers or texts of one length: np.asarray(..., dtype=...)."
            )
    return arrays


def _written(arrays: Arrays, folder: Path | None) -> Arrays:
    """The same arrays, mapped from files in the folder: those in memory are let go one by one."""
    if folder is None:
        return arrays
    wanted = sum(array.nbytes for array in arrays.values() if not _is_in(folder, array))
    if wanted + SPARE > shutil.disk_usage(folder).free:
        (folder / _TOKEN).unlink()  # so that nobody finds it, and each prepares for itself
        return arrays
    written: Arrays = {}
    for name in list(arrays):
        array = arrays.pop(name)
        if not _is_in(folder, array):
            file = folder / f"{quote(name, safe='')}.npy"
            np.save(file, np.asarray(array, order="C"))
            del array
            array = np.load(file, mmap_mode="r")
        written[name] = array
    _give_back()
    return written


def _give_back() -> None:
    """Let the C library return what was freed: glibc keeps it, as much as a parsed table took."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _is_in(folder: Path, array: NDArray[Any]) -> bool:
    """Whether an array is the whole of what was mapped from a file in the folder, row by row."""
    if not (isinstance(array, np.memmap) and array.flags.c_contiguous):
        return False
    if not isinstance(array.base, mmap.mmap):
        return False  # a part of what is mapped does not know where in the file it begins
    return Path(str(array.filename)).parent.samefile(folder)


def _mapped(place: dict[str, Any]) -> Arrays:
    return {
        name: np.memmap(Path(place["folder"]) / file, dtype, "r", offset, tuple(shape))
        for name, (file, offset, dtype, shape) in place["arrays"].items()
    }
