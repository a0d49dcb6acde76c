"""Shares: which rows a process holds, and that a device computes its own and no others."""

from __future__ import annotations

import os
import re
import subprocess
import sys

#: One process with three devices: trains on batches of 26 rows, and prints the compiled step.
PROGRAM = """
import numpy as np
import chainrule as cr
from chainrule.engine.xla.shared import Share, SharedRepeated

group = cr.distributed.join()
shown = []

class Shown(SharedRepeated):
    def _compile(self):
        compiled = super()._compile()

        def run(*given):
            if not shown:
                shown.append(compiled.lower(*given).compile().as_text())
            return compiled(*given)

        return run

cr.engine.SharedRepeated = Shown
net = cr.Sequential(cr.Dense(16, "tanh"), cr.Dense(3, "softmax"))
X = np.random.default_rng(0).normal(size=(52, 8))
net.fit(X, np.arange(52) % 3, epochs=1, batch_size=26, engine="xla")
share = Share(group, 26)
print(group.devices, share.here, *share.of(np.arange(26)))
print(shown[0])
"""


def test_a_device_computes_its_rows_and_exchanges_sums_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, "JAX_NUM_CPU_DEVICES": "3"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, program = done.stdout.split("\n", 1)
    # 26 rows in three shares of 9: the last row fills up, and the step does not see it.
    assert first.split() == ["3", "27", *map(str, range(26)), "25"]
    products = re.findall(r"= f32\[(\d+),(\d+)\]\S* dot\(", program)
    assert {("9", "16"), ("9", "3"), ("8", "16"), ("16", "3")} == set(products)
    assert "all-reduce(" in program
    assert not re.search(r"all-gather|all-to-all|collective-permute", program)
