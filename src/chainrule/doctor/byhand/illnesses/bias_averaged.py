"""A bias's gradient is the mean over the rows where it is the sum.

Evidence: it is 1/m of the true one, with nothing left over, in biases alone. Look-alikes:
``doubled_1_m``, the same numbers, which is told as a rival; ``bias_not_summed``, which points
elsewhere.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("bias_averaged", mistakes=(kinds.AVERAGED,))
