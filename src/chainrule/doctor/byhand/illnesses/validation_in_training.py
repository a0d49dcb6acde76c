"""Validation rows that were learnt from: their score tells what is known by heart.

Asked of programs that learn; what keeps others from it comes first. Look-alikes: rows of few
values, which are alike by nature, and those of a whole table, of which there are no others.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.treating import learns
from chainrule.doctor.illnesses.validation_in_training import ILLNESS as OF_NETWORKS
from chainrule.doctor.illnesses.validation_in_training import shown
from chainrule.doctor.probes.twins import twins


def _suspect(probes: Probes) -> Suspicion | None:
    program = probes.program
    if program.validation is None or not learns(probes, probes.own):
        return None
    probes.note("training rows beside validation rows")
    found = twins(program.data, program.validation)
    return None if found is None else Suspicion("validation", *shown(found), is_proven=True)


ILLNESS = Illness(OF_NETWORKS.name, OF_NETWORKS.title, _suspect, advice=OF_NETWORKS.advice)
