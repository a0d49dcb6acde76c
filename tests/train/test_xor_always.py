"""XOR with the library's defaults: always learnt, not just sometimes."""

from __future__ import annotations

import pytest

import chainrule as cr

X, Y = cr.data.gate("xor")


def failures(hidden: int, seeds: int, restarts: int) -> list[int]:
    """The seeds from which a 2-``hidden``-1 network does not classify all four rows rightly."""
    failed = []
    for seed in range(seeds):
        net = cr.Sequential(cr.Dense(hidden, "tanh"), cr.Dense(1, "sigmoid"))
        history = net.fit(X, Y, seed=seed, restarts=restarts)
        assert restarts or not history.tries
        if not (net.predict_classes(X) == Y).all():
            failed.append(seed)
    return failed


@pytest.mark.parametrize(
    ("hidden", "seeds", "restarts", "allowed"),
    [
        (8, 60, 0, 0),
        (4, 60, 0, 3),
        (4, 60, 5, 0),
        (2, 40, 8, 0),
    ],
)
def test_xor_is_learnt(hidden: int, seeds: int, restarts: int, allowed: int) -> None:
    failed = failures(hidden, seeds, restarts)
    assert len(failed) <= allowed, f"seeds that failed: {failed}"


def test_two_hidden_units_need_the_restarts() -> None:
    """Otherwise the test above would prove nothing about them."""
    assert len(failures(2, 20, 0)) >= 3
