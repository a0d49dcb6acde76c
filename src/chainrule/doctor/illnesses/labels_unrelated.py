"""Labels that have nothing to do with the inputs: permuted, or taken from another file.

Look-alike: ``too_few_units`` and every fault of the network, which is why a well-made network is
asked in its place. Inputs that lack what the targets depend on cannot be told from this.
"""

from __future__ import annotations

from chainrule.doctor.held_back import Experiments, nothing_is_to_be_known
from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.probes import Probes
from chainrule.doctor.probes.relation import WORTH_KNOWING

#: A network that has a share below this on rows held back knows something: it need not be asked.
SOMETHING = 0.8
RIVALS = (
    "inputs that lack what the targets depend on",
    "a relation that only many more rows would show",
)


def _suspect(probes: Probes) -> Suspicion | None:
    if probes.split.portions.held is None or probes.split.best_held_share < SOMETHING:
        return None
    if not nothing_is_to_be_known(probes):
        return None
    return Suspicion("y beside X", *shown(probes), is_proven=True, rivals=RIVALS)


def shown(probes: Experiments) -> tuple[str, str]:
    """What was observed where nothing is to be known, and what would be expected."""
    found = probes.relation
    return (
        "on rows held back, a well-made network does no better than a constant answer "
        f"({probes.judge.share:.2f} of its loss), and of targets shuffled on purpose "
        f"{found.chance:.0%} seem to depend on X as much as these do; of those with a relation "
        f"planted in them that explains {WORTH_KNOWING:.0%}, {found.below:.0%} as little",
        "hardly any of the shuffled ones, and many of the others: something in X must tell "
        "something about y",
    )


ILLNESS = Illness(
    "labels_unrelated",
    "Labels unrelated to the inputs, as far as these rows tell",
    _suspect,
    advice="look at some rows of X beside their y: both must come from the same source in the same "
    "order, and be shuffled together: order = rng.permutation(len(X)); X[order], y[order]. If they"
    " do belong together, other inputs or many more rows are needed",
)
