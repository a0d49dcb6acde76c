"""The summary of a diagnosis: how the training went, and what room it leaves."""

from __future__ import annotations

from chainrule.doctor.experiment import constant_answer
from chainrule.doctor.probes import Probes
from chainrule.doctor.treating import lack
from chainrule.doctor.yardstick import CLOSE, KNOWS_NOTHING, LEARNT

#: What is to be said of what fits its own rows only.
BY_HEART = " It knows these rows by heart, and of rows held back no more than a constant answer"
#: The same, where nothing was found that makes it so.
MORE_ROWS = f"{BY_HEART}: more rows, fewer inputs or a smaller network are what may help."
#: What is to be said of what learns, if not as well as it might.
ROOM = (
    " It learns; more epochs, a rate tried out, or more units may bring it nearer to the well-made "
    "network."
)


def course(probes: Probes) -> str:
    """How the case's own training went, in a sentence."""
    own = probes.own
    level = own.portions.level
    constant = constant_answer(own.case.network, own.portions.train)
    if own.failed is not None:
        birth = f": {own.birth}" if own.birth else ""
        return f"The training ends in numbers that are not finite, by epoch {own.failed}{birth}."
    told = f"The training ends at loss {own.loss:.4g}, where a constant answer has {constant:.4g}"
    if "reference" not in vars(probes):
        return f"{told}."
    return f"{told} and a well-made network on the same rows {probes.reference.share * level:.4g}."


def room(probes: Probes) -> str:
    """What is to be said of a network that learns, and not as well as it might."""
    own = probes.own
    if _knows_nothing_else(probes):
        return MORE_ROWS
    if own.share <= LEARNT or lack(probes, own) <= CLOSE:
        return ""
    return ROOM


def by_heart(probes: Probes) -> str:
    """What is to be said of a network that fits its own rows only; else nothing."""
    fits = probes.own.failed is None and probes.own.share <= LEARNT
    return f"{BY_HEART}." if fits and _knows_nothing_else(probes) else ""


def _knows_nothing_else(probes: Probes) -> bool:
    """Whether a network knows no more of rows held back than a constant answer."""
    own = probes.own
    return own.portions.held is not None and own.best_held_share > KNOWS_NOTHING


def of_noise() -> str:
    """What is to be said where only noise is left to be fitted."""
    return " What fits these rows better does no better on rows held back: it learns their noise."


def nothing_is_seen(rows: int) -> str:
    """What is to be said where no judge finds anything, and too few rows to rule it out."""
    return (
        f" Whether X tells anything of y these {rows} rows do not show: on rows held "
        "back nothing does clearly better than a constant answer. More rows would tell."
    )
