"""A parameter that the loss depends on, and that gets no gradient, or zeros.

Evidence: its gradient is missing or 0 where the true one is not. Look-alikes: a parameter that the
loss does not use, which does no harm and is not told; ``never_updated``, where the gradient is
right and the step leaves it out.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("frozen_parameter", mistakes=(kinds.FROZEN,))
