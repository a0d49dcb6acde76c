"""The loss is a mean over the m rows of a batch, and its gradient a sum: m times too long.

Evidence: every gradient is m times the true one with nothing left over (20.00 and 0 on 20 rows).
Look-alikes: ``rate_too_large``, the same update under plain descent, but there the gradients are
right; ``factor_2``, excluded by the number of rows, on which that factor does not depend. Under
Adam it is nearly invisible in the loss, so only the gradients are asked.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("missing_mean", mistakes=(kinds.MISSING_M,))
