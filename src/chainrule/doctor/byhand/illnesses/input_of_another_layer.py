"""A weight's gradient, or the way back, made with what belongs to another layer.

Evidence: with the other layer's input, error or weight the program's numbers come out to rounding.
Look-alikes: ``bias_of_another_layer``, where it is a bias; ``gradient_transposed``, where it is the
layer's own.
"""

from __future__ import annotations

from chainrule.check import kinds
from chainrule.doctor.byhand.illnesses.illness import Illness

ILLNESS = Illness("input_of_another_layer", mistakes=(kinds.OTHER_INPUT,))
