"""check_gradients: is a backward pass right, and if not, what is wrong with it?"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.check.attributes import of_object
from chainrule.check.calls import Calls, Looked
from chainrule.check.evidence import Evidence, Truth
from chainrule.check.judgement import FLAT, Judgement, at_point, is_flat, other_truths
from chainrule.check.judging import verdict
from chainrule.check.naming import name_mistakes
from chainrule.check.networks import of_graph, of_network
from chainrule.check.report import GradientReport, Verdict
from chainrule.check.subjects import Subject, of_functions
from chainrule.check.truth import ASIDE, Found, aside
from chainrule.errors import OptionError
from chainrule.graph import Graph
from chainrule.nn import Sequential


def check_gradients(
    function: Any,
    parameters: Any,
    gradients: Any = None,
    /,
    *,
    loss: Any = None,
    names: Sequence[str] | None = None,
    seed: int = 0,
) -> GradientReport:
    """Judge gradients that somebody computed by hand, and name the mistake if there is one.

    The true gradient is found by recording the loss as a graph, which differences of the loss then
    confirm; else by the complex step; else by central differences. All of it in float64. Nothing
    of the user's is changed: functions get copies, and what they keep is put back.

    Four ways to ask::

        check_gradients(loss, parameters, gradients)   functions or arrays, in plain NumPy
        check_gradients(network, (X, t))               an object with loss and backward methods
        check_gradients(net, (X, t), loss="...")       a Sequential
        check_gradients(graph, parameters, gradients)  a Graph with one number as output

    Args:
        function: the loss: a function that returns one number. Or one of the other three.
        parameters: what the loss takes: a dict or list of arrays (nested as you like), or one
            array; a list also fits a loss of several arguments. With an object in this place, its
            attributes are the parameters, and ``function`` and ``gradients`` are called with it.
        gradients: what the backward pass gave, arranged as the parameters; a dict may name them
            dW1, grad_W1 and the like. Better: the function that computes them, called like the
            loss, right after it. Then more can be told apart.
        loss: for a Sequential, as in ``fit``.
        names: the parameters to be judged; default all.
        seed: of the random directions and entries.

    Returns:
        A report: ``ok``, ``parameters`` (a verdict for each), ``mistakes``, ``notes``, ``how``.

    Raises:
        GradientError: the loss is not one finite number, or gradients cannot be assigned.
        OptionError, DataError, DtypeError: what was given cannot be read as parameters.

    Sources: Squire & Trapp 1998 (complex step); Parker 1997 (rounding, measured).
    """
    subject = subject_of(function, parameters, gradients, loss, names)
    calls = Calls(subject)
    with calls.surroundings.kept():
        return _judged(subject, calls, seed)


def subject_of(
    function: Any, parameters: Any, gradients: Any, loss: Any, names: Sequence[str] | None
) -> Subject:
    """What is to be judged, from any of the ways to ask."""
    if isinstance(function, Sequential):
        return of_network(function, parameters, loss, names)
    if loss is not None:
        raise OptionError(
            "loss= names the loss of a Sequential. The loss of a function is the first argument: "
            "check_gradients(loss, parameters, gradients)."
        )
    if isinstance(function, Graph):
        return of_graph(function, parameters, gradients, names)
    if isinstance(function, int | float | np.ndarray | np.generic):
        raise OptionError(
            f"the first argument is the loss: a function of the parameters, not the number that it "
            f"gave ({np.asarray(function).ravel()[:3]}). Write check_gradients(loss, ...), without "
            "calling it."
        )
    is_object = not callable(function) or (
        gradients is None
        and not isinstance(function, functools.partial | np.ufunc)
        and not inspect.isroutine(function)
    )
    if is_object or _has_attributes(parameters):
        return of_object(function, parameters, gradients, names)
    if gradients is None:
        raise OptionError(
            "the gradients are missing: check_gradients(loss, parameters, gradients), where "
            "gradients are the arrays that your backward pass gave, or the function for it."
        )
    return of_functions(function, parameters, gradients, names)


def _has_attributes(parameters: Any) -> bool:
    is_data = isinstance(parameters, Mapping | list | tuple | int | float | np.ndarray | np.generic)
    return not is_data and hasattr(parameters, "__dict__")


def _judged(subject: Subject, calls: Calls, seed: int) -> GradientReport:
    point = subject.parameters
    looked = calls.look(point)
    notes = list(looked.notes)
    if looked.conduct.loss_varies:
        return _undecided(subject, calls, looked)
    judgement = at_point(calls, point, looked, seed)
    if subject.gradients is not None and judgement.at_kink:
        moved = aside(calls, point, np.random.default_rng(seed))
        there = None if moved is None else calls.look(moved)
        # A function that gives the same arrays wherever it is called cannot be judged elsewhere.
        if moved is not None and there is not None and _differ(there, looked):
            judgement = at_point(calls, moved, there, seed)
            notes.append(
                "at the given parameters the loss has a kink (a ReLU at exactly 0, say), where a "
                f"gradient is a matter of taste; they were moved aside by up to {ASIDE:.0%}."
            )
    taken = ""
    for other, note in other_truths(calls, judgement, seed):
        if other.is_better_than(judgement):
            judgement, taken = other, note
    notes += [taken] if taken else []
    if judgement.kinks:
        notes.append(
            f"{judgement.kinks} entries were left out, because the loss has a kink there (a ReLU "
            "at exactly 0, say), and theirs lies between the derivatives to either side."
        )
    if is_flat(calls, judgement):
        return GradientReport(
            _unjudged(judgement.verdicts), (), (*notes, FLAT), "nothing was judged."
        )
    return GradientReport(
        judgement.verdicts,
        name_mistakes(_evidence(subject, calls, judgement)),
        tuple(notes),
        judgement.found.how,
    )


def _differ(a: Looked, b: Looked) -> bool:
    """Whether their gradients are others."""
    pairs = [(a.theirs[name], b.theirs[name]) for name in a.theirs]
    return any(
        x is not None and y is not None and not np.array_equal(x, y, equal_nan=True)
        for x, y in pairs
    )


def _unjudged(verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
    return {
        name: Verdict(name, False, None, None, None, v.shape, judged=False)
        for name, v in verdicts.items()
    }


def _evidence(subject: Subject, calls: Calls, judgement: Judgement) -> Evidence:
    return Evidence(
        parameters=judgement.point,
        theirs=judgement.looked.theirs,
        true=judgement.found.true,
        graph=judgement.found.graph,
        why_no_graph=judgement.found.why_no_graph,
        loss=judgement.looked.loss,
        loss_at=calls.loss,
        gradients_at=calls.gradients,
        eps=judgement.looked.eps,
        conduct=judgement.looked.conduct,
        functions=_users(subject, calls),
    )


def _users(subject: Subject, calls: Calls) -> tuple[Callable[..., Any], ...]:
    """The user's functions: what was handed over, then all that these call."""
    return tuple(dict.fromkeys([*subject.functions, *calls.surroundings.functions]))


def _undecided(subject: Subject, calls: Calls, looked: Looked) -> GradientReport:
    """The report on a loss that gives another number at every call."""
    true = {
        name: Truth(np.full(a.shape, np.nan), np.zeros(a.shape), exact=False)
        for name, a in subject.parameters.items()
    }
    verdicts = _unjudged({name: verdict(name, None, truth) for name, truth in true.items()})
    found = Found(true, None, "the loss gives another number at every call", "nothing was judged.")
    judgement = Judgement(subject.parameters, looked, found, verdicts)
    mistakes = name_mistakes(_evidence(subject, calls, judgement))
    return GradientReport(verdicts, mistakes, looked.notes, found.how)
