"""Inference: from NumPy rows to NumPy probabilities, one row and many."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

import machine
from contestants import Contestant, Share
from work import Array, Data, Result, Work

ROWS = 10_000
BLOCKS = 9
BLOCK_SECONDS = 0.02


def setup(work: Work, contestant: Contestant, share: Share, file: Path) -> Callable[[], Result]:
    """The network with its first parameters: inference does not care what was learnt."""
    module = contestant.load()
    data = Data.open(file)
    few = replace(data, rows=data.rows[:500], labels=data.labels[:500])
    run = module.prepare(work, few, **contestant.options)()
    many = data.test_rows[:ROWS]
    one = np.ascontiguousarray(many[:1])
    predict = run.predict

    def turn() -> Result:
        outputs = np.asarray(predict(many))
        if not np.allclose(np.asarray(predict(one))[0], outputs[0], rtol=1e-3, atol=1e-5):
            raise ValueError("one row alone gives other numbers than among many")
        cpu, start = time.process_time(), time.perf_counter()
        row = seconds_of(predict, one)
        rows = seconds_of(predict, many)
        share = (time.process_time() - cpu) / (time.perf_counter() - start)
        result = Result(row, share, parts={f"{len(many):,} rows": rows}, pools=machine.pools())
        if not contestant.learns:
            return result
        loss, accuracy = work.net.score(outputs, data.test_labels[:ROWS])
        return replace(result, loss=loss, accuracy=accuracy, dtype=str(outputs.dtype))

    return turn


def seconds_of(predict: Callable[[Array], object], rows: Array) -> float:
    """Seconds of a call: the median of blocks of calls, each block some milliseconds long."""
    predict(rows)
    start = time.perf_counter()
    predict(rows)
    calls = max(1, round(BLOCK_SECONDS / max(time.perf_counter() - start, 1e-7)))
    blocks = []
    for _ in range(BLOCKS):
        start = time.perf_counter()
        for _ in range(calls):
            predict(rows)
        blocks.append((time.perf_counter() - start) / calls)
    return median(blocks)
