"""Mistakes in a backward pass: what ``check_gradients`` names, with the training that proves it.

The check is made with fresh parameters and scaled rows, where no start and no scale of the data
hides a mistake or looks like one.
"""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.check import Mistake, kinds
from chainrule.doctor.byhand.illnesses import backward_writes_its_argument, stale_cache
from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion
from chainrule.doctor.byhand.prescriptions import true_gradient
from chainrule.doctor.byhand.probes import Probes

#: What the check calls it, what the doctor does.
NAMES = {
    kinds.MISSING_M: "missing_mean",
    kinds.WRONG_SIGN: "wrong_sign",
    kinds.DERIVATIVE_MISSING: "activation_derivative_missing",
    kinds.WEIGHT_NOT_TRANSPOSED: "weight_not_transposed",
    kinds.TRANSPOSED: "gradient_transposed",
    kinds.NOT_SUMMED: "bias_not_summed",
    kinds.OTHER_BIAS: "bias_of_another_layer",
    kinds.COUNTED_TWICE: "softmax_scaled_twice",
    kinds.WRONG_PAIR: "softmax_scaled_twice",
    kinds.STALE: "stale_cache",
    kinds.OVERWRITTEN: "backward_writes_its_argument",
    kinds.WRITTEN_INTO: "backward_writes_its_argument",
}
#: Parameters that the loss does not use, or that are frozen on purpose, keep nobody from learning.
HARMLESS = (kinds.UNUSED, kinds.NOISE, kinds.NOT_DETERMINISTIC)


def mistakes(probes: Probes) -> Iterator[tuple[Illness, Suspicion]]:
    """The illnesses that the check of the gradients proves."""
    report = probes.gradients
    if report is None or report.ok:
        return
    for illness in (backward_writes_its_argument.ILLNESS, stale_cache.ILLNESS):
        found = illness.suspect(probes)
        if found is not None:
            yield illness, found
            return
    for mistake in report.mistakes:
        if mistake.kind not in HARMLESS:
            yield _illness(mistake), _suspicion(probes, mistake)


def _illness(mistake: Mistake) -> Illness:
    name = NAMES.get(mistake.kind, mistake.kind.replace(" ", "_").replace("/", "_"))
    title = f"In the gradients: {mistake.kind}"
    return Illness(name, title, lambda probes: None, advice=mistake.repair)


def _suspicion(probes: Probes, mistake: Mistake) -> Suspicion:
    report = probes.gradients
    assert report is not None
    wrong = [name for name in mistake.parameters if name in report.parameters]
    first = report.parameters[wrong[0]] if wrong else None
    number = ""
    if first is not None and first.slope is not None and first.residual is not None:
        number = (
            f" (the gradient of {wrong[0]} is {first.slope:.4g} times the true one, and "
            f"{first.residual:.1%} of it points elsewhere)"
        )
    repair = true_gradient(probes)
    place = f"{mistake.place}: {mistake.line.strip()}" if mistake.place else "gradients"
    return Suspicion(
        f"{place}, in {', '.join(mistake.parameters)}" if mistake.parameters else place,
        f"{mistake.what}{number}",
        "1 times the true gradient with nothing left over, as the chain rule gives it",
        () if repair is None else (repair,),
        is_proven=True,
        rivals=tuple(
            NAMES.get(rival.kind, rival.kind.replace(" ", "_")) for rival in mistake.rivals
        ),
    )
