"""Training: the time of ``train()``, and what came of it, scored by our code."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np

import machine
from contestants import Contestant, Share
from work import Data, Fresh, Result, Run, Work

FEW_EPOCHS = 20


def setup(work: Work, contestant: Contestant, share: Share, file: Path) -> Callable[[], Result]:
    """Import, load, warm up on a few batches of the same shapes, then measure at each turn."""
    module = contestant.load()
    data = Data.open(file)
    before = machine.resident()
    part = work.part(share)
    fresh(module, contestant, *small(part, data))().train()
    prepared = fresh(module, contestant, part, data)
    scale = work.amount(len(data.rows)) / part.amount(len(data.rows))
    is_first = True

    def turn() -> Result:
        nonlocal is_first
        run = prepared()
        gc.collect()
        machine.reset_peak()
        cpu, start = time.process_time(), time.perf_counter()
        losses = run.train()
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
        # Predictions, of many rows at once, leave memory behind that is none of the training's.
        peak = machine.peak() if is_first else None
        is_first = False
        result = Result(
            seconds * scale,
            cpu_seconds / seconds,
            peak=None if peak is None or before is None else data_bytes(data) + peak - before,
            needed=work.net.bytes_needed(data, work.batch or len(data.rows)),
            pools=machine.pools(),
        )
        if run.predict is None:
            return result
        probabilities = run.predict(data.test_rows)
        loss, accuracy = score(part, probabilities, data)
        epochs = sum(bool(np.isfinite(loss).all()) for loss in losses)
        dtype = str(probabilities.dtype)
        return replace(result, loss=loss, accuracy=accuracy, epochs=epochs, dtype=dtype)

    return turn


def data_bytes(data: Data) -> int:
    """The training data, which the process holds before the first look at its memory."""
    return data.rows.nbytes + data.labels.nbytes


def small(work: Work, data: Data) -> tuple[Work, Data]:
    """A little of the work whose batches have the same shapes: two whole ones, and the last."""
    if work.batch is None:
        return work.part({"epochs": min(work.epochs, FEW_EPOCHS)}), data
    rows = min(2 * work.batch + len(data.rows) % work.batch, len(data.rows))
    return work.part({"epochs": 1}), replace(data, rows=data.rows[:rows], labels=data.labels[:rows])


def fresh(module: ModuleType, contestant: Contestant, work: Work, data: Data) -> Fresh:
    """The contestant's own way: one network, many at once, or many one by one."""
    if work.networks == 1:
        return module.prepare(work, data, **contestant.options)  # type: ignore[no-any-return]
    if not contestant.one_by_one and hasattr(module, "prepare_many"):
        return module.prepare_many(work, data, **contestant.options)  # type: ignore[no-any-return]
    works = [
        work.part({"networks": 1, "seed": work.seed + number}) for number in range(work.networks)
    ]
    each = [module.prepare(one, data, **contestant.options) for one in works]
    if len(each) == 1:
        return each[0]  # type: ignore[no-any-return]
    return lambda: one_by_one(each, data)


def one_by_one(each: Sequence[Fresh], data: Data) -> Run:
    """Networks one after the other.

    Each makes itself ready when its turn comes, as some libraries have one network whose numbers
    are put back; its outputs are taken at once for the same reason, on four rows.
    """
    outputs: list[object] = []

    def train() -> object:
        outputs.clear()
        curves = []
        for prepared in each:
            run = prepared()
            curves.append(run.train())
            if run.predict is not None:
                outputs.append(np.array(run.predict(data.test_rows)))
        return np.array(curves).T

    return Run(train, lambda rows: np.stack([np.asarray(values) for values in outputs]))


def score(work: Work, probabilities: object, data: Data) -> tuple[float, float]:
    """Loss and accuracy, averaged over the networks."""
    p = np.asarray(probabilities)
    stack = p if work.networks > 1 else p[None]
    scores = np.array([work.net.score(one, data.test_labels) for one in stack])
    loss, accuracy = scores.mean(axis=0)
    return float(loss), float(accuracy)
