"""Groups of processes that train one network together.

Each process runs the same program. It joins the group, trains with ``engine="xla"``, and of every
batch computes its own share; what the shares add up to is exchanged by JAX. Beside that, the
processes keep a line to process 0 (``line``): over it they agree on what each might see
differently, such as the time, and notice within seconds that one of them has died or stands still.
"""

from chainrule.distributed.group import (
    Group,
    agreed,
    current,
    interruptible,
    is_first,
    is_spread,
    join,
)
from chainrule.distributed.interrupts import interrupts_held
from chainrule.distributed.preparation import prepared

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
