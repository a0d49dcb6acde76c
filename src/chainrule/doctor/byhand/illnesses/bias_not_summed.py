"""A bias's gradient that is not the sum over the rows: one row's share, or all of them.

Evidence: one row of dz, or the whole of it, gives the program's numbers to rounding; the weights
are right, so that training hardly suffers (0.93 for 0.93 in the catalogue's measurement).
Look-alikes: ``bias_averaged``, a multiple of the true one; ``bias_summed_over_every_axis``.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("bias_not_summed", mistakes=(kinds.NOT_SUMMED,))
