"""Labels that have nothing to do with the inputs: permuted, or taken from another file.

Look-alike: ``too_few_units`` and every fault of the network, which is why a well-made network is
asked in its place. Inputs that lack what the targets depend on cannot be told from this.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.probes import Probes

#: Of targets that have nothing to do with X, fewer seem to than this share; of those that have a
#: little to do with it, most. Of both together the name is a claim about the rows at hand.
BY_CHANCE = 0.05
#: Of fewer rows, in all and for each class, nothing can be known even where there is something.
FEWEST, A_CLASS = 80, 15
#: A network that has a share below this on rows held back knows something: it need not be asked.
SOMETHING = 0.8


def _suspect(probes: Probes) -> Suspicion | None:
    classes = probes.case.network.output_shape[-1]
    if len(probes.case.X) < max(FEWEST, A_CLASS * classes):
        return None
    if probes.split.portions.held is None or probes.split.best_held_share < SOMETHING:
        return None
    chance = probes.chance_of_no_relation
    if chance <= BY_CHANCE or probes.knowable.is_something:
        return None
    return Suspicion(
        "y beside X",
        "on rows held back, a well-made network does no better than a constant answer "
        f"({probes.knowable.share:.2f} of its loss), and of targets shuffled on purpose "
        f"{chance:.0%} seem to depend on X as much as these do",
        f"less than {BY_CHANCE:.0%} of them: something in X must tell something about y",
        is_proven=True,
        rivals=(
            "inputs that lack what the targets depend on",
            "a relation that only many more rows would show",
        ),
    )


ILLNESS = Illness(
    "labels_unrelated",
    "Labels unrelated to the inputs, as far as these rows tell",
    _suspect,
    advice="look at some rows of X beside their y: both must come from the same source in the same "
    "order, and be shuffled together: order = rng.permutation(len(X)); X[order], y[order]. If they"
    " do belong together, other inputs or many more rows are needed",
)
