"""The right derivative, taken of the wrong array: of z for a, or of another layer's.

Evidence: the formula with that array gives the program's numbers to rounding. Look-alike:
``stale_cache``, where the line is right and the object that remembers is shared; there one
attribute is set more than once in a forward pass.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("activation_derivative_of_the_wrong_quantity", mistakes=(kinds.WRONG_QUANTITY,))
