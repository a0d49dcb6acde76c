"""Targets that are all alike: no training can be judged beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from doctor_programs import MOONS, curve, for_moons

import chainrule as cr

M, L = MOONS


@pytest.mark.parametrize(
    ("last", "targets", "shown"),
    [
        (cr.Dense(1), np.full((250, 1), 0.1), "0.1"),
        (cr.Dense(2, "softmax"), np.ones(250, int), "1"),
        (cr.Dense(3, "softmax"), np.tile([0.0, 1.0, 0.0], (250, 1)), "0, 1, 0"),
        (cr.Dense(12), np.ones((250, 12)), ", ".join(["1"] * 10) + ", ..."),
    ],
)
def test_beside_targets_that_are_all_alike_a_constant_answer_has_no_loss(
    last: Any, targets: Any, shown: str
) -> None:
    told = cr.diagnose(cr.Sequential(last), M, targets, epochs=10)
    assert told.verdict == "ill"
    assert "where a constant answer has 0 and" in told.summary
    (finding,) = told.findings
    assert finding.name == "targets_constant"
    assert finding.observed == f"all 250 rows have the same target, {shown}"
    assert "look at np.unique(y)" in finding.repair
    before = cr.diagnose(cr.Sequential(last), M, targets, epochs=0)
    assert [finding.name for finding in before.findings] == ["targets_constant"]


def test_targets_that_count_and_are_all_alike() -> None:
    weight = (L == 1).astype(float)
    told = cr.diagnose(for_moons(), M, L, epochs=10, sample_weight=weight)
    assert told.findings[0].observed == "all 125 rows have the same target, 1"
    rare = cr.diagnose(for_moons(), M, np.arange(250) == 3, epochs=10)
    assert rare.findings == (), str(rare)


def test_a_filler_in_the_place_of_targets_is_no_illness() -> None:
    def of_outputs(p: Any, t: Any) -> Any:
        return cr.mean((p[:, 0] - 0.25) ** 2)

    def of_both(p: Any, t: Any) -> Any:
        return cr.mean((p - t) ** 2)

    options = {"epochs": 40, "optimizer": cr.Adam(0.05)}
    told = cr.diagnose(for_moons(), M, L * 0.0, loss=of_outputs, **options)
    assert told.findings == (), str(told)
    told = cr.diagnose(for_moons(), M, L * 0.0, loss=of_both, **options)
    assert [finding.name for finding in told.findings] == ["targets_constant"]


def test_targets_however_small_are_judged_beside_their_own_spread() -> None:
    X, y = curve()
    told = cr.diagnose(cr.Sequential(cr.Dense(16, "tanh"), cr.Dense(1)), X, 1e-7 * y, epochs=40)
    assert told.findings[0].name == "targets_too_large"
    assert "where a constant answer has 9.887e-15" in told.summary
