"""Illnesses, upstream first: data, labels, start, network, loss, step, loop, evaluation."""

from chainrule.doctor.illnesses import (
    inputs_too_large,
    labels_unrelated,
    local_minimum,
    rate_too_large,
    zero_weights,
)
from chainrule.doctor.illnesses.illness import Illness, Suspicion

#: Illnesses that keep a network from learning, in the order in which they are asked after.
OF_LEARNING: tuple[Illness, ...] = tuple(
    module.ILLNESS for module in (inputs_too_large, zero_weights, rate_too_large)
)
LABELS_UNRELATED = labels_unrelated.ILLNESS
LOCAL_MINIMUM = local_minimum.ILLNESS

__all__ = ["LABELS_UNRELATED", "LOCAL_MINIMUM", "OF_LEARNING", "Illness", "Suspicion"]
