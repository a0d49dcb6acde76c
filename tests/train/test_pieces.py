"""Training piece by piece: one memory for all, whatever their sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError
from chainrule.train.pieces import KEPT, Pieces

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X @ RNG.normal(size=(3, 1)) + 1


def net() -> cr.Sequential:
    return cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1), dtype="float64").build(3, seed=1)


def pieces(network: cr.Sequential, optimizer: Any, **options: Any) -> Pieces:
    loss = network.loss_for("mean_squared_error")
    given = {"batch_size": None, "rng": np.random.default_rng(0)} | options
    return Pieces(network, loss, optimizer, **given)


def rows(start: int, stop: int) -> dict[str, np.ndarray]:
    return {"x": X[start:stop], "t": Y[start:stop]}


@pytest.mark.parametrize("optimizer", [cr.Adam(0.01), cr.SGD(0.1, momentum=0.9), cr.SGD(0.1)])
def test_the_same_piece_again_and_again_is_a_fit(optimizer: Any) -> None:
    mine, other = net(), net()
    taker = pieces(mine, optimizer, penalty=0.1)
    losses = [taker.take(rows(0, 60)) for _ in range(8)]
    history = other.fit(
        X, Y, loss="mean_squared_error", optimizer=optimizer, epochs=8, batch_size=None, penalty=0.1
    )
    np.testing.assert_allclose(losses, history["loss"], rtol=1e-12)
    np.testing.assert_allclose(mine.parameters["W1"], other.parameters["W1"], rtol=1e-10)


def test_unshuffled_batches_are_pieces() -> None:
    """Batches of a fit, taken one by one as pieces, also where the last is smaller."""
    mine, other = net(), net()
    taker = pieces(mine, cr.Adam(0.01))
    for _ in range(3):
        for start in range(0, 60, 25):
            taker.take(rows(start, min(start + 25, 60)))
    other.fit(
        X, Y, loss="mean_squared_error", optimizer=cr.Adam(0.01), epochs=3, batch_size=25,
        shuffle=False,
    )  # fmt: skip
    np.testing.assert_allclose(mine.parameters["W1"], other.parameters["W1"], rtol=1e-10)


def test_a_memory_goes_on_elsewhere() -> None:
    mine, other = net(), net()
    first, whole = pieces(mine, cr.Adam(0.01)), pieces(other, cr.Adam(0.01))
    for taker in (first, first, whole, whole):
        taker.take(rows(0, 30))
    second = pieces(mine, cr.Adam(0.01), memory=first.memory)
    assert second.take(rows(30, 60)) == pytest.approx(whole.take(rows(30, 60)), rel=1e-12)
    np.testing.assert_allclose(mine.parameters["b1"], other.parameters["b1"], rtol=1e-12)
    forgot = pieces(net(), cr.Adam(0.01), memory={"mean": np.zeros(2)})
    assert forgot.memory.keys() == {"mean"}
    assert set(forgot.memory) != set(second.memory)
    assert np.isfinite(forgot.take(rows(0, 60))), "one that does not fit is left aside"


def test_parameters_put_in_between_are_used() -> None:
    network = net()
    taker = pieces(network, cr.SGD(1e-12))
    taker.take(rows(0, 60))
    network.parameters = {name: np.zeros_like(a) for name, a in network.parameters.items()}
    assert taker.take(rows(0, 60)) == pytest.approx(float(np.square(Y).mean()))


def test_many_sizes_keep_few_plans() -> None:
    taker = pieces(net(), cr.Adam(0.01))
    for size in range(2, 12):
        taker.take(rows(0, size))
    assert len(taker._runners) == KEPT
    assert taker._last is not None
    assert taker._last.steps == 10


def test_a_number_that_is_not_finite_ends_it_before_that_step() -> None:
    network = net()
    taker = pieces(network, cr.SGD(1e200))
    taker.take(rows(0, 60))
    before = network.snapshot()
    with pytest.raises(DataError, match="training stopped: the first value that is not finite was"):
        taker.take(rows(0, 60))
    for name, array in network.snapshot().items():
        np.testing.assert_array_equal(array, before[name])
