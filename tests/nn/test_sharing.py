"""A network shared by threads, and sent to other processes."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chainrule as cr


def network() -> cr.Sequential:
    return cr.Sequential(cr.Dense(64, "tanh"), cr.Dense(1)).build(20)


def test_threads_that_share_a_network_get_right_answers():
    net, rows = network(), np.random.default_rng(0).standard_normal((4, 300, 20))
    expected = [net.predict(x) for x in rows]

    def wrong(i: int) -> int:
        return sum(not np.array_equal(net.predict(rows[i]), expected[i]) for _ in range(200))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(wrong, range(4))) == [0, 0, 0, 0]


def test_threads_that_share_a_compiled_graph_get_right_answers():
    run = cr.trace(lambda x: cr.tanh(x @ x.T) @ x, np.ones((40, 40))).compile("numpy")
    rows = np.random.default_rng(1).standard_normal((4, 40, 40))
    expected = [run(x) for x in rows]

    def wrong(i: int) -> int:
        return sum(not np.array_equal(run(rows[i]), expected[i]) for _ in range(300))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(wrong, range(4))) == [0, 0, 0, 0]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_network_that_has_predicted_can_be_copied(copied):
    net, x = network(), np.ones((3, 20))
    expected = net.predict(x)
    other = copied(net)
    np.testing.assert_array_equal(other.predict(x), expected)
    other.parameters["W1"][...] = 0
    np.testing.assert_array_equal(net.predict(x), expected)
