"""Whether a prescribed repair cures: the repaired program is trained, and held against the healthy.

Cured is who reaches the worst of three healthy starts within 10 %, plus 1 % of knowing nothing.
"""

from __future__ import annotations

import copy
import traceback
from typing import Any

from doctor.handtraining import hand_healthy, judged, quiet, run
from doctor.training import Scores, healthy, limits, seen_by, turned, within
from doctor.training import judged as judged_network

#: No change of the program brings back labels that are lost, or touches training where only a
#: score is wrong.
BEYOND_REPAIR = ("labels_unrelated", "targets_constant", "wrong_axis")
#: Faults that were planted in another program than the host's own.
OTHER_TWIN = {kind: kind for kind in ("backward_writes_its_argument", "integers_perturbed")}


def cured(diagnosis: Any, made: Any, spec: Any) -> tuple[bool | None, str]:
    """Whether the first finding's repair cures; None if it has none; and what it raised."""
    if spec.kind in BEYOND_REPAIR:
        return None, ""
    try:
        with quiet():
            first = diagnosis.findings[0]
            if first.prescription is None:
                return None, ""
            network = spec.side == "network"
            case = first.apply(_case(made, network))
            found = _trained_network(case, made) if network else _trained_by_hand(case, made)
    except Exception:  # a repair that raises cures nothing; the marks keep what it said
        return False, traceback.format_exc(limit=-3)
    if spec.kind == "overfitting":
        return not turned(made, found), ""
    key = (spec.host, spec.activation, spec.seed)
    twins = healthy(*key) if network else hand_healthy(*key, OTHER_TWIN.get(spec.kind, ""))
    return within(found, limits(made, twins, 1.1, 0.01)), ""


def _case(made: Any, network: bool) -> Any:
    """The program as a case of the doctor's, before its training."""
    from chainrule.doctor import case_of

    if network:
        return case_of(made.network(), made.data.X, made.data.y, **made.options())
    from chainrule.doctor.byhand import program_of

    return program_of(**made.options())


def _truth(made: Any, rows: int, y: Any) -> Any:
    """The true labels; those of the case, as the host has them, if the repair left rows out."""
    if rows == len(made.labels[0]):
        return made.labels[0]
    if made.host.kind == "values" or y.ndim == 1:
        return y
    return y.argmax(axis=1) if made.host.kind == "classes" else y.ravel().astype(int)


def _trained_network(case: Any, made: Any) -> Scores:
    net = copy.deepcopy(case.network)
    history = net.fit(
        case.X, case.y, loss=case.loss, optimizer=case.optimizer, epochs=case.epochs,
        batch_size=case.batch_size, validation=case.validation, shuffle=case.shuffle,
        seed=made.seed, progress=False,
    )  # fmt: skip
    train = judged_network(net, case.X, _truth(made, len(case.X), case.y))
    if case.validation is None or made.labels[1] is None:
        return Scores(train, None)
    held = judged_network(net, case.validation[0], made.labels[1])
    return Scores(train, held, *seen_by(history, made))


def _trained_by_hand(case: Any, made: Any) -> Scores:
    X, y = case.data
    seen: list[float] = []

    def watch(p: Any) -> None:
        if case.validation is not None:
            seen.append(judged(case.forward, p, case.validation[0], made.labels[1]))

    epochs = made.epochs if getattr(case, "epochs", None) is None else case.epochs
    batches = case.batches or (lambda X, y: [(X, y)])
    p = run(case.parameters, case.step, epochs, lambda: batches(X, y), watch)
    train = judged(case.forward, p, X, _truth(made, len(X), y))
    return Scores(train, *((seen[-1], min(seen), seen[-1]) if seen else (None,)))
