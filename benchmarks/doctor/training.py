"""Training the programs: how well each does, and whether its fault harms it.

A fault harms if the program is refused, gives NaN, or ends with a loss on its own rows or on those
held back that is above 1.25 times the worst of three healthy starts plus 2 % of knowing nothing.
Wrong computations (``ALWAYS``) are faults even where training survives them. Programs whose
fault does not harm are counted apart, and neither as ill nor as healthy.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import chainrule as cr
from doctor.hosts import Array, baseline, present, yardstick
from doctor.networks import Plan, plan

#: What is computed is not what is meant, however well it ends.
ALWAYS = ("softmax_twice", "softmax_over_everything", "softmax_over_batch", "targets_broadcast")

#: Units that die where there are enough others are not missed: only with a worse loss is it a harm.
NOT_MISSED = ("dying_relu",)

#: The loss of a healthy program is below this share of knowing nothing; of values it is R² = 0.9.
LEARNT = {"binary": 0.25, "classes": 0.25, "values": 0.1}
#: The same for rows held back, of which nobody can know as much.
HELD = 0.4


@dataclass(frozen=True)
class Scores:
    """The host's own loss on the rows that were learnt from and on those held back.

    ``best`` and ``end`` are the lowest and the last loss that the program itself saw on the rows
    held back; ``why`` tells a refusal.
    """

    train: float
    held: float | None
    best: float | None = None
    end: float | None = None
    why: str = ""


def handed(program: Plan) -> tuple[cr.Sequential, Any]:
    """What the user hands to the doctor: the network before its training, or, for odd seeds, after.

    Where ``fit`` refuses the data there is no after.
    """
    if program.seed % 2:
        try:
            return trained(program)
        except cr.errors.ChainruleError:
            pass
    return program.network(), None


def finite(value: float | None) -> bool:
    """A number that is there and is one."""
    return value is None or bool(np.isfinite(value))


def trained(program: Plan) -> tuple[cr.Sequential, Any]:
    """The network after its training, and the history."""
    net = program.network()
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = net.fit(
            program.data.X,
            program.data.y,
            loss=program.loss,
            optimizer=program.optimizer,
            epochs=program.epochs,
            batch_size=program.batch_size,
            validation=program.validation,
            shuffle=program.shuffle,
            seed=program.seed,
            progress=False,
        )
    return net, history


def scores(program: Plan) -> Scores:
    """Train the program and judge its outputs by the host's own loss and the true labels."""
    try:
        net, history = trained(program)
    except (cr.errors.ChainruleError, FloatingPointError) as error:
        return Scores(float("inf"), None, why=str(error))
    held = None
    if program.data.Xv is not None and program.labels[1] is not None:
        held = judged(net, program.data.Xv, program.labels[1])
    return Scores(judged(net, program.data.X, program.labels[0]), held, *seen_by(history, program))


def seen_by(history: Any, program: Plan) -> tuple[float, ...]:
    """The lowest and the last validation loss of a history, in the yardstick's unit."""
    seen = history["validation_loss"] if "validation_loss" in list(history.columns) else []
    if not seen or program.labels[1] is None:
        return ()
    unit = float(np.var(program.labels[1])) if program.host.kind == "values" else 1.0
    return min(seen) / unit, seen[-1] / unit


def judged(net: cr.Sequential, X: Array, y: Array) -> float:
    """The host's own loss of the network's outputs; infinite if they are none."""
    try:
        with np.errstate(all="ignore"):
            return yardstick(net.predict(X), y)
    except cr.errors.ChainruleError:
        return float("inf")


@functools.cache
def healthy(host: str, activation: str, seed: int) -> tuple[Scores, ...]:
    """The scores of the healthy program from three starts."""
    program = plan(present()[host], activation, seed)
    return tuple(scores(replace(program, seed=seed + 100 * k)) for k in range(3))


def limits(program: Any, twins: tuple[Scores, ...], times: float, of_nothing: float) -> Scores:
    """What a loss may be at most, on the learnt rows and on the others."""
    room = of_nothing * baseline(program.host)
    held = [twin.held for twin in twins if twin.held is not None]
    return Scores(
        times * max(twin.train for twin in twins) + room,
        times * max(held) + room if held else None,
    )


def learnt(program: Any, found: Scores) -> bool:
    """Whether a program that should be healthy is: it fits its rows and others, and stays there."""
    nothing, kind = baseline(program.host), program.host.kind
    if not found.train < LEARNT[kind] * nothing:
        return False
    return found.held is None or (found.held < HELD * nothing and not turned(program, found))


def within(found: Scores, limit: Scores) -> bool:
    """Whether no loss is above its limit."""
    if not found.train <= limit.train:
        return False
    return found.held is None or limit.held is None or found.held <= limit.held


def harms(
    fault: str, program: Any, found: Scores, twins: tuple[Scores, ...],
    shown: Mapping[str, Callable[[Any, Scores], str]],
) -> str:  # fmt: skip
    """In a few words what the fault does; empty if it does no harm.

    ``shown`` has how the harm of some faults shows, other than by a worse loss.
    """
    if found.why:
        return "refused"
    if not finite(found.train) or not finite(found.held):
        return "not finite"
    is_worse = not within(found, limits(program, twins, 1.25, 0.02))
    if fault in shown and (is_worse or fault not in NOT_MISSED):
        return shown[fault](program, found)
    if is_worse:
        return "worse"
    return "computed wrongly" if fault in ALWAYS else ""


def _stuck(program: Plan, found: Scores) -> str:
    """Whether this start leads nowhere, and some of ten others do."""
    limit = 0.2 * baseline(program.host)
    if found.train < limit:
        return ""
    others = (replace(program, seed=500 + k) for k in range(10))
    return "stuck" if any(scores(other).train < limit / 2 for other in others) else ""


def _other_score(program: Plan, found: Scores) -> str:
    """Whether the user's own score is off by more than 2 points."""
    net, _ = trained(program)
    p = net.predict(program.data.X)
    y = np.asarray(program.labels[0])
    chosen = p.argmax(axis=1) if p.shape[1] > 1 else (p[:, 0] > 0.5).astype(int)
    return "other score" if abs(program.metric(p, y) - np.mean(chosen == y)) > 0.02 else ""


def turned(program: Any, found: Scores) -> str:
    """Whether the held-back loss ended a fifth, and 3 % of knowing nothing, above its best."""
    if found.best is None or found.end is None:
        return ""
    room = 0.03 * baseline(program.host)
    return "turned" if found.end > 1.2 * found.best + room else ""


def dead(program: Plan, found: Scores | None = None) -> str:
    """Whether at least half of a hidden layer's units are zero for every row at the end."""
    net, _ = trained(program)
    x = np.asarray(program.data.X, net.dtype)
    layers = []
    for k in range(len(program.hidden)):
        x = np.maximum(0, x @ net.parameters[f"W{k + 1}"] + net.parameters[f"b{k + 1}"])
        layers.append(x)
    return "dead" if any(half_dead(layer) for layer in layers) else ""


def half_dead(outputs: Array) -> bool:
    """Whether at least half of the columns are zero for every row."""
    return bool(np.mean((outputs == 0).all(axis=0)) >= 0.5)


#: How the harm of some faults of networks shows.
SHOWN = {
    "wrong_axis": _other_score, "overfitting": turned, "local_minimum": _stuck, "dying_relu": dead,
}  # fmt: skip
