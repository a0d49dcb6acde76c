"""Leakage: columns that alone give the answer, and test rows that training rows equal."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.data.suspects import columns_alone, duplicates

RNG = np.random.default_rng(7)
N = 600


def features(*columns):
    return np.stack(columns, axis=1).astype(np.float32)


def halves(X, y):
    return X[: N // 2], y[: N // 2], X[N // 2 :], y[N // 2 :]


def test_a_column_that_is_the_answer_is_named():
    y = RNG.integers(2, size=N)
    noise, leak = RNG.normal(size=N), 5 * y + RNG.normal(size=N) * 0.1
    found = columns_alone([("noise", 1), ("refund", 1)], "left", *halves(features(noise, leak), y))
    assert [(s.kind, s.column) for s in found] == [("column", "refund")]
    assert found[0].share > 0.97
    assert found[0].text == (
        f"Column 'refund' alone gives 'left' away: on rows held back it answers "
        f"{100 * found[0].share:.1f} % of what a constant answer gets wrong. If it is not known "
        f"before 'left' is, leave it out: --drop 'refund'."
    )


def test_a_category_and_a_curve_give_away_too():
    y = RNG.integers(3, size=N)
    hot = np.eye(3)[y]
    X = features(RNG.normal(size=N), *hot.T)
    assert [s.column for s in columns_alone([("x", 1), ("c", 3)], "y", *halves(X, y))] == ["c"]
    x = RNG.uniform(-3, 3, N)
    X = features(RNG.normal(size=N), x)
    found = columns_alone([("n", 1), ("x", 1)], "y", *halves(X, (x**2).astype(np.float32)))
    assert [s.column for s in found] == ["x"]
    assert "explains 99." in found[0].text


@pytest.mark.parametrize("strength", [0.0, 0.5, 0.8])
def test_a_good_column_is_no_suspect(strength):
    y = RNG.normal(size=N)
    x = strength * y + (1 - strength) * RNG.normal(size=N)
    labels = (y > 0).astype(np.int64)
    X = features(x, RNG.normal(size=N))
    names = [("x", 1), ("z", 1)]
    assert columns_alone(names, "y", *halves(X, y.astype(np.float32))) == []
    assert columns_alone(names, "y", *halves(X, labels)) == []


def test_the_only_column_is_no_suspect():
    y = RNG.integers(2, size=N)
    assert columns_alone([("x", 1)], "y", *halves(features(y), y)) == []


def test_test_rows_that_training_rows_equal_are_counted():
    train, test = RNG.normal(size=(N, 5)).astype(np.float32), RNG.normal(size=(100, 5))
    test = test.astype(np.float32)
    assert duplicates(train, test) == []
    test[:7] = train[10:17]
    (found,) = duplicates(train, test)
    assert (found.kind, found.share) == ("duplicates", 0.07)
    assert found.text.startswith("7 of 100 test rows are equal to a training row in every input: ")
    test[7] = -0.0
    train[3] = 0.0
    assert duplicates(train, test)[0].share == 0.08


def test_rows_of_few_values_are_alike_by_nature():
    few = RNG.integers(2, size=(N, 4)).astype(np.float32)
    assert duplicates(few, few[:50]) == []
