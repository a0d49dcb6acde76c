"""Intervals and paired tests, against SciPy, by coverage, and by what they must not do."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from chainrule.report.measures.intervals import bootstrap, mcnemar, of_recalls, sign_flips, wilson
from chainrule.report.measures.scores import scores


@given(st.integers(1, 5000), st.data())
def test_wilson_is_scipys(total, data):
    right = data.draw(st.integers(0, total))
    ours = wilson(right, total)
    theirs = stats.binomtest(right, total).proportion_ci(method="wilson")
    assert ours.value == right / total
    assert ours.low <= ours.value <= ours.high
    np.testing.assert_allclose((ours.low, ours.high), theirs, atol=1e-7)


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
    ],
)  # fmt: skip
def test_wilson_by_hand(right, total, low, high):
    # 81 of 263 is the example of Newcombe 1998, table I.
    found = wilson(right, total)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_wilson_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    for share in (0.03, 0.5, 0.9):
        drawn = rng.binomial(60, share, 1000)
        held = [wilson(int(k), 60) for k in drawn]
        covered = np.mean([found.low <= share <= found.high for found in held])
        assert 0.92 < covered < 0.985


def test_the_bootstrap_of_a_mean_is_near_the_normal_interval():
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    (found,) = bootstrap(values[:, None], lambda means: means, seed=2)
    reach = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    wanted = values.mean() + np.array([-reach, reach])
    np.testing.assert_allclose([found.low, found.high], wanted, atol=0.05)


def test_the_bootstrap_holds_the_truth():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(50):
        (found,) = bootstrap(rng.exponential(2, (80, 1)), np.sqrt)
        held += found.low <= np.sqrt(2) <= found.high
    assert 42 <= held <= 50


def test_the_bootstrap_draws_rows_with_replacement_and_by_seed():
    seen = []

    def statistic(means):
        seen.append(means)
        return means[:, :1]

    columns = np.eye(30)
    first = bootstrap(columns, statistic, seed=4)
    drawn = 30 * seen[0]  # how often each row was drawn
    assert drawn.shape == (1000, 30)
    np.testing.assert_allclose(drawn, drawn.round(), atol=1e-9)
    np.testing.assert_allclose(drawn.sum(axis=1), 30)
    assert (drawn.max(axis=1) > 1.5).all()
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.15)
    assert first == bootstrap(columns, statistic, seed=4)
    assert first != bootstrap(columns * np.linspace(0, 1, 30), statistic, seed=4)
    columns = np.random.default_rng(0).normal(size=(30, 1))
    same = [bootstrap(columns, lambda means: means, seed=seed) for seed in (4, 4, 5)]
    assert same[0] == same[1] != same[2]


def test_the_bootstrap_copies_no_rows():
    columns, seen = np.random.default_rng(0).normal(size=(20_000, 10)), []

    def statistic(means):
        seen.append(means)
        return means

    tracemalloc.start()
    bootstrap(columns, statistic)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * columns.nbytes
    # The means are those of the rows that the seed draws.
    rng = np.random.default_rng(0)
    means = [columns[rng.integers(20_000, size=20_000)].mean(axis=0) for _ in range(10)]
    np.testing.assert_allclose(seen[0][:10], means, rtol=0, atol=1e-14)


def test_recalls_of_many_rows_have_the_interval_of_their_mean():
    right, total = np.array([900, 300]), np.array([1000, 500])
    found = of_recalls(right, total)
    assert found.value == pytest.approx(0.75)
    spread = np.sqrt(0.9 * 0.1 / 1000 + 0.6 * 0.4 / 500) / 2
    np.testing.assert_allclose(
        [found.low, found.high], 0.75 + 1.96 * spread * np.array([-1, 1]), atol=0.003
    )
    # One row of a class says little, and the interval says so.
    rare = of_recalls(np.array([900, 1]), np.array([1000, 1]))
    assert rare.high - rare.low > 0.3


@given(st.integers(1, 2000), st.floats(0, 1))
def test_the_interval_of_one_class_is_wilsons(total, share):
    right = round(share * total)
    ours, theirs = of_recalls(np.array([right]), np.array([total])), wilson(right, total)
    assert ours.value == theirs.value
    np.testing.assert_allclose((ours.low, ours.high), (theirs.low, theirs.high), atol=1e-9)


@given(st.lists(st.tuples(st.integers(1, 2000), st.floats(0, 1)), min_size=1, max_size=60))
def test_recalls_lie_inside_their_interval(classes):
    total = np.array([rows for rows, _ in classes])
    right = np.array([round(share * rows) for rows, share in classes])
    found = of_recalls(right, total)
    assert found.value == pytest.approx(np.mean(right / total))
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    # Right and wrong exchanged, the interval is the mirrored one.
    mirrored = of_recalls(total - right, total)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high), abs=1e-9)


@pytest.mark.parametrize(("right", "low", "high"), [(0, 0.0, 0.12), (1, 0.88, 1.0)])
def test_many_classes_that_are_all_wrong_or_right_have_the_score_as_an_end(right, low, high):
    # 45 classes of 1 to 3 rows: a prior for each class would draw the interval towards 1/2.
    total = np.resize([1, 2, 3], 45)
    found = of_recalls(right * total, total)
    assert low <= found.low <= found.value == right <= found.high <= high


def _balance(rng, count):
    return rng.beta(rng.choice([0.3, 1, 9]), rng.choice([0.3, 1, 3]), count)


@pytest.mark.parametrize(
    "total",
    [[1] * 45, [1, 2, 3] * 15, [3] * 10, [2, 4, 8, 16, 32], [1, 5, 200], [10] * 20, [50] * 3],
    ids=lambda total: f"{len(total)} classes of {total[0]} to {total[-1]}",
)
def test_the_interval_of_recalls_covers_as_often_as_it_says(total):
    rng, total = np.random.default_rng(5), np.array(total)
    held = []
    for _ in range(400):
        shares = _balance(rng, len(total))
        found = of_recalls(rng.binomial(total, shares), total)
        held.append(found.low <= shares.mean() <= found.high)
    # Few rows of a class do not tell its variance from that of the others: wider, not narrower.
    assert 0.93 <= np.mean(held) <= 0.995


def test_equal_recalls_are_covered_as_often_as_it_says():
    rng, total = np.random.default_rng(6), np.array([2, 4, 8, 16, 32])
    for share in (0.1, 0.3, 0.5, 0.9):
        drawn = [of_recalls(rng.binomial(total, share), total) for _ in range(500)]
        assert 0.915 <= np.mean([found.low <= share <= found.high for found in drawn]) <= 0.99


@given(st.integers(1, 12), st.sampled_from([1, 1e-9, 1e12]), st.integers(0, 2**32 - 1))
def test_every_score_lies_inside_its_interval(rows, scale, seed):
    rng = np.random.default_rng(seed)
    y = scale * rng.normal(size=(rows, 2)) ** 3
    answers = y + scale * rng.choice([0, 0.01, 5]) * rng.normal(size=y.shape)
    labels, odds = rng.integers(3, size=rows), rng.dirichlet(np.full(3, 0.2), rows)
    found = [*scores(y, answers, False).estimates.values()]
    found += scores(labels, odds, True).estimates.values()
    for one in found:
        assert one.low <= one.value <= one.high


def test_a_number_beyond_all_samples_is_an_end_of_its_interval():
    # The mean of all rows is the one with the most different rows: no sample reaches its number.
    columns = np.eye(8)
    (found,) = bootstrap(columns, lambda means: -(means**2).sum(axis=1, keepdims=True))
    assert found.low < found.high == found.value == pytest.approx(-1 / 8)


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


def test_very_many_rows_are_judged_by_the_limit():
    rng = np.random.default_rng(7)
    many = rng.normal(0.01, 1, 20_001)
    assert sign_flips(many) == pytest.approx(sign_flips(many[:20_000], flips=20_000), abs=0.02)
    assert sign_flips(np.zeros(20_001)) == 1.0
    wanted = stats.ttest_1samp(many, 0).pvalue
    assert sign_flips(many) == pytest.approx(wanted, abs=0.01)


def test_no_difference_is_told_as_none_and_a_large_one_as_large():
    rng = np.random.default_rng(6)
    assert sign_flips(np.zeros(50)) == 1.0
    assert sign_flips(rng.normal(1.0, 1.0, 100)) == 1 / 5000
    # Where nothing differs, p is uniform: a twentieth of such tests falls below 0.05.
    found = [sign_flips(rng.normal(0, 1, 40), seed=k, flips=199) for k in range(300)]
    assert 0.02 < np.mean(np.array(found) <= 0.05) < 0.09
