"""The planned engine against the definition, on random graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from engine_checks import assert_engines_agree, assert_programs_agree
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_graphs import Case, cases

import chainrule as cr
from chainrule.engine import plan

quietly = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@settings(quietly, max_examples=250)
@given(cases())
def test_compiled_graph_equals_reference(case: Case) -> None:
    case.graph.verify()
    assert_engines_agree(case.graph, case.arrays)


@settings(quietly, max_examples=250)
@given(cases(), st.sampled_from([None, None, None, 0, 1]))
def test_program_that_replaces_its_inputs_equals_reference(case: Case, bind: int | None) -> None:
    assert_programs_agree(case, bind=bind)
