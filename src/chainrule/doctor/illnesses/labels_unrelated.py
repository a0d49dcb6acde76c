"""Labels that have nothing to do with the inputs: permuted, or taken from another file.

Look-alike: ``too_few_units`` and every fault of the network, which is why a well-made network is
asked in its place. Inputs that lack what the targets depend on cannot be told from this.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.probes import Probes
from chainrule.doctor.probes.relation import Relation

#: Where fewer shuffled targets than that seem to depend on X as much as the real ones do, these are
#: not called unrelated, unless a weak relation would show so many times as much in rows so many.
#: Measured, 40 draws each: so are called 383 of 400 that are unrelated, on ten tasks of 100 to 1000
#: rows; of 300 rows that explain 0.1 of the variance none, 0.05 of it 13.
BY_CHANCE, TIMES_WEAKER = 0.1, 3.0
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
    if is_related(probes.relation) or probes.knowable.is_something:
        return None
    chance = probes.relation.chance
    return Suspicion(
        "y beside X",
        "on rows held back, a well-made network does no better than a constant answer "
        f"({probes.knowable.share:.2f} of its loss), and of targets shuffled on purpose "
        f"{chance:.0%} seem to depend on X as much as these do",
        "hardly any of them: something in X must tell something about y",
        is_proven=True,
        rivals=(
            "inputs that lack what the targets depend on",
            "a relation that only many more rows would show",
        ),
    )


def is_related(found: Relation) -> bool:
    """Whether the rows do not rule out that X tells something of y."""
    return found.chance <= BY_CHANCE and found.seen > found.if_weak / TIMES_WEAKER


ILLNESS = Illness(
    "labels_unrelated",
    "Labels unrelated to the inputs, as far as these rows tell",
    _suspect,
    advice="look at some rows of X beside their y: both must come from the same source in the same "
    "order, and be shuffled together: order = rng.permutation(len(X)); X[order], y[order]. If they"
    " do belong together, other inputs or many more rows are needed",
)
