"""Restarts: recognise a training that is stuck, and start again from the next seed.

Small networks have local minima: XOR with two hidden units ends in one about every second time,
whatever the optimizer. That is bad luck and no mistake, and another start is the cure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.distributed import agreed
from chainrule.errors import OptionError
from chainrule.graph.op import Array
from chainrule.nn.inference import loss_by_chunks
from chainrule.nn.sequential import Sequential
from chainrule.train.history import History

#: Stuck is who has not got below this part of what a constant answer costs ...
STUCK_ABOVE = 0.1
#: ... and in the last quarter of the epochs has got better by less than this part of it.
STUCK_GAIN = 0.02


def fit_with_restarts(
    net: Sequential, train: Callable[[np.random.Generator], History], data: dict[str, Array],
    restarts: int, seed: Any, rng: np.random.Generator,
) -> History:  # fmt: skip
    """Train; while the result is stuck and restarts are left, build anew and train again.

    The best of all tries is kept. ``history.tries`` says what was given up, and why.
    """
    if not restarts:
        return train(rng)
    if seed is None or isinstance(seed, np.random.Generator):
        raise OptionError("restarts count on from a seed: give seed=0 or another number.")
    baseline = constant_loss(net, data)
    tries: list[str] = []
    best: tuple[float, History, dict[str, Array]] | None = None
    for attempt in range(restarts + 1):
        if attempt:
            rng = np.random.default_rng(seed + attempt)
            assert net.input_shape is not None
            net.build(net.input_shape, rng)
        history = train(rng)
        final = history["loss"][-1] if len(history) else np.inf
        if best is None or final < best[0]:
            best = (final, history, net.snapshot())
        why = agreed(stuck(history, baseline))
        if why is None or (history.stopped or "").startswith("interrupted"):
            break
        tries.append(f"seed {seed + attempt} got stuck: {why}")
    assert best is not None
    net.restore(best[2])
    best[1].tries = tries
    return best[1]


def stuck(history: History, baseline: float) -> str | None:
    """Why a training counts as stuck, or None if it does not."""
    losses = history["loss"] if len(history) else []
    # A training that exploded ends with its last finite loss, which would not say why.
    if not losses or not np.isfinite(losses[-1]) or "not finite" in (history.stopped or ""):
        return "the loss was not finite"
    last = float(np.mean(losses[-max(1, len(losses) // 50) :]))
    if last <= STUCK_ABOVE * baseline:
        return None
    quarter = losses[: -max(1, len(losses) // 4)] or losses
    before = float(np.mean(quarter[-max(1, len(losses) // 50) :]))
    if before - last >= STUCK_GAIN * baseline:
        return None
    return f"its loss stays at {last:.4g}, where a constant answer has {baseline:.4g}"


def constant_loss(net: Sequential, data: dict[str, Array]) -> float:
    """The loss of the best answer that is the same for every row.

    ln of the classes' frequencies for cross-entropies, the variance for squared errors; for a
    loss of the user's own, that of the mean target. Weights of rows count as in the loss.
    """
    loss, t, w = net.loss_for(), data["t"], data.get("w")
    if loss.kind == "classes" and t.ndim == 1:
        counts = np.bincount(t, w, minlength=net.output_shape[0])
        answer = counts / counts.sum()
    elif loss.name in ("mean_absolute_error", "huber"):
        answer = np.median(t, axis=0)
    elif w is None:
        answer = t.mean(axis=0, dtype=np.float64)
    else:
        answer = np.tensordot(w, t, 1) / w.sum()
    answer = answer.astype(np.float64)
    if loss.kind in ("classes", "probability"):
        answer = np.clip(answer, 1e-12, 1 - 1e-12)

    def value(rows: slice, part_w: Array | None) -> float:
        answers = np.repeat(answer[None], rows.stop - rows.start, 0)
        return float(loss(answers, t[rows]) if w is None else loss(answers, t[rows], part_w))

    return loss_by_chunks(loss, len(t), w, value)
