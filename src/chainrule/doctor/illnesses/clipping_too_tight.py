"""Gradients clipped so short that no step gets anywhere.

Evidence: the optimizer clips, and the training succeeds with a bound of 1, or without one.
Look-alike: ``rate_too_small``, whose steps are short although nothing is clipped; where both would
cure, the one that is switched on and has evidence of its own is named.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import optimizer_with
from chainrule.doctor.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    norm, value = probes.case.optimizer.clip_norm, probes.case.optimizer.clip_value
    if norm is None and value is None:
        return None
    what = f"clip_norm={norm:g}" if norm is not None else f"clip_value={value:g}"
    return Suspicion(
        "clipping in the optimizer",
        f"{what} shortens the gradients to almost nothing",
        "a bound that only the rare gradient reaches, such as clip_norm=1.0",
        (
            optimizer_with(clip_norm=1.0, clip_value=None),
            optimizer_with(clip_norm=None, clip_value=None),
        ),
    )


ILLNESS = Illness("clipping_too_tight", "Gradients clipped to almost nothing", _suspect)
