"""Validation rows that were learnt from: their score tells what is known by heart.

Look-alikes: rows of few values, which are alike by nature, and those of a whole table, of which
there are no others; both are left out.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.probes import Probes
from chainrule.doctor.probes.twins import Twins


def _suspect(probes: Probes) -> Suspicion | None:
    found = probes.twins
    return None if found is None else Suspicion("validation", *shown(found), is_proven=True)


def shown(found: Twins) -> tuple[str, str]:
    """What was observed of validation rows that are training rows, and what would be expected."""
    return (
        f"{found.count} of its {found.rows} rows are rows of the training data too, with the same "
        "target",
        "rows that were not learnt from: of those that were, the score tells what is known by "
        "heart, and not what is known of others",
    )


ILLNESS = Illness(
    "validation_in_training", "Validation rows are among the training rows", _suspect,
    advice="drop copies, then split once, before anything else: order = rng.permutation(len(X)); "
    "held, kept = order[:n], order[n:]; train on X[kept], y[kept] and validate on X[held], y[held]",
)  # fmt: skip
