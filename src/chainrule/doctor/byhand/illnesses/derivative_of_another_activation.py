"""The derivative of another activation than the one in the forward pass.

Evidence: with that one's derivative the chain rule gives the program's numbers to rounding.
Look-alikes: ``activation_derivative_missing``, where no derivative is taken;
``activation_derivative_of_the_wrong_quantity``, where it is the right one.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("derivative_of_another_activation", mistakes=(kinds.OTHER_DERIVATIVE,))
