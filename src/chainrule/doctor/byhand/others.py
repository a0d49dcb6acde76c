"""Others: how a program's own loop does on rows that it was not trained on, row by row."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from chainrule.doctor.byhand.program import Parameters, Program
from chainrule.doctor.byhand.reading import BINARY, VALUES, Targets, constant, losses
from chainrule.doctor.byhand.running import Portions, Run, affordable_epochs, run
from chainrule.doctor.case import Case, case_of
from chainrule.doctor.probes.others import MOST_OF_A_ROW, OnOthers, together
from chainrule.graph.op import Array
from chainrule.nn.layers import Dense
from chainrule.nn.sequential import Sequential

#: The places of the rows to train on, and of those to judge.
Places = tuple[Array, Array]


def data_case(program: Program, targets: Targets) -> Case:
    """The program's data as a network's, for the judges that ask what can be known of them."""
    X = np.asarray(program.data[0], np.float32)
    X = X.reshape(len(X), -1)
    if targets.kind == VALUES:
        net, y = Sequential(Dense(targets.meant.shape[-1])), targets.meant
    elif targets.kind == BINARY:
        net, y = Sequential(Dense(1, "sigmoid")), targets.meant[:, None].astype(np.float64)
    else:
        net, y = Sequential(Dense(max(2, targets.classes), "softmax")), targets.meant
    return case_of(net, X, y, seed=program.seed)


def on_others(program: Program, targets: Targets, folds: Iterable[Places]) -> OnOthers:
    """Cross-validate a program: each row is judged once, by a run that did not see it."""
    X, y = program.data
    judged, epochs = [], None
    for kept, held in folds:
        parts = Portions(X[kept], y[kept], targets.rows(kept), X[held], targets.rows(held))
        epochs = affordable_epochs(program, parts) if epochs is None else epochs
        judged.append(_judged(program, parts, run(program, parts, epochs)))
    looks = max(len(one.own) for one in judged)
    return together([_to_the_end(one, looks) for one in judged])


def _judged(program: Program, parts: Portions, found: Run) -> OnOthers:
    assert parts.held is not None
    shares = np.array([row[1] for row in found.curve])
    left = [_shares(program, parts, p) for p in found.seen[1 : len(found.curve)]]
    if found.failed or not left:
        left.append(np.full(len(parts.held.meant), MOST_OF_A_ROW))
        shares = np.append(shares, MOST_OF_A_ROW)
    return OnOthers(np.array(left), shares[1:], float(shares[0]))


def _shares(program: Program, parts: Portions, p: Parameters) -> Array:
    """The loss of each row held back beside that of the constant answer."""
    assert parts.held is not None
    with program.undisturbed():
        out = program.forward({name: array.copy() for name, array in p.items()}, parts.held_x)
    found: Array = np.minimum(losses(out, parts.held) / constant(parts.held), MOST_OF_A_ROW)
    return found


def _to_the_end(one: OnOthers, looks: int) -> OnOthers:
    """A run that ended early stays where it ended."""
    more = looks - len(one.own)
    left = np.concatenate([one.left, np.repeat(one.left[-1:], more, axis=0)])
    return OnOthers(left, np.append(one.own, np.repeat(one.own[-1:], more)), one.start)
