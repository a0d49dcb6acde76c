"""A parameter that the step leaves as it is, though its gradient is not 0.

Evidence: it is the same after the step, bit for bit, at a point where its true gradient is not 0.
Look-alikes: ``frozen_parameter``, where the gradient itself is missing; ``integer_parameters``,
where the update is cut off after the point, which is asked before.
"""

from __future__ import annotations

from chainrule.check import stepmistakes
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("never_updated", mistakes=(stepmistakes.NEVER_UPDATED,))
