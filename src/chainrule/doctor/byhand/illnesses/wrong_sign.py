"""Uphill: the error is taken as target minus output, or the step adds where it subtracts.

Evidence: every gradient is -1 times the true one with nothing left over; or the gradients are right
and the update goes along them. The loss rises from the first step. Look-alike: ``rate_too_large``,
whose loss rises too, where gradients and update are +1 times the true ones.
"""

from __future__ import annotations

from chainrule.check import kinds, stepmistakes
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("wrong_sign", mistakes=(kinds.WRONG_SIGN, stepmistakes.ASCENDS))
