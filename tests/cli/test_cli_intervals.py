"""95 % intervals hold what is true about 95 times in 100."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.report.measures.intervals import Estimate, bootstrap, of_recalls, wilson


def ends(found: Estimate) -> tuple[float, float]:
    return found.low, found.high


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
    ],
)  # fmt: skip
def test_wilson_by_hand(right, total, low, high):
    # 81 of 263 is the example of Newcombe 1998, table I.
    assert ends(wilson(right, total)) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("true", [0.5, 0.9, 0.98])
def test_wilson_holds_the_truth(true):
    rng = np.random.default_rng(0)
    rights = rng.binomial(60, true, 2000)
    held = [low <= true <= high for low, high in (ends(wilson(int(r), 60)) for r in rights)]
    assert 0.925 < np.mean(held) < 0.985


def test_the_bootstrap_holds_the_truth():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(50):
        ((low, high),) = map(ends, bootstrap(rng.exponential(2, (80, 1)), np.sqrt))
        held += low <= np.sqrt(2) <= high
    assert 42 <= held <= 50


def test_a_class_of_one_row_says_little():
    low, high = ends(of_recalls(np.array([0, 50]), np.array([1, 50])))
    assert low < 0.51
    assert high > 0.8
    low, high = ends(of_recalls(np.array([450, 400]), np.array([500, 500])))
    assert (low, high) == pytest.approx((0.827, 0.872), abs=0.006)
