"""A bias's gradient is summed over rows and units: every unit gets the same number.

Evidence: that one number is the sum of all. Look-alike: ``bias_not_summed``, whose numbers differ
from unit to unit.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("bias_summed_over_every_axis", mistakes=(kinds.SUMMED_OVER_ALL,))
