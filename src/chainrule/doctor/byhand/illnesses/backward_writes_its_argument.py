"""A backward pass that writes into an array that somebody else still reads: g *= ...

In a plain chain it does nothing; with a skip connection the other branch gets a gradient that is
scaled already. Evidence: the backward pass is run on arrays that cannot be written in place (an
operation with ``out=`` makes a new array instead), and then it is right. Look-alikes: every other
mistake in the gradients, which gives the same wrong numbers on such arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.check import check_gradients, kinds
from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import true_gradient
from chainrule.doctor.byhand.probes import Point, Probes
from chainrule.doctor.byhand.program import Parameters


class _Unwritable(np.ndarray):
    """An array on which in-place operations give a new array; results are of its kind."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        options.pop("out", None)
        plain = [np.asarray(x) if isinstance(x, _Unwritable) else x for x in inputs]
        result = getattr(ufunc, method)(*plain, **options)
        return result.view(_Unwritable) if isinstance(result, np.ndarray) else result


def _suspect(probes: Probes) -> Suspicion | None:
    program, report, point = probes.program, probes.gradients, probes.point
    if report is None or report.ok or program.loss is None or program.gradients is None:
        return None
    loss, gradients = program.loss, program.gradients

    def on_unwritable(p: Parameters) -> Parameters:
        held = {name: array.copy().view(_Unwritable) for name, array in p.items()}
        given = gradients(held, point.X.view(_Unwritable), point.y)
        return {name: np.array(given[name]) for name in p}

    try:
        with program.undisturbed():
            if _same(on_unwritable(point.parameters), gradients(_copied(point), point.X, point.y)):
                return None  # as wrong as before, and the check is dear
        with program.undisturbed():
            again = check_gradients(
                lambda p: loss(p, point.X, point.y), point.parameters, on_unwritable,
                seed=program.seed,
            )  # fmt: skip
    except Exception:  # such arrays are not what the program can work with
        return None
    if not again.ok:
        return None
    wrong = [name for name, v in report.parameters.items() if not v.right]
    worst = report.parameters[wrong[0]] if wrong else None
    number = (
        f"{worst.residual:.1%} of {wrong[0]}'s gradient points elsewhere"
        if (worst is not None and worst.residual is not None)
        else "the gradients are wrong"
    )
    repair = true_gradient(probes)
    return Suspicion(
        f"gradients, in {', '.join(wrong)}",
        f"{number}; on arrays that cannot be written in place the same code is right",
        "the same gradients either way: an array that arrives belongs to who sent it",
        () if repair is None else (repair,),
        is_proven=True,
    )


def _copied(point: Point) -> Parameters:
    return {name: array.copy() for name, array in point.parameters.items()}


def _same(one: Parameters, other: Parameters) -> bool:
    return all(np.array_equal(array, np.asarray(other[name])) for name, array in one.items())


ILLNESS = Illness(
    "backward_writes_its_argument", "The backward pass writes into its argument", _suspect,
    advice="make a new array: g = g * slope(h), not g *= slope(h)",
    mistakes=(kinds.OVERWRITTEN, kinds.WRITTEN_INTO),
)  # fmt: skip
