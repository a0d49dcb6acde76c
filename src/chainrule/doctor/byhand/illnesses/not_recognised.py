"""Wrong gradients that no known mistake gives.

Evidence: they are not the true ones, and none of the formulas that people get wrong comes out at
them. Every other mistake in the gradients is a look-alike, and has been tried before.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("not_recognised", mistakes=(kinds.NOT_RECOGNISED,))
