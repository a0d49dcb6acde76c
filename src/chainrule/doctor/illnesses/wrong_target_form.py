"""Targets in another form than the loss takes: one-hot for indices or the reverse, -1 and 1.

The loss refuses them, or reads them as what they are not. No look-alike: their shape and their
values tell.
"""

from __future__ import annotations

import numpy as np

from chainrule.doctor.case import Case
from chainrule.doctor.finding import Prescription
from chainrule.doctor.illnesses.illness import Illness, Suspicion
from chainrule.doctor.prescriptions import reformed_targets, standard_loss
from chainrule.errors import ChainruleError
from chainrule.nn import fitting
from chainrule.train import checks


def suspect(case: Case) -> Suspicion | None:
    """Asked of the case itself: whether its targets are refused, and what form is not."""
    refused = _refusal(case)
    if refused is None:
        return None
    repairs = [way for way in _ways(case) if _refusal(way.apply(case)) is None]
    return Suspicion(
        "y",
        f"y has shape {np.shape(case.y)} and values {_values(case)}, and the loss "
        f"{case.loss.name} cannot take them: {refused}",
        "targets in the form that the loss takes",
        tuple(repairs),
        is_proven=True,
    )


def _refusal(case: Case) -> str | None:
    """What the loss says of the targets; all other errors are the caller's."""
    net = case.network
    pairs = [(case.X, case.y), *([] if case.validation is None else [case.validation])]
    checked = [(fitting.inputs(X, net.dtype, net.input_shape), y) for X, y in pairs]
    checks.outputs(net, case.loss)
    if np.asarray(case.y).dtype.kind not in "biuf":
        fitting.targets(case.y, case.loss, len(case.X), net.output_shape, net.dtype)
    try:
        for x, y in checked:
            fitting.targets(y, case.loss, len(x), net.output_shape, net.dtype)
    except ChainruleError as error:
        return str(error)
    return None


def _values(case: Case) -> str:
    seen = np.unique(np.asarray(case.y))
    if len(seen) <= 4:
        return " and ".join(f"{value:g}" for value in seen)
    return f"from {seen[0]:g} to {seen[-1]:g}"


def _ways(case: Case) -> list[Prescription]:
    """Forms to try, the simplest first."""
    y = np.asarray(case.y)
    outputs = case.network.output_shape[-1]
    ways = []
    if case.network.last_activation == "softmax" and case.loss.kind != "classes":
        ways.append(standard_loss("cross_entropy"))
    if y.ndim == 2 and y.shape[1] > 1:
        ways.append(reformed_targets("y = y.argmax(axis=1)", lambda t: t.argmax(axis=1)))
    if np.array_equal(np.unique(y), (-1, 1)):
        ways.append(reformed_targets("y = (y + 1) / 2", lambda t: (t + 1) / 2))
    if y.size == len(y):
        low = y.min()
        ways.append(reformed_targets(f"y = y - {low:g}", lambda t: t - low))
        if outputs > 1 and low >= 0 and y.max() < outputs and np.array_equal(y, np.round(y)):
            ways.append(
                reformed_targets(
                    f"y = np.eye({outputs})[y]",
                    lambda t: np.eye(outputs)[t.reshape(-1).astype(int)],
                )
            )
    return ways


ILLNESS = Illness(
    "wrong_target_form", "Targets in a form that the loss does not take", lambda probes: None,
    advice="bring y into the form that the message names",
)  # fmt: skip
