"""Weight decay, dropout or clipping so strong that nothing can be learnt against it.

Each is asked after where it is switched on, and its repair is to loosen it. Look-alikes:
``rate_too_small`` (none of them is on), ``too_few_units``.
"""

from __future__ import annotations

from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import milder_dropout, optimizer_with
from chainrule.doctor.probes import Probes
from chainrule.nn.layers import Dropout


def _decay(probes: Probes) -> Suspicion | None:
    decay = probes.case.optimizer.weight_decay
    if not decay:
        return None
    return Suspicion(
        "weight_decay of the optimizer",
        f"weight_decay={decay:g} pulls every weight towards 0 in each step",
        "a pull that the gradient of the loss overcomes, often 1e-4 to 1e-2",
        (optimizer_with(weight_decay=decay / 100), optimizer_with(weight_decay=0.0)),
    )


def _clipping(probes: Probes) -> Suspicion | None:
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


def _dropout(probes: Probes) -> Suspicion | None:
    rates = [layer.rate for layer in probes.case.network.layers if isinstance(layer, Dropout)]
    if not rates or max(rates) < 0.3:
        return None
    return Suspicion(
        "the layers of Dropout",
        f"they drop up to {max(rates):.0%} of what a layer gives",
        "so much that enough is left to tell the rows apart, 0.1 to 0.5",
        (milder_dropout(),),
    )


WEIGHT_DECAY = Illness("weight_decay_too_large", "Weight decay too large", _decay)
CLIPPING = Illness("clipping_too_tight", "Gradients clipped to almost nothing", _clipping)
DROPOUT = Illness("dropout_too_large", "Too much is dropped", _dropout)
