"""Calls that leave no trace, and what is noticed on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.check import check_gradients
from chainrule.check.calls import Calls
from chainrule.check.subjects import of_functions
from chainrule.check.surroundings import Surroundings

W = np.array([[1.0, 2.0], [3.0, -4.0]])
COUNT = 0
CACHE: dict[str, Any] = {}
OFFSETS = np.array([1.0, 2.0])


def square(p: Any) -> Any:
    return np.sum(p["w"] ** 2)


def look(loss: Any, gradients: Any, p: Any) -> Any:
    calls = Calls(of_functions(loss, p, gradients, None))
    with calls.surroundings.kept():
        return calls.look(calls.subject.parameters)


def test_the_users_arrays_are_never_changed() -> None:
    def careless(p: Any) -> Any:
        p["w"] *= 2
        return np.sum(p["w"] ** 2)

    def gradients(p: Any) -> Any:
        p["w"] *= 4
        return {"w": 2 * p["w"]}

    p = {"w": W.copy()}
    report = check_gradients(careless, p, gradients)
    assert np.array_equal(p["w"], W)
    assert report.parameters["w"].right
    conduct = look(careless, gradients, p).conduct
    assert conduct.loss_writes == ("w",)
    assert conduct.gradients_write == ("w",)
    assert not conduct.loss_varies


def test_globals_and_caches_are_put_back() -> None:
    def loss(p: Any) -> Any:
        global COUNT
        COUNT += 1
        CACHE["w"] = p["w"]
        return np.sum(p["w"] ** 2)

    def gradients(p: Any) -> Any:
        return {"w": 2 * CACHE["w"]}  # of the last call of the loss

    assert check_gradients(loss, {"w": W}, gradients).ok
    assert COUNT == 0
    assert CACHE == {}


def test_data_that_a_function_writes_into_is_put_back_and_named() -> None:
    def loss(p: Any) -> Any:
        OFFSETS[...] = OFFSETS + 1
        return np.sum(p["w"] @ OFFSETS)

    conduct = look(loss, {"w": W}, {"w": W}).conduct
    assert conduct.loss_writes == ("OFFSETS",)
    assert not conduct.loss_varies
    assert OFFSETS.tolist() == [1.0, 2.0]


def test_buffers_that_are_filled_anew_are_nobodys_business() -> None:
    buffer = np.zeros((2, 2))

    def loss(p: Any) -> Any:
        buffer[...] = np.array(p["w"]) ** 2
        return buffer.sum()

    conduct = look(loss, {"w": 2 * W}, {"w": W}).conduct
    assert conduct.loss_writes == ()
    assert buffer.tolist() == [[0, 0], [0, 0]]


def test_a_loss_that_gives_another_number_each_time_is_not_judged() -> None:
    def drifting(p: Any) -> Any:
        return np.sum(p["w"] ** 2) + np.random.default_rng().normal()

    report = check_gradients(drifting, {"w": W}, {"w": 2 * W})
    assert not report.ok
    assert not report.parameters["w"].judged
    assert [m.kind for m in report.mistakes] == ["not deterministic"]
    assert look(drifting, {"w": 2 * W}, {"w": W}).conduct.loss_varies


def test_gradients_that_vary_are_noticed() -> None:
    def gradients(p: Any) -> Any:
        return {"w": 2 * p["w"] + np.random.default_rng().normal()}

    assert look(square, gradients, {"w": W}).conduct.gradients_vary
    assert not look(square, lambda p: {"w": 2 * p["w"]}, {"w": W}).conduct.gradients_vary


@pytest.mark.parametrize("kind", ["global", "generator"])
def test_random_numbers_are_the_same_in_every_call(kind: str) -> None:
    rng = np.random.default_rng(5)
    draw = (lambda: np.random.rand(2, 2)) if kind == "global" else (lambda: rng.random((2, 2)))

    def loss(p: Any) -> Any:
        return np.sum((p["w"] * (draw() < 0.5)) ** 2)

    def gradients(p: Any) -> Any:
        return {"w": 2 * p["w"] * (draw() < 0.5)}

    before = np.random.get_state()[1].tolist(), rng.bit_generator.state
    report = check_gradients(loss, {"w": W}, gradients)
    assert report.ok
    assert "the loss draws random numbers; every call began with the same ones" in report.notes[0]
    assert (np.random.get_state()[1].tolist(), rng.bit_generator.state) == before


def test_a_backward_pass_that_draws_a_mask_of_its_own_is_wrong() -> None:
    rng = np.random.default_rng(5)
    kept: dict[str, Any] = {}
    w = {"w": np.arange(1.0, 41.0)}

    def loss(p: Any) -> Any:
        kept["h"] = p["w"] * (rng.random(40) < 0.5)
        return np.sum(kept["h"] ** 2)

    def own(p: Any) -> Any:
        return {"w": 2 * kept["h"] * (rng.random(40) < 0.5)}

    assert check_gradients(loss, w, lambda p: {"w": 2 * kept["h"]}).ok
    assert not check_gradients(loss, w, own).ok


def test_gradients_added_to_a_buffer_are_those_of_one_pass() -> None:
    total = {"w": np.zeros((2, 2))}

    def gradients(p: Any) -> Any:
        total["w"] += 2 * p["w"]
        return total

    assert check_gradients(square, {"w": W}, gradients).ok
    assert total["w"].tolist() == [[0, 0], [0, 0]]


def test_surroundings_find_what_functions_of_functions_name() -> None:
    def inner(p: Any) -> Any:
        return np.sum(p["w"] @ OFFSETS)

    def outer(p: Any) -> Any:
        return inner(p)

    around = Surroundings([outer])
    assert around.functions == [outer, inner]
    OFFSETS[0] = 7
    try:
        assert list(around.written()) == ["OFFSETS"]
    finally:
        around.rewrite()
    assert OFFSETS.tolist() == [1.0, 2.0]


def test_a_loss_that_raises_leaves_all_as_it_was() -> None:
    p = {"w": W.copy()}

    def loss(p: Any) -> Any:
        CACHE["w"] = 1
        raise ZeroDivisionError("here")

    with pytest.raises(ZeroDivisionError, match="here"):
        check_gradients(loss, p, {"w": W})
    assert CACHE == {}
