"""Mutants of an activation's derivative: left out, of the wrong quantity, of another activation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from chainrule.check import kinds
from chainrule.check.activations import ENTRYWISE, RELU, SIGMOID, TANH, Known, Site
from chainrule.check.anatomy import Anatomy
from chainrule.check.evidence import Array
from chainrule.check.head import Head
from chainrule.check.mutants.mutant import Mutant, derivative_replaced
from chainrule.graph import Tensor

#: Derivatives that differ by less than this, relative to the largest, are the same derivative.
SAME = 1e-12


@dataclass(frozen=True, eq=False)
class _Form:
    """A derivative as somebody might write it: an array, or a function of what arrives."""

    kind: str
    key: str
    what: str
    rank: int
    derivative: Array | Callable[[Array], Array]

    def change(self, g: Any) -> Any:
        return self.derivative(g) if callable(self.derivative) else g * self.derivative


def activation_mutants(
    anatomy: Anatomy, sites: Sequence[Site], head: Head | None
) -> Iterator[Mutant]:
    """Each activation by itself, then all of one kind together, with each wrong derivative."""
    forms: dict[Site, dict[str, _Form]] = {}
    for site in sites:
        known = list(_forms(site, anatomy))
        if site.a is None:
            # Recorded with the loss: what arrives between the two is worked out from the head.
            if head is None or head.site is not site:
                continue
            arriving = head.arriving(anatomy.replay.values[site.z])
            known = [replace(form, derivative=_always(form.change(arriving))) for form in known]
        forms[site] = {form.key: form for form in known}
        for form in forms[site].values():
            yield _mutant([site], [form])
    for group in _groups(list(forms)):
        keys = dict.fromkeys(key for site in group for key in forms[site])
        for key in keys:
            alike = [site for site in group if key in forms[site]]
            # Several layers with the values of one: that is no name mixed up, but one cache.
            if len(alike) > 1 and not key.startswith("other"):
                yield _mutant(alike, [forms[site][key] for site in alike])
        yield from _of_neighbours(group, anatomy)


def _always(dz: Array) -> Callable[[Any], Array]:
    return lambda _: dz


def _groups(sites: list[Site]) -> Iterator[list[Site]]:
    """The same activation used several times: by kind, without the output and with it; and all."""
    seen = set()
    hidden = [site for site in sites if not site.is_last]
    for pool in (hidden, sites):
        ordered = sorted(pool, key=lambda site: site.name)
        groups = [list(same) for _, same in groupby(ordered, key=lambda site: site.name)]
        for group in [*groups, pool]:
            members = frozenset(site.z for site in group)
            if len(group) > 1 and members not in seen:
                seen.add(members)
                yield group


def _mutant(sites: Sequence[Site], forms: Sequence[_Form]) -> Mutant:
    rules: dict[Tensor, Any] = {}
    for site, form in zip(sites, forms, strict=True):
        rules |= derivative_replaced(site, form.change)
    form, site = forms[0], sites[-1]
    where = [described(site) for site in sites]
    together = where[0] if len(set(where)) == 1 else f"{', '.join(where[:-1])} and {where[-1]}"
    return Mutant(
        form.kind, rules, site.place, form.what.format(where=together), _repair(site), form.rank
    )


def described(site: Site) -> str:
    """The activation in words: the sigmoid after W1."""
    name = "output" if site.name == "linear" else site.name
    return f"the {name} after {site.layer}" if site.layer else f"the {name}"


def _repair(site: Site) -> str:
    if site.name == "linear":
        return "dz = da    # there is no activation here, so no derivative"
    if site.axis is not None:
        return f"dz = a * (da - np.sum(da * a, axis={site.axis}, keepdims=True))"
    text = site.known.text if site.known else "f'(z)"
    return f"dz = da * {text}    # a = {site.name}(z)"


def _forms(site: Site, anatomy: Anatomy) -> Iterator[_Form]:
    """The wrong derivatives that differ from the right one here."""
    z, a = anatomy.replay.values[site.z], site.output
    right = None if site.axis is not None else np.asarray(site.backward(np.ones(z.shape), a, z))
    with np.errstate(all="ignore"):
        for form in (
            *_missing(site),
            *(_of_wrong_quantity(site, anatomy) if site.known else ()),
            *_of_another(site, a, z),
            *_twice(site, a, z),
        ):
            if right is None or callable(form.derivative) or _differ(form.derivative, right):
                yield form


def _differ(a: Array, b: Array) -> bool:
    if not np.all(np.isfinite(a)):
        return False
    return bool(np.max(np.abs(a - b), initial=0.0) > SAME * np.max(np.abs(b), initial=1e-300))


def _missing(site: Site) -> Iterator[_Form]:
    if site.name == "linear":
        return
    yield _Form(
        kinds.DERIVATIVE_MISSING, "missing",
        "Theirs passes the gradient through {where} unchanged: da is used where "
        "dz = da * f'(z) belongs.",
        0, np.ones(site.z.shape),
    )  # fmt: skip


def _of_wrong_quantity(site: Site, anatomy: Anatomy) -> Iterator[_Form]:
    known = site.known
    assert known is not None
    a, z = site.output, anatomy.replay.values[site.z]
    kind = kinds.WRONG_QUANTITY
    yield _Form(
        kind, "of_output(z)",
        f"Theirs uses {known.text} with z, the input of {{where}}, in the place of its output a.",
        0, known.of_output(z),
    )  # fmt: skip
    yield _Form(
        kind, "of_input(a)",
        f"Theirs hands the output a of {{where}} to a derivative that wants z: {site.name} is "
        "applied a second time inside it.",
        1, known.of_input(a),
    )  # fmt: skip
    yield _Form(
        kind, "of_gradient",
        "Theirs takes the derivative of {where} at the gradient that arrives, not at z.",
        4, lambda g: g * known.of_output(g),
    )  # fmt: skip
    for text, derivative in _misspelled(known, a):
        yield _Form(
            kind, text, f"Theirs uses {text} as the derivative of {{where}}.", 6, derivative
        )
    for node, name in _others(site, anatomy):
        values = anatomy.replay.values[node]
        for way, function in (("output", known.of_output), ("input", known.of_input)):
            yield _Form(
                kind, f"other:{node.index}:{way}",
                f"Theirs takes the derivative of {{where}} at the values of another place, {name}.",
                5, function(values),
            )  # fmt: skip
            yield _Form(
                kinds.STALE, f"cache:{node.index}:{way}",
                f"Theirs takes the derivative of {{where}} at what a later call left, {name}: one "
                "object or variable keeps the values of several layers.",
                5, function(values),
            )  # fmt: skip


def _of_neighbours(group: Sequence[Site], anatomy: Anatomy) -> Iterator[Mutant]:
    """In a loop over steps: the derivative at the step before, or after."""
    known = group[0].known
    steps = sorted(group, key=lambda site: site.z.index)
    if known is None or any(site.a is None for site in steps):
        return
    if len({(site.z.shape, str(site.z.place)) for site in steps}) > 1:
        return
    outputs = [site.output for site in steps]
    shape = steps[0].z.shape
    starts = [np.zeros(shape)]
    for node in anatomy.replay.nodes:
        if node not in anatomy.replay.leads and node.shape == shape and node.dtype.kind == "f":
            starts.append(anatomy.replay.values[node])
    for start in starts:
        for step, values in (("before", [start, *outputs[:-1]]), ("after", [*outputs[1:], start])):
            forms = [
                _Form(
                    kinds.WRONG_QUANTITY, step,
                    f"Theirs takes the derivative of {{where}} at the values of the step {step}.",
                    2, known.of_output(a),
                )
                for a in values
            ]  # fmt: skip
            yield _mutant(steps, forms)


def _misspelled(known: Known, a: Array) -> Iterator[tuple[str, Any]]:
    if known is TANH:
        yield "1 - a", 1 - a
        yield "1 + a**2", 1 + a * a
        yield "a**2", a * a
        yield "(1 - a)**2", (1 - a) ** 2
    if known is SIGMOID:
        yield "1 - a", 1 - a
        yield "a", a
        yield "a * (1 + a)", a * (1 + a)
        yield "a - a**3", a - a**3
    if known is RELU:
        yield "a", a
        yield "a <= 0", (a <= 0) * 1.0


def _others(site: Site, anatomy: Anatomy) -> Iterator[tuple[Tensor, str]]:
    """Other nodes of the same shape: those of other layers, and the data."""
    own = anatomy.replay.ancestors(anatomy.replay.output if site.a is None else site.a)
    between = {n for n in own if n.index >= site.z.index}
    for node in anatomy.replay.nodes:
        if node.shape == site.z.shape and node.dtype.kind == "f" and node not in between:
            layer = anatomy.after(node)
            yield node, f"after {layer}" if layer else "before the first layer"


def _of_another(site: Site, a: Array, z: Array) -> Iterator[_Form]:
    for rank, other in enumerate(ENTRYWISE):
        if other is site.known:
            continue
        ways: Mapping[str, Array] = {
            "a": other.of_output(a), "z": other.of_input(z), "A": other.of_input(a),
            "Z": other.of_output(z),
        }  # fmt: skip
        for way, derivative in ways.items():
            slip = 0 if way in "az" else 10
            told = (
                f"Theirs multiplies by the derivative of {other.name}, and there is no activation "
                "at {where}."
                if site.name == "linear"
                else f"Theirs uses the derivative of {other.name}, {other.text}, under {{where}}."
            )
            yield _Form(
                kinds.OTHER_DERIVATIVE, f"{other.name}:{way}", told, rank + slip, derivative
            )
    if site.known is not None and site.name != "leaky ReLU":
        for slope in (0.01, 0.1, 0.2):
            yield _Form(
                kinds.OTHER_DERIVATIVE, f"leaky:{slope}",
                f"Theirs uses the derivative of leaky ReLU with slope {slope} under {{where}}.",
                8, np.where(z > 0, 1.0, slope),
            )  # fmt: skip


def _twice(site: Site, a: Array, z: Array) -> Iterator[_Form]:
    if site.name == "linear":
        return

    def change(g: Array) -> Array:
        return site.backward(site.backward(g, a, z), a, z)

    last = "the output's activation" if site.is_last else "an activation"
    yield _Form(
        kinds.COUNTED_TWICE, "twice",
        f"Theirs multiplies by the derivative of {last}, {{where}}, twice.",
        0, change,
    )  # fmt: skip
