"""Who belongs to no group loads nothing of what a group needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import chainrule as cr

PROGRAM = """
import sys
import numpy as np
import chainrule as cr

net = cr.Sequential(cr.Dense(3, "tanh"), cr.Dense(2, "softmax"))
net.fit(np.eye(4), np.array([0, 1, 0, 1]), epochs=2, progress=False)
net.predict(np.eye(4))
later = ["chainrule.distributed.group", "concurrent.futures", "numpy.ma", "jax", "matplotlib"]
print([name for name in later if name in sys.modules])
cr.distributed.join, cr.distributed.prepared
print("chainrule.distributed.group" in sys.modules)
"""


def test_a_network_is_trained_without_what_groups_streams_and_pictures_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\nTrue\n", done.stderr


def test_a_mistyped_name_gets_the_nearest() -> None:
    with pytest.raises(AttributeError) as error:
        cr.distributed.joyn  # noqa: B018
    assert str(error.value) == (
        "module 'chainrule.distributed' has no attribute 'joyn'. Did you mean 'join'?"
    )
