"""The group that this process belongs to: how it joins, what its devices are, how it ends."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import TracebackType
from typing import Any

from chainrule.distributed.connection import (
    A_DAY,
    connect,
    disconnect,
    mesh_of_all,
    refuse_late_joining,
)
from chainrule.distributed.interrupts import interrupts_heard, interrupts_held
from chainrule.distributed.line import Line
from chainrule.distributed.meeting import meet
from chainrule.distributed.membership import belong_to, current
from chainrule.distributed.place import Place, cluster_place, place
from chainrule.distributed.reports import (
    LOST,
    end_process,
    end_with_the_launcher,
    report,
    reports_folder,
)
from chainrule.errors import GroupError, OptionError, optional_package

#: Seconds for all processes to come, and without a sign of life before one is given up.
START_SECONDS, SILENCE_SECONDS = 60.0, 10.0


class Group:
    """All processes that train together, as one of them sees it.

    ``processes`` is how many there are, ``process`` the number of this one (0 to processes - 1),
    ``mesh`` JAX's mesh over all their devices, with the one axis "rows". As a context manager it
    leaves at the end; without that, it leaves when Python ends.
    """

    def __init__(self, where: Place, line: Line | None) -> None:
        self.place = where
        self._line = line
        self._is_over = False
        self._exit_code = 0
        self._hearing = ExitStack()

    @property
    def processes(self) -> int:
        """How many processes there are."""
        return self.place.processes

    @property
    def process(self) -> int:
        """The number of this process, from 0."""
        return self.place.process

    @property
    def is_first(self) -> bool:
        """Whether this is process 0, the one that writes files and speaks to the terminal."""
        return self.process == 0

    @cached_property
    def mesh(self) -> Any:
        """JAX's mesh over the devices of all processes."""
        return mesh_of_all()

    @property
    def devices(self) -> int:
        """How many devices there are, of all processes together."""
        return int(self.mesh.devices.size)

    def agree(self, value: Any) -> Any:
        """The value of process 0 (numbers, texts, None, lists and dicts of them), in all.

        Raises:
            GroupError: a process is lost; the text names it.
            KeyboardInterrupt: in all processes at once, if one was interrupted.
        """
        return value if self._line is None else self._line.agree(value)

    def gather(self, value: Any) -> list[Any]:
        """What each process says, in the order of their numbers, in all; waits for the slowest.

        Raises:
            GroupError, KeyboardInterrupt: see ``agree``.
        """
        return [value] if self._line is None else self._line.gather(value)

    @contextmanager
    def exchange(self) -> Iterator[None]:
        """Around what needs the data of the others: if it fails, the error says who is lost.

        Raises:
            GroupError: a process is lost.
        """
        if self._line is None:
            yield
            return
        with self._line.exchange():
            yield

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within, Ctrl-C raises KeyboardInterrupt at the next ``agree``, in all processes."""
        line = self._line
        if line is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, lambda number, frame: line.interrupt())
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)  # None: set by no Python

    def leave(self) -> None:
        """Wait until all others leave too, and end the group: every process has done its part.

        Raises:
            GroupError: one was lost before.
        """
        if self._is_over:
            return
        if self._line is not None:
            self._line.leave()
            disconnect()
        self._hearing.close()
        self._is_over = True
        belong_to(None)

    def fail(self, error: BaseException) -> None:
        """Tell the others that this process ends with ``error``."""
        if self._is_over:
            return
        self._hearing.close()
        self._exit_code = _exit_code(error)
        report(self.process, error)
        if self._line is not None and not isinstance(error, GroupError):
            self._line.fail(f"{type(error).__name__}: {error}".removesuffix(": "))

    def __enter__(self) -> Group:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self.leave()
            return
        self.fail(error)
        if self._line is None:  # nobody else is concerned
            self._is_over = True
            belong_to(None)

    def _at_exit(self) -> None:
        """At the end of Python: leave, unless the program failed, or the group did."""
        if self._is_over:
            return
        try:
            if self._exit_code == 0:
                self.leave()
                return
        except GroupError as error:
            end_process(self.process, str(error))
        # By itself, JAX would now wait for processes that are not there any more.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self._exit_code)

    def _watch_errors(self) -> None:
        """Tell the others of an error that nobody catches."""
        show = sys.excepthook

        def tell(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            self.fail(error)
            if self._exit_code != LOST or reports_folder() is None:  # else the launcher tells it
                show(kind, error, trace)

        sys.excepthook = tell
        atexit.register(self._at_exit)


def join(
    coordinator: str | None = None, processes: int | None = None, process: int | None = None, *,
    cluster: bool = False, start_seconds: float | None = None,
    silence_seconds: float | None = None,
) -> Group:  # fmt: skip
    """Join the group of processes that train together; from then on ``engine="xla"`` uses it.

    With nothing said, neither here nor in the environment, the group is this process alone, with
    all its devices. To be called before anything else runs on the XLA engine.

    Of each batch a process reads its own rows alone. Data that are mapped from files, by
    ``prepared`` or ``np.load(..., mmap_mode="r")``, are then nowhere held as a whole; an array in
    memory is held by every process that makes it.

    Args:
        coordinator: "HOST:PORT" of process 0; default ``CHAINRULE_COORDINATOR``.
        processes: how many there are; default ``CHAINRULE_PROCESSES``.
        process: the number of this one, from 0; default ``CHAINRULE_PROCESS``.
        cluster: take all three from the scheduler that started this process (Slurm, Open MPI).
        start_seconds: how long to wait for all others to come; default
            ``CHAINRULE_START_SECONDS``, else 60.
        silence_seconds: how long a process may give no sign of life before it counts as lost;
            default ``CHAINRULE_SILENCE_SECONDS``, else 10.

    Raises:
        OptionError: the place is said in part only, or wrongly.
        GroupError: a process did not come in time, or this one has joined already, or has used the
            XLA engine before.
        MissingPackageError: JAX is not installed.
    """
    if current() is not None:
        raise GroupError("this process has joined a group already.")
    with interrupts_held():
        optional_package("jax", "xla", "A group of processes")
    where = cluster_place() if cluster else place(coordinator, processes, process)
    if where is None or where.processes == 1:
        return belong_to(Group(where or Place("", 1, 0), None))
    end_with_the_launcher()
    start = _seconds("start_seconds", start_seconds, START_SECONDS)
    silence = _seconds("silence_seconds", silence_seconds, SILENCE_SECONDS)
    group = Group(where, None)
    group._watch_errors()
    group._hearing.enter_context(interrupts_heard())
    try:
        with interrupts_held():
            refuse_late_joining()
        group._line = Line(where, meet(where, start), silence)
        with group.exchange(), interrupts_held():
            connect(where, start)
    except BaseException as error:
        group.fail(error)
        # Whoever catches the error goes on alone, unless JAX is connected already.
        group._is_over = group._line is None
        raise
    return belong_to(group)


def _exit_code(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return 128 + signal.SIGINT
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code
    return LOST if isinstance(error, GroupError) else 1


def _seconds(name: str, given: float | None, default: float) -> float:
    told = os.environ.get(f"CHAINRULE_{name.upper()}", default) if given is None else given
    try:
        if 0 < float(told) < A_DAY:
            return float(told)
    except (TypeError, ValueError):
        pass
    raise OptionError(f"{name} is a number of seconds above 0, got {told!r}.")
