"""The planned engine against the definition, on random graphs."""

from __future__ import annotations

from typing import Any

import pytest
from engine_checks import assert_engines_agree, assert_programs_agree
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_graphs import Case, cases

from chainrule.engine import plan

quietly = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@settings(quietly, max_examples=500)
@given(cases())
def test_compiled_graph_equals_reference(case: Case) -> None:
    case.graph.verify()
    assert_engines_agree(case.graph, case.arrays)


@settings(quietly, max_examples=500)
@given(cases(), st.sampled_from([None, None, None, 0, 1]))
def test_program_that_replaces_its_inputs_equals_reference(case: Case, bind: int | None) -> None:
    assert_programs_agree(case, bind=bind)


def one_call_early(planner: Any) -> None:
    planner.last_read = {slot: max(i - 1, 0) for slot, i in planner.last_read.items()}


def before_the_last_reader(planner: Any, slot: Any, i: int) -> bool:
    return slot.base is None and slot.call is not None


def while_still_read(planner: Any, slot: Any, memory: Any, last_read: int) -> bool:
    fits = slot.shape == memory.shape and slot.dtype == memory.dtype
    return slot.call is not None and slot.call.kind in ("ufunc", "reduce", "copy") and fits


def without_putting_aside(planner: Any, targets: Any, all_bound: bool) -> None:
    DELIVER(planner, targets, all_bound)
    planner.plan.copies = planner.late


def forgetting_the_parts(planner: Any) -> None:
    planner.last_read, kept = dict(planner.last_read), planner.last_read
    JOIN_IN_PLACE(planner)
    planner.last_read = kept


ASSIGN, DELIVER = plan._Planner.assign, plan._Planner.deliver
JOIN_IN_PLACE = plan._Planner.join_in_place
FAULTS = {
    "a buffer is given back one call too early": (
        "assign",
        lambda planner: (one_call_early(planner), ASSIGN(planner)),
    ),
    "a result is written over an input that is read later": ("_dies_at", before_the_last_reader),
    "a parameter is replaced while it is still read": ("_may_live_in", while_still_read),
    "an old value is not put aside before it is replaced": ("deliver", without_putting_aside),
    "a joined array is given back while a part is read": ("join_in_place", forgetting_the_parts),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, wrong = FAULTS[fault]
    monkeypatch.setattr(plan._Planner, method, wrong)

    @settings(quietly, max_examples=250, phases=[Phase.generate], report_multiple_bugs=False)
    @given(cases())
    def the_same_comparison(case: Case) -> None:
        assert_programs_agree(case)

    with pytest.raises(AssertionError, match=r"(?s)array \d+: .* is not "):
        the_same_comparison()
