"""Intervals and paired tests, against SciPy, by coverage, and by what they must not do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from chainrule.report.measures.intervals import bootstrap, mcnemar, sign_flips, wilson


@given(st.integers(1, 5000), st.data())
def test_wilson_is_scipys(total, data):
    right = data.draw(st.integers(0, total))
    ours = wilson(right, total)
    theirs = stats.binomtest(right, total).proportion_ci(method="wilson")
    assert ours.value == right / total
    assert ours.low <= ours.value <= ours.high
    np.testing.assert_allclose((ours.low, ours.high), theirs, atol=1e-7)


def test_wilson_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    for share in (0.03, 0.5, 0.9):
        drawn = rng.binomial(60, share, 1000)
        held = [wilson(int(k), 60) for k in drawn]
        covered = np.mean([found.low <= share <= found.high for found in held])
        assert 0.92 < covered < 0.985


def test_the_bootstrap_of_a_mean_is_near_the_normal_interval():
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    low, high = bootstrap(lambda rows: values[rows].mean(axis=1)[:, None], len(values), seed=2)
    reach = 1.96 * values.std() / 20
    np.testing.assert_allclose(
        [low[0], high[0]], values.mean() + np.array([-reach, reach]), atol=0.05
    )


def test_the_bootstrap_draws_rows_with_replacement_and_by_seed():
    seen = []

    def score(rows):
        assert rows.ndim == 2
        assert rows.shape[1] == 30
        seen.append(rows)
        return rows.mean(axis=1)[:, None]

    first = bootstrap(score, 30, seed=4)
    drawn = np.concatenate(seen)
    assert len(drawn) == 1000
    assert (drawn.min(), drawn.max()) == (0, 29)
    assert all(len(set(row)) < 30 for row in drawn[:50])
    assert np.array_equal(first, bootstrap(score, 30, seed=4))
    assert not np.array_equal(first, bootstrap(score, 30, seed=5))


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_binomial_test(b, c):
    wanted = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(wanted, rel=1e-9)
    assert mcnemar(b, c) == mcnemar(c, b)


def test_sign_flips_are_all_flips_where_these_can_be_counted():
    differences = np.array([0.3, -0.1, 0.7, 0.2, 0.5, -0.05, 0.4, 0.6])
    signs = np.array(list(itertools.product([-1, 1], repeat=8)))
    exact = np.mean(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12)
    assert sign_flips(differences, flips=20_000) == pytest.approx(exact, abs=0.006)


def test_no_difference_is_told_as_none_and_a_large_one_as_large():
    rng = np.random.default_rng(6)
    assert sign_flips(np.zeros(50)) == 1.0
    assert sign_flips(rng.normal(1.0, 1.0, 100)) == 1 / 5000
    # Where nothing differs, p is uniform: a twentieth of such tests falls below 0.05.
    found = [sign_flips(rng.normal(0, 1, 40), seed=k, flips=199) for k in range(300)]
    assert 0.02 < np.mean(np.array(found) <= 0.05) < 0.09
