"""One object that remembers for two layers: at the way back it knows only the last of them.

Told by watching which attributes the forward pass sets more than once, where the gradients are
wrong. Look-alike: an activation's derivative of the wrong quantity, written so in plain sight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.check import kinds
from chainrule.check.surroundings import Surroundings, users
from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import true_gradient
from chainrule.doctor.byhand.probes import Probes


def _suspect(probes: Probes) -> Suspicion | None:
    program, report, point = probes.program, probes.gradients, probes.point
    if report is None or report.ok:
        return None
    things = Surroundings(program.functions()).things()
    kinds = {type(t) for t in things if hasattr(t, "__dict__") and users(type(t)) and _plain(t)}
    set_twice: Counter[tuple[int, str]] = Counter()
    with program.undisturbed(), _watched(kinds, set_twice):
        try:
            program.forward({k: a.copy() for k, a in point.parameters.items()}, point.X)
        except Exception:  # told by the run, which fails for the same reason
            return None
    again = [(key, count) for key, count in set_twice.items() if count > 1]
    if not again:
        return None
    (owner, attribute), count = max(again, key=lambda one: one[1])
    kind = next(type(t).__name__ for t in things if id(t) == owner)
    wrong = [name for name, v in report.parameters.items() if not v.right]
    repair = true_gradient(probes)
    return Suspicion(
        f"the {kind} object that the layers share",
        f"one forward pass sets its .{attribute} {count} times, and the gradients of "
        f"{', '.join(wrong)} are wrong: the way back finds only what the last layer left",
        "once for each object: every layer remembers what is its own",
        () if repair is None else (repair,),
        is_proven=True,
    )


def _plain(thing: Any) -> bool:
    return not isinstance(thing, type) and not callable(type(thing).__dict__.get("__setattr__"))


@contextmanager
def _watched(kinds: set[type], found: Counter[tuple[int, str]]) -> Iterator[None]:
    """Count the arrays that are set as attributes of objects of these classes."""

    def watch(self: Any, name: str, value: Any) -> None:
        if isinstance(value, np.ndarray):
            found[id(self), name] += 1
        object.__setattr__(self, name, value)

    changed = []
    try:
        for kind in kinds:
            try:
                kind.__setattr__ = watch  # type: ignore[assignment]
            except TypeError:  # a class that cannot be watched
                continue
            changed.append(kind)
        yield
    finally:
        for kind in changed:
            del kind.__setattr__


ILLNESS = Illness(
    "stale_cache", "A cache that two layers share", _suspect,
    advice="give every layer its own object: act1, act2 = Activation(), Activation()",
    mistakes=(kinds.STALE,),
)  # fmt: skip
