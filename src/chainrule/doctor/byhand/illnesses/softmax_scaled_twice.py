"""The derivative of the output's activation is applied to q - y, which has it already.

Evidence: with the derivative counted twice, or with that of another pair of activation and loss,
the chain rule gives the program's numbers to rounding; all parameters are wrong. Look-alikes:
``softmax_over_batch`` and ``softmax_over_everything``, where rows depend on each other;
``softmax_twice``, whose gradients are right.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("softmax_scaled_twice", mistakes=(kinds.COUNTED_TWICE, kinds.WRONG_PAIR))
