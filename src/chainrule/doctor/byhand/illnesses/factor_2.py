"""Twice the true gradient: the loss has a 1/2 that its derivative lost.

Evidence: gradients are 2 times the true ones with nothing left over. Look-alikes:
``missing_mean``, whose factor is the number of rows; ``rate_too_large``, where the gradients are
right.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("factor_2", mistakes=(kinds.FACTOR_2,))
