"""Random numbers in scikit-learn's order, and what must not disturb them."""

from __future__ import annotations

from itertools import islice

import numpy as np
from sklearn.utils import shuffle

import chainrule as cr
from chainrule.estimators.order import RowOrder, starts
from chainrule.train.runner import Runner


def test_rows_are_shuffled_as_scikit_learn_does() -> None:
    theirs, ours = np.random.RandomState(3), RowOrder(np.random.RandomState(3))
    rows = np.arange(150)
    for _ in range(4):
        rows = shuffle(rows, random_state=theirs)
        ours.integers(2**32)  # a key of dropout in between
        np.testing.assert_array_equal(ours.permutation(150), rows)
    ours.shuffle(few := np.arange(150, dtype=np.int32))
    np.testing.assert_array_equal(few, shuffle(rows, random_state=theirs))
    assert sorted(ours.permutation(7)) == list(range(7)), "of other data"


def test_a_runner_that_goes_back_goes_on_with_the_same_batches() -> None:
    X, y = np.ones((50, 2), np.float32), np.ones((50, 1), np.float32)
    net = cr.Sequential(cr.Dense(1)).build(2)
    order = RowOrder(np.random.RandomState(0))
    data = {"x": X, "t": y}
    runner = Runner(net, net.loss_for("mean_squared_error"), cr.SGD(0.1), data, 20, order, "numpy")
    runner.batches()
    before = runner.state()
    first = np.concatenate([*runner.batches(), *runner.batches()])
    runner.restore(before)
    again = np.concatenate([*runner.batches(), *runner.batches()])
    np.testing.assert_array_equal(again, first)


def test_starts_differ_and_the_first_goes_on() -> None:
    random = np.random.RandomState(5)
    first, *others = (one.uniform(size=3) for one in islice(starts(random), 4))
    np.testing.assert_array_equal(first, np.random.RandomState(5).uniform(size=3))
    assert len({tuple(drawn) for drawn in (first, *others)}) == 4
    again = next(starts(random)).uniform(size=3)
    assert (again != first).all(), "a RandomState that is used again begins elsewhere"


def test_going_back_goes_back_with_the_numbers_drawn_apart() -> None:
    order = RowOrder(np.random.RandomState(0))
    order.integers(2**32)
    kept, bits = dict(order.__dict__), order.bit_generator.state
    first = order.integers(2**32, size=3)
    order.permutation(9)
    order.__dict__.update(kept)
    order.bit_generator.state = bits
    np.testing.assert_array_equal(order.integers(2**32, size=3), first)
    assert len(set(first)) == 3
