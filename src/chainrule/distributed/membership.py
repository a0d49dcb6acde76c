"""Whether this process belongs to a group: what every part of a training asks.

What a group is made of (``group``) takes 15 ms to import, and most trainings have none.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from chainrule.distributed.interrupts import interrupts_heard

if TYPE_CHECKING:
    from chainrule.distributed.group import Group

_current: Group | None = None

OneOrNone = TypeVar("OneOrNone", "Group", None)


def belong_to(group: OneOrNone) -> OneOrNone:
    """From now on this process belongs to ``group``, or to none; returns it."""
    global _current
    _current = group
    return group


def current() -> Group | None:
    """The group that this process has joined, if it has."""
    return _current


def is_spread() -> bool:
    """Whether this process has joined a group of several devices, its own or other processes'."""
    return _current is not None and _current.devices > 1


def is_first() -> bool:
    """Whether this process writes files and speaks to the terminal: process 0, or the only one."""
    return _current is None or _current.is_first


def interruptible() -> AbstractContextManager[None]:
    """Within, Ctrl-C reaches all processes of the group after the same step, and none loses it."""
    return interrupts_heard() if _current is None else _current.interruptible()


def agreed(value: Any) -> Any:
    """Process 0's ``value`` in every process of the group; as it is where there is no group.

    Raises:
        GroupError, KeyboardInterrupt: see ``Group.agree``.
    """
    return value if _current is None else _current.agree(value)
