"""Half the true gradient: the 2 of a square's derivative was left out.

Evidence: gradients are 1/2 of the true ones with nothing left over. Look-alikes:
``doubled_1_m``, whose factor is 1 over the number of rows; ``rate_too_small``, where the gradients
are right.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("factor_1_2", mistakes=(kinds.FACTOR_HALF,))
