"""Logic gates, judged by Python's own operators."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.data import gate
from chainrule.errors import OptionError

MEANING = {
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "nand": lambda a, b: not (a and b),
    "xor": lambda a, b: a != b,
}


@pytest.mark.parametrize("name", MEANING)
def test_gate_is_its_truth_table(name):
    X, y = gate(name)
    assert X.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert (X.dtype, y.dtype, y.shape) == (np.float64, np.int64, (4,))
    assert y.tolist() == [int(MEANING[name](a, b)) for a, b in X]


def test_gate_hands_out_fresh_arrays():
    X, y = gate("and")
    X += 7
    y += 7
    assert gate("and")[0].max() == 1
    assert gate("and")[1].max() == 1


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("xnor", "gate 'xnor' is not known. Did you mean 'xor'? Known: and, nand, or, xor."),
        ("XOR", "gate 'XOR' is not known. Did you mean 'xor'? Known: and, nand, or, xor."),
        (7, "gate 7 is not known. Known: and, nand, or, xor."),
        ([], "gate [] is not known. Known: and, nand, or, xor."),
    ],
)
def test_unknown_gate(given, text):
    with pytest.raises(OptionError) as caught:
        gate(given)
    assert str(caught.value) == text
