"""Validation rows that are training rows too: told where that is no chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from doctor_programs import digits, for_digits, for_xor

import chainrule as cr
from chainrule.doctor.probes.twins import twins

RNG = np.random.default_rng(0)
FINE = RNG.normal(size=(300, 4)), RNG.integers(0, 2, 300)
COARSE = RNG.integers(0, 4, (300, 4)), RNG.integers(0, 2, 300)


def rows(data: Any, at: Any) -> tuple[Any, Any]:
    return data[0][at], data[1][at]


def test_rows_of_validation_that_were_learnt_from_are_told() -> None:
    X, y = digits()
    held = X[400:], y[400:]
    told = cr.diagnose(for_digits(), X, y, epochs=20, validation=held)
    assert told.verdict == "ill"
    (finding,) = told.findings
    assert finding.name == "validation_in_training"
    assert finding.observed.startswith("100 of its 100 rows are rows of the training data too")
    assert "split once" in finding.repair
    before = cr.diagnose(for_digits(), X, y, epochs=0, validation=held)
    assert [finding.name for finding in before.findings] == ["validation_in_training"]
    apart = cr.diagnose(for_digits(), X[:400], y[:400], epochs=20, validation=held)
    assert apart.is_healthy, str(apart)
    assert "training rows beside validation rows" in apart.examined


def test_a_whole_table_has_no_other_rows() -> None:
    X, y = cr.data.gate("xor")
    options: dict[str, Any] = {"epochs": 600, "batch_size": None, "optimizer": cr.Adam(0.05)}
    assert cr.diagnose(for_xor(), X, y, validation=(X, y), **options).is_healthy
    assert twins((X, y), (X, y)) is None


@pytest.mark.parametrize(("count", "told"), [(30, True), (5, True), (3, False)])
def test_a_few_percent_do_not_flatter(count: int, told: bool) -> None:
    found = twins(rows(FINE, slice(240 + count)), rows(FINE, slice(240, None)))
    assert (found is not None and found.count == count) is told


def test_copies_are_told_although_training_rows_are_copied_too() -> None:
    """Rows drawn again and again, and only then split."""
    drawn = rows(FINE, RNG.integers(0, 200, 300))
    found = twins(rows(drawn, slice(240)), rows(drawn, slice(240, None)))
    assert found is not None
    assert found.share > 0.5


def test_rows_of_few_values_are_alike_by_nature() -> None:
    assert twins(rows(COARSE, slice(240)), rows(COARSE, slice(240, None))) is None
    few = RNG.integers(0, 3, (400, 5)), RNG.integers(0, 2, 400)
    for _ in range(20):
        order = RNG.permutation(400)
        assert twins(rows(few, order[:300]), rows(few, order[300:])) is None


def test_the_same_inputs_with_another_target_are_another_row() -> None:
    X, y = FINE
    assert twins((X, y), (X[:50], 1 - y[:50])) is None
    found = twins((X, y), (X[:50].astype(np.float32), y[:50, None].astype(float)))
    assert found is not None
    assert found.count == 50
    assert twins((X, np.eye(2)[y]), (X[:50], y[:50])) is None
