"""A parameter is updated before all gradients that need its old value are computed.

Evidence: the gradients are right, and an update is that of the gradient with other parameters
already changed, to rounding (0.01 to 0.4 off in the catalogue's measurement, where a right update
is within 1e-4). Look-alikes: ``rate_too_large``, where the updates are right, only long; an
optimizer with a state, whose own update is tried first.
"""

from __future__ import annotations

from chainrule.check import stepmistakes
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("updated_too_early", mistakes=(stepmistakes.UPDATED_EARLY,))
