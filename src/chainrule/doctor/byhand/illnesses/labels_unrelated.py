"""Labels that have nothing to do with the inputs: permuted, or taken from another file.

Look-alike: ``too_few_units`` and every fault of the program, which is why a well-made network is
asked in its place. Inputs that lack what the targets depend on cannot be told from this.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.illnesses.labels_unrelated import ILLNESS as OF_NETWORKS
from chainrule.doctor.illnesses.labels_unrelated import SOMETHING, is_related

#: The share of a constant answer's loss that a well-made network leaves where it knows nothing.
NOTHING = 0.85


def _suspect(probes: Probes) -> Suspicion | None:
    if probes.parts.held is None or probes.reference.held_share < SOMETHING:
        return None
    found = probes.on_others
    if found < NOTHING or is_related(probes.relation):
        return None
    chance = probes.relation.chance
    return Suspicion(
        "y beside X",
        "on rows held back, a well-made network does no better than a constant answer "
        f"({found:.2f} of its loss), and of targets shuffled on purpose {chance:.0%} seem to "
        "depend on X as much as these do",
        "hardly any of them: something in X must tell something about y",
        is_proven=True,
        rivals=("inputs that lack what the targets depend on",),
    )


ILLNESS = Illness(OF_NETWORKS.name, OF_NETWORKS.title, _suspect, advice=OF_NETWORKS.advice)
