"""A factor that no usual slip explains, before gradients that point the right way.

Evidence: gradients are one and the same multiple of the true ones with nothing left over.
Look-alikes: ``missing_mean``, ``doubled_1_m``, ``factor_2`` and ``factor_1_2``, whose factors are
tried first.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("scaled", mistakes=(kinds.SCALED,))
