"""Labels that have nothing to do with the inputs: permuted, or taken from another file.

Look-alike: ``too_few_units`` and every fault of the network, which is why a well-made network is
asked in its place. Inputs that lack what the targets depend on cannot be told from this.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.probes import Probes

#: A network that knows nothing of the rows held back has a share of about 1. What chance alone
#: makes of it, the shuffled targets tell: so many spreads of theirs, and at least so much.
NOTHING, SPREADS, AT_LEAST = 0.85, 3.0, 0.02
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
    found = probes.knowable
    by_chance = max(SPREADS * found.spread, AT_LEAST)
    if found.share < NOTHING or found.shuffled - found.share > by_chance:
        return None
    # Where there is a little to be known, a linear fit finds it in rows too few for a network.
    linear = probes.linearly_knowable
    if linear.shuffled - linear.share > SPREADS * linear.spread:
        return None
    return Suspicion(
        "y beside X",
        "on rows held back, a well-made network does no better than a constant answer "
        f"({found.share:.2f} of its loss), as with targets shuffled on purpose "
        f"({found.shuffled:.2f})",
        "clearly less than 1: something in X must tell something about y",
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
