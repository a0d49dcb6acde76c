"""One measurement in a process of its own: ``python measure.py WORKLOAD CONTESTANT``.

Prints one line of JSON, the fields of a Result. Two libraries with a thread pool each slow one
another down in one process, and so do the leftovers of whoever ran before; hence one process each.
"""

from __future__ import annotations

import json
import math
import sys
import time
from dataclasses import asdict

from threadpoolctl import threadpool_info

from contestants import CONTESTANTS
from workloads import WORKLOADS, Result

# What threadpoolctl tells of a library: its name, its version and the kernels that it chose.
KEYS = ("internal_api", "version", "architecture")


def measure(workload: str, contestant: str) -> Result:
    """Warm up, train once by the clock, and score what came out (not timed)."""
    work, who = WORKLOADS[workload], CONTESTANTS[contestant]
    data = work.load()
    rows, epochs = work.warmup
    who.prepare(work, data.head(rows), epochs).train()
    training = who.prepare(work, data, work.epochs)

    cpu, start = time.process_time(), time.perf_counter()
    losses = training.train()
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu

    if training.predict is None:
        return Result(seconds, cpu_seconds, None, None, work.epochs, work.dtype, pools())
    probabilities = training.predict(data.test_rows)
    loss, accuracy = work.score(probabilities, data.test_labels)
    finite = sum(math.isfinite(value) for value in losses)
    dtype = str(probabilities.dtype)
    return Result(seconds, cpu_seconds, loss, accuracy, finite, dtype, pools())


def pools() -> tuple[tuple[str, int], ...]:
    """The thread pools of the libraries in this process, each with its number of threads."""
    return tuple(
        (
            " ".join(str(pool[key]) for key in KEYS if pool.get(key)),
            int(pool["num_threads"]),
        )
        for pool in threadpool_info()
    )


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1], sys.argv[2]))))
