"""Labels that have nothing to do with the inputs: permuted, or taken from another file.

Look-alike: ``too_few_units`` and every fault of the program, which is why a well-made network is
asked in its place. Inputs that lack what the targets depend on cannot be told from this.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.held_back import nothing_is_to_be_known
from chainrule.doctor.illnesses.labels_unrelated import ILLNESS as OF_NETWORKS
from chainrule.doctor.illnesses.labels_unrelated import RIVALS, SOMETHING, shown


def _suspect(probes: Probes) -> Suspicion | None:
    if probes.parts.held is None or probes.reference.held_share < SOMETHING:
        return None
    if not nothing_is_to_be_known(probes):
        return None
    return Suspicion("y beside X", *shown(probes), is_proven=True, rivals=RIVALS)


ILLNESS = Illness(OF_NETWORKS.name, OF_NETWORKS.title, _suspect, advice=OF_NETWORKS.advice)
