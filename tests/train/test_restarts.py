"""Restarts: a training that is stuck is recognised, and started again from the next seed."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import TrainingWarning
from chainrule.train.history import History
from chainrule.train.restarts import constant_loss, stuck

X, Y = cr.data.gate("xor")


def small() -> cr.Sequential:
    """Two hidden units: the fewest that can do it, with many local minima."""
    return cr.Sequential(cr.Dense(2, "tanh"), cr.Dense(1, "sigmoid"))


def solved(net: cr.Sequential) -> bool:
    return bool((net.predict_classes(X) == Y).all())


@pytest.fixture(scope="module")
def unlucky() -> list[int]:
    """Seeds from which the small network does not learn XOR."""
    found = []
    for seed in range(20):
        net = small()
        assert net.fit(X, Y, seed=seed).tries == []
        if not solved(net):
            found.append(seed)
    return found


def test_two_hidden_units_are_often_stuck(unlucky: list[int]) -> None:
    assert 3 <= len(unlucky) <= 12


@pytest.mark.parametrize("number", range(3))
def test_a_stuck_xor_is_started_again_until_it_succeeds(number: int, unlucky: list[int]) -> None:
    seed = unlucky[number]
    plain, helped = small().fit(X, Y, seed=seed), small()
    history = helped.fit(X, Y, seed=seed, restarts=8)
    assert solved(helped)
    assert 1 <= len(history.tries) <= 8
    assert history.tries[-1] in repr(history)
    for offset, sentence in enumerate(history.tries):
        match = re.fullmatch(
            rf"seed {seed + offset} got stuck: its loss stays at (0\.\d+), where a constant answer "
            r"has 0\.6931",
            sentence,
        )
        assert match
    assert f"stays at {np.mean(plain['loss'][-40:]):.4g}," in history.tries[0]
    # The try that succeeded is the very training of its own seed.
    winner = small()
    expected = winner.fit(X, Y, seed=seed + len(history.tries))
    assert history["loss"] == expected["loss"]
    np.testing.assert_array_equal(helped.parameters["W1"], winner.parameters["W1"])


def test_the_best_try_is_kept_where_all_are_stuck() -> None:
    """y = x0 xor x1 has no linear answer: every start ends at ln 2."""
    net = cr.Sequential(cr.Dense(1, "sigmoid"))
    with pytest.warns(
        TrainingWarning,
        match=r"all 4 tries got stuck, the last: seed 8 got stuck: its loss stays at 0\.69.*The "
        r"best of them is kept\. Give more restarts, more hidden units",
    ):
        history = net.fit(X, Y, restarts=3, seed=5)
    assert "; 4 tries got stuck, the last: seed 8 got stuck: its loss stays" in repr(history)
    assert [sentence.split(":")[0] for sentence in history.tries] == [
        f"seed {seed} got stuck" for seed in (5, 6, 7, 8)
    ]
    with pytest.warns(TrainingWarning, match="nothing was learnt in 2000 epochs"):
        finals = [
            cr.Sequential(cr.Dense(1, "sigmoid")).fit(X, Y, seed=seed)["loss"][-1]
            for seed in (5, 6, 7, 8)
        ]
    assert history["loss"][-1] == min(finals)
    assert net.evaluate(X, Y)["loss"] == pytest.approx(min(finals), rel=1e-3)


def test_a_healthy_training_is_not_repeated() -> None:
    a, b = (cr.Sequential(cr.Dense(8, "tanh"), cr.Dense(1, "sigmoid")) for _ in range(2))
    with_restarts, without = a.fit(X, Y, restarts=5), b.fit(X, Y)
    assert with_restarts.tries == []
    assert with_restarts["loss"] == without["loss"]
    np.testing.assert_array_equal(a.parameters["W2"], b.parameters["W2"])


def test_the_same_bits_with_restarts(unlucky: list[int]) -> None:
    nets = [small(), small()]
    histories = [net.fit(X, Y, seed=unlucky[0], restarts=8) for net in nets]
    assert histories[0].tries == histories[1].tries
    assert histories[0]["loss"] == histories[1]["loss"]
    np.testing.assert_array_equal(nets[0].parameters["W1"], nets[1].parameters["W1"])


def test_callbacks_serve_every_try(unlucky: list[int]) -> None:
    starts: list[int] = []

    class Count(cr.Callback):
        def on_start(self, training: Any) -> None:
            starts.append(len(training.history))

    net = small()
    history = net.fit(X, Y, seed=unlucky[0], restarts=8, callbacks=Count())
    assert starts == [0] * (len(history.tries) + 1)
    assert len(starts) > 1


# What a constant answer costs


def entropy(*shares: float) -> float:
    return -sum(share * np.log(share) for share in shares)


BINARY = np.array([[0.0], [0.0], [0.0], [1.0]])
VALUES = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 60.0], [9.0, 10.0]])


@pytest.mark.parametrize(
    ("loss", "units", "t", "expected"),
    [
        ("binary_cross_entropy", 1, BINARY, entropy(0.25, 0.75)),
        ("binary_cross_entropy", 1, 1 - BINARY, entropy(0.25, 0.75)),
        ("binary_cross_entropy", 2, np.hstack([BINARY, np.eye(2)[[0, 1, 0, 1], :1]]),
         (entropy(0.25, 0.75) + np.log(2)) / 2),
        ("cross_entropy", 3, np.array([0, 1, 2]), np.log(3)),
        ("cross_entropy", 4, np.array([0, 0, 1, 2]), entropy(0.5, 0.25, 0.25)),
        ("cross_entropy", 2, np.array([[0.9, 0.1], [0.5, 0.5]]), entropy(0.7, 0.3)),
        ("mean_squared_error", 2, VALUES, VALUES.var(0).mean()),
        ("sum_squared_error", 2, VALUES, 4 * VALUES.var(0).sum()),
        ("half_sum_squared_error", 2, VALUES, 2 * VALUES.var(0).sum()),
        ("mean_absolute_error", 1, VALUES[:, :1], (2 + 1 + 1 + 6) / 4),
        ("huber", 1, BINARY, 0.125),
        (lambda p, t: np.mean((p - t) ** 2), 2, VALUES, VALUES.var(0).mean()),
    ],
)  # fmt: skip
def test_constant_loss(loss: Any, units: int, t: np.ndarray, expected: float) -> None:
    net = cr.Sequential(cr.Dense(units)).build(2)
    net.loss = net.loss_for(loss)
    assert constant_loss(net, {"t": t}) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "units", "t"),
    [
        ("binary_cross_entropy", 1, BINARY),
        ("cross_entropy", 3, np.array([0, 1, 2, 2])),
        ("mean_squared_error", 2, VALUES),
        ("sum_squared_error", 2, VALUES),
    ],
)
def test_weights_count_in_the_constant_loss(loss: str, units: int, t: np.ndarray) -> None:
    counts = np.array([3, 1, 2, 5])
    net = cr.Sequential(cr.Dense(units)).build(2)
    net.loss = net.loss_for(loss)
    weighted = constant_loss(net, {"t": t, "w": counts})
    repeated = constant_loss(net, {"t": np.repeat(t, counts, 0)})
    assert weighted == pytest.approx(repeated, rel=1e-9)


def test_no_constant_answer_is_better() -> None:
    rng = np.random.default_rng(2)
    for loss in ("mean_squared_error", "mean_absolute_error"):
        net = cr.Sequential(cr.Dense(2)).build(2)
        net.loss = net.loss_for(loss)
        best = constant_loss(net, {"t": VALUES})
        for _ in range(50):
            answer = np.broadcast_to(rng.uniform(0, 40, 2), VALUES.shape)
            assert float(net.loss(answer, VALUES)) >= best - 1e-12


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error", "sum_squared_error"])
def test_many_rows_take_no_more_memory_than_few(loss: str) -> None:
    rng = np.random.default_rng(3)
    t = (
        rng.integers(10, size=100_000)
        if loss == "cross_entropy"
        else rng.normal(size=(100_000, 10))
    )
    net = cr.Sequential(cr.Dense(10)).build(2)
    net.loss = net.loss_for(loss)
    tracemalloc.start()
    found = constant_loss(net, {"t": t})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    share = np.bincount(t) / len(t) if t.ndim == 1 else t.mean(0)
    expected = {
        "cross_entropy": lambda: -np.sum(share * np.log(share)),
        "mean_squared_error": lambda: t.var(0).mean(),
        "sum_squared_error": lambda: t.var(0).sum() * len(t),
    }[loss]()
    assert found == pytest.approx(expected, rel=1e-9)
    assert peak < 3e6, f"{peak / 1e6:.1f} MB, where the answers alone would be 8 MB"


# What counts as stuck


def history_of(losses: Any) -> History:
    history = History()
    history.add({"epoch": list(range(1, len(losses) + 1)), "loss": [float(x) for x in losses]})
    return history


@pytest.mark.parametrize(
    ("losses", "why"),
    [
        (np.full(100, 0.6), "its loss stays at 0.6, where a constant answer has 1"),
        (np.geomspace(5, 0.3, 60).tolist() + [0.3] * 40,
         "its loss stays at 0.3, where a constant answer has 1"),
        ([0.5, np.inf], "the loss was not finite"),
        ([], "the loss was not finite"),
        # Low, or still on the way down.
        (np.full(100, 0.09), None),
        (np.linspace(1, 0.5, 100), None),
        (np.linspace(0.9, 0.8, 100), None),
        ([0.9] * 80 + np.linspace(0.9, 0.5, 20).tolist(), None),
        ([0.2], "its loss stays at 0.2, where a constant answer has 1"),
    ],
)  # fmt: skip
def test_stuck(losses: Any, why: str | None) -> None:
    assert stuck(history_of(losses), 1.0) == why


def test_a_slow_training_that_still_gets_better_is_left_alone() -> None:
    net = cr.Sequential(cr.Dense(1))
    x = np.linspace(-1, 1, 20).reshape(-1, 1)
    history = net.fit(
        x, 5 * x, epochs=60, batch_size=None, optimizer=cr.SGD(0.02), restarts=4, seed=1
    )
    assert history.tries == []
    # It has not arrived: much of what a constant answer costs is left.
    assert 0.1 * (5 * x).var() < history["loss"][-1]
