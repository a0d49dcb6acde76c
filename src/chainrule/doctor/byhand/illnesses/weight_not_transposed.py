"""On the way back stands W where W.T belongs; only a square weight lets it pass.

Evidence: with W in its place the chain rule gives the program's numbers to rounding; everything
before that layer is wrong, its own weight is right (accuracy suffers little: 0.91 for 0.93 in the
catalogue's measurement). Look-alike: ``gradient_transposed``, where one weight alone is wrong.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("weight_not_transposed", mistakes=(kinds.WEIGHT_NOT_TRANSPOSED,))
