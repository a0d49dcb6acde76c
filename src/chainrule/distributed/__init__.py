"""Groups of processes that train one network together.

Each process runs the same program. It joins the group, trains with ``engine="xla"``, and of every
batch computes its own share; what the shares add up to is exchanged by JAX. Beside that, the
processes keep a line to process 0 (``line``): over it they agree on what each might see
differently, such as the time, and notice within seconds that one of them has died or stands still.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainrule.distributed.interrupts import interrupts_held
from chainrule.distributed.membership import agreed, current, interruptible, is_first, is_spread
from chainrule.errors import near

if TYPE_CHECKING:
    from chainrule.distributed.group import Group, join
    from chainrule.distributed.preparation import prepared

#: Where names stand that only a group needs: loaded when they are first used.
_LATER = {"Group": "group", "join": "group", "prepared": "preparation"}

__all__ = [
    "Group",
    "agreed",
    "current",
    "interruptible",
    "interrupts_held",
    "is_first",
    "is_spread",
    "join",
    "prepared",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{near(name, __all__)}")
    value = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
