"""The gradient goes back through an activation as if it were not there.

Evidence: with the derivative left out, the chain rule gives the program's numbers to rounding; what
lies behind that activation is right, and what lies before it points elsewhere. Look-alikes:
``weight_not_transposed``, wrong from the same place on, which another formula gives;
``derivative_of_another_activation``.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("activation_derivative_missing", mistakes=(kinds.DERIVATIVE_MISSING,))
