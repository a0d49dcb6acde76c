"""The gradient has a penalty's part, and the loss has no penalty.

Evidence: what is left of the gradient without the true one is a multiple of the parameter, or of
its sign. Look-alikes: ``penalty_only_in_the_loss``, the reverse; decay in the step, which is no
mistake: there the gradients are right.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("penalty_only_in_the_gradient", mistakes=(kinds.PENALTY_ONLY_IN_GRADIENT,))
