"""Training programs by hand, by their own step and their own batches."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from doctor.byhand import Script, script
from doctor.handfaults import numerical, with_skip
from doctor.hosts import Array, present, yardstick
from doctor.training import Scores, half_dead, turned

#: Faults of the computation: they are there if three updates differ from the right program's.
COMPUTED = (
    "missing_mean", "wrong_sign", "activation_derivative_missing", "weight_not_transposed",
    "gradient_transposed", "bias_not_summed", "bias_of_another_layer", "softmax_scaled_twice",
    "stale_cache", "backward_writes_its_argument", "integers_perturbed", "updated_too_early",
    "gradients_not_cleared", "integer_parameters",
)  # fmt: skip

#: A loss of XOR above this is that of two or three rows right, and not of four.
STUCK = 0.15
Parameters = dict[str, Array]


@contextmanager
def quiet() -> Iterator[None]:
    """Overflow and the like are the programs' business."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def run(
    start: Any, step: Callable[..., Any], epochs: int, batches: Callable[[], Any],
    after: Callable[[Any], None] | None = None,
) -> Any:  # fmt: skip
    """A loop by hand: the parameters after so many epochs; ``after`` is told those of each."""
    p = {name: np.array(array) for name, array in start.items()}
    for _ in range(epochs):
        for X, y in batches():
            new = step(p, X, y)
            p = p if new is None else new
        if after is not None:
            after(p)
    return p


def hand_scores(program: Script) -> Scores:
    """Run the program's own loop and judge its outputs by the host's own loss."""
    data, seen = program.data, []
    try:
        with quiet():
            made = program.module()
            watched = data.Xv is not None and data.yv is not None
            every = max(1, program.epochs // 40)

            def watch(p: Any) -> None:
                seen.append(judged(made.forward, p, data.Xv, program.labels[1]))

            p = run(made.parameters, made.step, every, lambda: made.batches(data.X, data.y))
            for _ in range(every, program.epochs, every):
                if watched:
                    watch(p)
                p = run(p, made.step, every, lambda: made.batches(data.X, data.y))
            held = judged(made.forward, p, data.Xv, program.labels[1]) if watched else None
            train = judged(made.forward, p, data.X, program.labels[0])
    except Exception as error:  # whatever a program of a learner's raises, it is refused
        return Scores(float("inf"), None, why=f"{type(error).__name__}: {error}")
    return Scores(train, held, *((min([*seen, held]), held) if watched else ()))


def judged(forward: Callable[..., Any], p: Any, X: Any, y: Any) -> float:
    """The host's own loss of the outputs for these rows."""
    return yardstick(forward(p, X), y)


def right_program(fault: str, host: str, activation: str, seed: int) -> Script:
    """What the program would be without its fault."""
    right: Script | None = script(present()[host], activation, seed)
    assert right is not None
    if fault == "backward_writes_its_argument":
        return with_skip(right)
    if fault == "integers_perturbed":
        right = numerical(right)
        assert right is not None
    return right


@functools.cache
def hand_healthy(host: str, activation: str, seed: int, fault: str = "") -> tuple[Scores, ...]:
    """The scores of the right program by hand from three starts."""
    program = right_program(fault, host, activation, seed)
    return tuple(hand_scores(program.with_values(SEED=seed + 100 * k)) for k in range(3))


def _stuck(program: Script, found: Scores) -> str:
    """Whether this start leads nowhere, and some of ten others do."""
    if found.train < STUCK:
        return ""
    others = (program.with_values(SEED=500 + k) for k in range(10))
    return "stuck" if any(hand_scores(other).train < STUCK / 2 for other in others) else ""


def _other_score(program: Script, found: Scores) -> str:
    """Whether the program's own score is off by more than 2 points after a third of the epochs."""
    data = program.data
    with quiet():
        made = program.module()
        p = run(
            made.parameters, made.step, 1 + program.epochs // 3,
            lambda: made.batches(data.X, data.y),
        )  # fmt: skip
        q, y = made.forward(p, data.X), np.asarray(program.labels[0])
        chosen = q.argmax(axis=1) if q.shape[1] > 1 else (q[:, 0] > 0.5).astype(int)
        own = float(made.metric(p, data.X, data.y))
    return "other score" if abs(own - np.mean(chosen == y)) > 0.02 else ""


def hand_dead(program: Script, found: Scores | None = None) -> str:
    """Whether at least half of a hidden layer's units are zero for every row at the end."""
    with quiet():
        made = program.module()
        p = run(
            made.parameters, made.step, program.epochs,
            lambda: made.batches(program.data.X, program.data.y),
        )  # fmt: skip
        hidden = made.layers(p, program.data.X)[:-1]
    return "dead" if any(half_dead(layer) for layer in hidden) else ""


def _computed_wrongly(program: Script, found: Scores, fault: str) -> str:
    """Whether three updates on the first rows differ from those of the right program."""
    right = right_program(fault, program.host.name, program.activation, program.seed)
    ends = []
    for one in (program, right):
        data = one.data
        with quiet():
            made = one.module()
            first = [(data.X[:32], data.y[:32])]
            ends.append(run(made.parameters, made.step, 3, lambda batch=first: batch))
    same = all(np.allclose(ends[0][name], ends[1][name], rtol=1e-6, atol=1e-9) for name in ends[1])
    return "" if same else "computed wrongly"


#: How the harm of some faults of programs by hand shows.
HAND_SHOWN: dict[str, Callable[[Script, Scores], str]] = {
    "wrong_axis": _other_score, "overfitting": turned, "local_minimum": _stuck,
    "dying_relu": hand_dead,
    **{fault: functools.partial(_computed_wrongly, fault=fault) for fault in COMPUTED},
}  # fmt: skip
