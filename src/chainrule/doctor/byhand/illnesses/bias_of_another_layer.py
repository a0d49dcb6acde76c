"""A bias gets the gradient of another layer's bias, which is as long.

Evidence: its gradient is the other one's to rounding, and points elsewhere than its own.
Look-alike: ``bias_not_summed``, whose numbers come from its own layer.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("bias_of_another_layer", mistakes=(kinds.OTHER_BIAS,))
