"""Advice after a training that learnt nothing: one line, and never after one that learnt."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import chainrule as cr
from chainrule.errors import TrainingWarning

X, Y = cr.data.gate("xor")


def test_nothing_learnt_is_said_once_and_points_to_the_doctor() -> None:
    net = cr.Sequential(
        cr.Dense(4, "tanh", weight_init="zeros"), cr.Dense(1, "sigmoid", weight_init="zeros")
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(X, Y)
    assert [warning.category for warning in caught] == [TrainingWarning]
    assert caught[0].filename == __file__
    told = str(caught[0].message)
    assert told.startswith("nothing was learnt in 2000 epochs: the loss went from 0.6931 to ")
    assert told.endswith("cr.diagnose(net, X, y, ...), with the options of this fit, says why.")


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 3},  # too short to have had a chance
        {"optimizer": cr.SGD(1.0)},
        {"optimizer": cr.SGD(0.02)},  # slow, but the predictions differ
    ],
)
def test_nothing_is_said_of_a_short_training_or_one_that_moves(options: dict[str, Any]) -> None:
    net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1, "sigmoid"))
    net.fit(X, Y, **options)


def test_nothing_is_said_where_there_is_nothing_to_be_told_apart() -> None:
    cr.Sequential(cr.Dense(1, "sigmoid")).fit(X, [1, 1, 1, 1])
