"""The number m of rows is divided by once too often: gradients are 1/m of the true ones.

Evidence: every gradient is 1/m of the true one with nothing left over. Look-alikes:
``rate_too_small``, the same update under plain descent, but there the gradients are right;
``bias_averaged``, the same numbers where it is in biases alone (then both are told).
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("doubled_1_m", mistakes=(kinds.DOUBLED_M,))
