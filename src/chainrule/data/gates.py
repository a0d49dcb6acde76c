"""The truth tables of logic gates: the smallest data sets that there are.

AND, OR and NAND can be split by a straight line, so one neuron learns them. XOR cannot, which is
why hidden layers exist (Minsky and Papert, *Perceptrons*, 1969).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import unknown_name

# Outputs for the rows 00, 01, 10, 11, in that order.
_OUTPUTS = {
    "and": (0, 0, 0, 1),
    "nand": (1, 1, 1, 0),
    "or": (0, 1, 1, 1),
    "xor": (0, 1, 1, 0),
}


def gate(name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The truth table of a logic gate.

    Args:
        name: ``"and"``, ``"or"``, ``"nand"`` or ``"xor"``.

    Returns:
        X float64 (4, 2), the rows 00, 01, 10, 11, and y int64 (4,), the gate's output for each.

    Raises:
        OptionError: another name.

    >>> X, y = gate("xor")
    >>> y.tolist()
    [0, 1, 1, 0]
    """
    if not isinstance(name, str) or name not in _OUTPUTS:
        raise unknown_name("gate", name, _OUTPUTS)
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64)
    return X, np.array(_OUTPUTS[name], dtype=np.int64)
