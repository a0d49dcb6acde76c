"""Targets (n,) beside outputs (n, 1): their difference is (n, n), and the outputs turn constant.

Look-alike: dead units give constant outputs too, but the shapes fit.
"""

from __future__ import annotations

from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import other_targets
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.treating import lack, learns


def _suspect(probes: Probes) -> Suspicion | None:
    out, y = probes.outputs, probes.program.data[1]
    if out is None or {out.ndim, y.ndim} != {1, 2} or out.size != len(out):
        return None
    if y.ndim == 2 and y.shape[1] != 1:
        return None
    text, shape = ("y = y.reshape(-1, 1)", (-1, 1)) if y.ndim == 1 else ("y = y.ravel()", (-1,))
    repair = other_targets(text, lambda rows: rows.reshape(shape))
    # A program that knows of the shapes is none the worse for them.
    repaired = probes.repaired(repair)
    if repaired is None or learns(probes, probes.own):
        return None
    if lack(probes, repaired) > 0.8 * lack(probes, probes.own):
        return None
    n = len(y)
    return Suspicion(
        "the loss",
        f"outputs are {(n, *out.shape[1:])} and targets {y.shape}: their difference is {(n, n)}, "
        "every output against every target",
        f"a difference of shape {(n, *out.shape[1:])}, a row against its own target; "
        "against all of them the best output is their mean",
        (repair,),
        is_proven=True,
    )


ILLNESS = Illness("targets_broadcast", "Targets broadcast against outputs", _suspect)
