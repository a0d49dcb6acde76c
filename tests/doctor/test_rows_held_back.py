"""Rows held back: differences beside their errors, and the permutation test of a relation."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.doctor import case_of
from chainrule.doctor.probes.others import OnOthers, difference, folds, is_whole_table, on_others
from chainrule.doctor.probes.relation import relation

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))


def test_a_difference_is_clear_beyond_chance() -> None:
    noise = RNG.normal(size=400)
    assert difference(noise + 0.2 + 0.5 * RNG.normal(size=400), noise).is_clear
    assert not difference(noise + 0.02 * RNG.normal(size=400), noise).is_clear
    assert not difference(noise, noise).is_clear
    assert difference(noise, noise - 1).mean == pytest.approx(1)


def test_differences_that_are_none_are_rarely_clear() -> None:
    clear = [difference(a, b).is_clear for a, b in RNG.normal(size=(2000, 2, 50))]
    assert np.mean(clear) < 0.015


def test_the_end_is_not_a_last_jump_and_the_best_is_one_look_for_all() -> None:
    left = np.array([[1.0, 0.2], [0.4, 0.4], [0.5, 0.5], [0.6, 0.4], [3.0, 3.0]])
    told = OnOthers(left, np.array([0.9, 0.3, 0.2, 0.1, 2.0]), start=0.6)
    assert told.best.tolist() == [0.4, 0.4]
    assert told.end.mean() == 0.5
    assert told.own_end == 0.2
    assert told.gained == 0.5


def test_every_row_is_judged_once_by_a_network_that_did_not_see_it() -> None:
    case = case_of(cr.Sequential(cr.Dense(1)), X, X[:, 0], epochs=2)
    for trained, judged in folds(case):
        assert not set(trained) & set(judged)
    assert sorted(np.concatenate([judged for _, judged in folds(case)])) == list(range(300))
    assert on_others(case).left.shape == (20, 300)


@pytest.mark.parametrize("name", ["mean_squared_error", "sum_squared_error", "huber"])
def test_shares_of_rows_come_together_to_the_share_of_all(name: str) -> None:
    y = X[:, :1] + 0.1 * RNG.normal(size=(300, 1))
    net = cr.Sequential(cr.Dense(1))
    told = on_others(case_of(net, X, y, loss=name, optimizer=cr.Adam(0.05), epochs=30))
    assert told.end.mean() == pytest.approx(told.own_end, abs=0.02)
    weights = np.where(np.arange(300) < 200, 1.0, 0.0)
    y[200:] = 100.0
    found = on_others(
        case_of(net, X, y, loss=name, optimizer=cr.Adam(0.05), epochs=30, sample_weight=weights)
    )
    assert found.end.mean() == pytest.approx(told.end.mean(), abs=0.05)


def test_a_loss_that_is_one_number_counts_for_every_row() -> None:
    def own(p, t):  # type: ignore[no-untyped-def]
        return ((p - t) ** 2).mean()

    told = on_others(case_of(cr.Sequential(cr.Dense(1)), X, X[:, :1], loss=own, epochs=2))
    assert len(np.unique(told.end)) == 4


def test_a_training_that_comes_to_no_number_is_lost() -> None:
    net = cr.Sequential(cr.Dense(1))
    told = on_others(case_of(net, X, X[:, :1], optimizer=cr.SGD(1e6), epochs=30))
    assert told.left.max() == 10
    assert told.end.mean() == 10


@pytest.mark.parametrize(
    "y",
    [
        0.4 * X[:, 0] + RNG.normal(size=300),
        (X[:, 0] * X[:, 1] + 0.7 * RNG.normal(size=300) > 0).astype(int),
        np.abs(X[:, 2]) + 0.7 * RNG.normal(size=300),
    ],
    ids=["a plane", "XOR", "a bend"],
)
def test_a_relation_is_seen_and_of_shuffled_targets_none(y: np.ndarray) -> None:
    y = y if y.dtype == int else y[:, None]
    assert relation(X, y, 0).chance <= 0.01
    assert relation(X, y, 0).is_seen
    chances = [relation(X, RNG.permutation(y), seed).chance for seed in range(20)]
    assert np.mean(chances) == pytest.approx(0.5, abs=0.2)
    assert min(chances) > 0.005 - 1e-12


@pytest.mark.parametrize("kind", ["values", "two classes", "five classes"])
def test_nothing_is_ruled_out_that_the_rows_could_not_show(kind: str) -> None:
    """A tenth of the variance: of 30 rows nobody sees it, of 300 nobody misses it."""
    y = RNG.normal(size=300)[:, None]
    if kind != "values":
        y = RNG.integers(2 if kind == "two classes" else 5, size=300)
    few, some, many = (relation(X[:rows], y[:rows], 0) for rows in (30, 80, 300))
    assert few.found < some.found < many.found
    assert few.found < 0.6
    assert many.found > 0.95
    assert not few.is_ruled_out
    assert many.is_ruled_out


def test_what_is_half_seen_is_neither_seen_nor_ruled_out() -> None:
    wave = (np.sin(2 * X[:, 0]) + 0.8 * X[:, 1])[:, None]
    seen = ruled_out = 0
    for seed in range(40):
        y = 0.35 * wave + np.random.default_rng(seed).normal(size=(300, 1))
        found = relation(X, y, seed)
        seen, ruled_out = seen + found.is_seen, ruled_out + found.is_ruled_out
        assert not (found.is_seen and found.is_ruled_out)
    assert seen > 20
    assert ruled_out <= 2


@pytest.mark.parametrize(
    ("rows", "is_whole"),
    [
        (cr.data.gate("xor")[0], True),
        (np.repeat(cr.data.gate("xor")[0], 5, axis=0), True),
        (cr.data.gate("xor")[0][:3], False),
        (X, False),
    ],
    ids=["a gate", "its rows five times", "three of its rows", "numbers"],
)
def test_a_table_of_all_cases_has_no_other_rows(rows: np.ndarray, is_whole: bool) -> None:
    assert is_whole_table(rows) == is_whole


def test_columns_that_are_constant_say_nothing() -> None:
    rows = np.hstack([X, np.ones((300, 1))])
    assert relation(rows, X[:, :1], 3).chance == relation(X, X[:, :1], 3).chance == 0.005
    assert relation(np.ones((50, 2)), X[:50, :1], 0).chance == 1.0
