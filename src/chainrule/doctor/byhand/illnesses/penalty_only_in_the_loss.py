"""The loss has a penalty on the weights, and the gradient knows nothing of it.

Evidence: the gradient is right for the loss without its penalty, to rounding. Look-alike:
``penalty_only_in_the_gradient``, the reverse.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("penalty_only_in_the_loss", mistakes=(kinds.PENALTY_ONLY_IN_LOSS,))
