"""The gradient of one square weight lies on its side.

Evidence: its transpose is the true gradient to rounding, and all others are right. Look-alike:
``weight_not_transposed``, which spoils everything before the layer.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("gradient_transposed", mistakes=(kinds.TRANSPOSED,))
