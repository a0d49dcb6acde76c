"""check_step: the updates of a training loop, right ones and the ways in which they go wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from two_layers import Arrays, TwoLayers

import chainrule as cr
from chainrule.check import check_step
from chainrule.errors import GradientError, OptionError

NET = TwoLayers(rows=20)
RATE = 0.1


def plain(p: Arrays) -> None:
    gradients = NET.gradients(p)
    for name in p:
        p[name] -= RATE * gradients[name]


def kinds(report: Any) -> dict[str, tuple[str, ...]]:
    return {mistake.kind: mistake.parameters for mistake in report.mistakes}


def judged(step: Any, **options: Any) -> Any:
    before = {name: array.copy() for name, array in NET.parameters.items()}
    report = check_step(step, NET.parameters, NET.loss, **options)
    assert all(np.array_equal(before[name], NET.parameters[name]) for name in before)
    return report


@pytest.mark.parametrize("rate", [RATE, None])
def test_a_right_step_is_right_in_place_or_returned(rate: float | None) -> None:
    def returning(p: Arrays) -> Arrays:
        gradients = NET.gradients(p)
        return {name: p[name] - RATE * gradients[name] for name in p}

    def entering(p: Arrays) -> float:
        p |= returning(p)
        return float(NET.loss(p))  # the loss, not new parameters

    for step in (plain, returning, entering):
        report = judged(step, rate=rate)
        assert report.ok, report
        assert str(report).startswith("All 4 updates are right")
    assert (rate is None) == ("the rate seems to be 0.1" in str(report))


def test_a_step_without_arguments_changes_the_arrays_themselves() -> None:
    def step() -> None:
        plain(NET.parameters)

    assert judged(step, rate=RATE).ok


def test_an_unrecordable_loss_serves_as_well() -> None:
    report = check_step(plain, NET.parameters, NET.unrecordable, rate=RATE)
    assert report.ok
    assert not check_step(plain, NET.parameters, NET.unrecordable, rate=0.2).ok


def test_a_parameter_updated_before_its_gradient_is_used() -> None:
    def early(p: Arrays) -> None:
        _, h, y = NET.forward(p)
        d2 = (y - NET.t) / len(NET.X)
        p["W2"] -= RATE * h.T @ d2
        p["b2"] -= RATE * d2.sum(axis=0)
        d1 = d2 @ p["W2"].T * (1 - h**2)  # the new W2
        p["W1"] -= RATE * NET.X.T @ d1
        p["b1"] -= RATE * d1.sum(axis=0)

    for rate in (RATE, None):
        report = judged(early, rate=rate)
        assert kinds(report) == {"updated before its gradient is used": ("W1", "b1")}
        assert "is computed with W2 as after the update" in report.mistakes[0].what


def test_gradients_taken_anew_after_each_update() -> None:
    def in_turn(p: Arrays) -> None:
        for name in p:
            p[name] -= RATE * NET.gradients(p)[name]

    report = judged(in_turn, rate=RATE)
    assert list(kinds(report)) == ["updated before its gradient is used"] or all(
        mistake.kind == "updated before its gradient is used" for mistake in report.mistakes
    )
    assert not report.parameters["W2"].right


def test_gradients_that_are_never_cleared() -> None:
    total = {name: np.zeros_like(array) for name, array in NET.parameters.items()}

    def accumulating(p: Arrays) -> None:
        for name, g in NET.gradients(p).items():
            total[name] += g
            p[name] -= RATE * total[name]

    report = judged(accumulating, rate=RATE)
    assert kinds(report) == {"gradients never cleared": ("W1", "b1", "W2", "b2")}
    assert report.parameters["W1"].remark == "in step 2"
    assert not total["W1"].any()


def momentum(beta: float, velocity: Arrays) -> Any:
    def step(p: Arrays) -> None:
        for name, g in NET.gradients(p).items():
            velocity[name] = beta * velocity.get(name, 0.0) + g
            p[name] -= RATE * velocity[name]

    return step


def test_momentum_is_right_if_declared_and_a_note_if_not() -> None:
    assert judged(momentum(0.9, {}), optimizer=cr.SGD(RATE, momentum=0.9)).ok
    report = judged(momentum(0.9, {}), rate=RATE)
    assert report.ok
    assert "the step has momentum 0.9, which was not declared" in report.notes[0]
    report = judged(momentum(0.9, {}), optimizer=cr.SGD(RATE, momentum=0.8))
    assert list(kinds(report)) == ["wrong optimizer state"]
    assert "that of momentum 0.9" in report.mistakes[0].what


def test_a_state_that_begins_anew_in_every_step() -> None:
    report = judged(plain, optimizer=cr.SGD(RATE, momentum=0.9))
    assert list(kinds(report)) == ["wrong optimizer state"]
    assert "the state is made anew in every step" in report.mistakes[0].what


def adam(state: dict[Any, Any], corrected: bool) -> Any:
    def step(p: Arrays) -> None:
        state["n"] = n = state.get("n", 0) + 1
        for name, g in NET.gradients(p).items():
            m = state[name, "m"] = 0.9 * state.get((name, "m"), 0) + 0.1 * g
            v = state[name, "v"] = 0.999 * state.get((name, "v"), 0) + 0.001 * g**2
            if corrected:
                m, v = m / (1 - 0.9**n), v / (1 - 0.999**n)
            p[name] -= 0.01 * m / (np.sqrt(v) + 1e-8)

    return step


def test_adam_with_and_without_its_correction() -> None:
    assert judged(adam({}, corrected=True), optimizer=cr.Adam(0.01)).ok
    report = judged(adam({}, corrected=False), optimizer=cr.Adam(0.01))
    assert kinds(report) == {"wrong optimizer state": ("W1", "b1", "W2", "b2")}
    assert "3.162 times what Adam makes of the gradient" in report.mistakes[0].what


def changed(**other: Any) -> Any:
    """A step in which some parameters are updated otherwise."""

    def step(p: Arrays) -> Arrays:
        gradients = NET.gradients(p)
        usual = {name: p[name] - RATE * gradients[name] for name in p}
        return usual | {name: f(p, gradients) for name, f in other.items()}

    return step


@pytest.mark.parametrize(
    ("step", "kind", "hit"),
    [
        (changed(b1=lambda p, g: p["b1"]), "never updated", ("b1",)),
        (changed(W1=lambda p, g: p["W1"] + RATE * g["W1"]), "ascends", ("W1",)),
        (changed(W2=lambda p, g: p["W2"] - RATE / 20 * g["W2"]), "1/m in the rate", ("W2",)),
        (changed(b2=lambda p, g: p["b2"] - RATE * g["b2"][0]), "not recognised", ("b2",)),
        (changed(b2=lambda p, g: p["b2"] - g["W2"]), "shape changes", ("b2",)),
    ],
)  # fmt: skip
def test_a_slip_in_one_parameter(step: Any, kind: str, hit: tuple[str, ...]) -> None:
    for rate in (RATE, None):
        report = judged(step, rate=rate)
        assert kinds(report) == {kind: hit}
        assert [n for n, v in report.parameters.items() if not v.right] == list(hit)


def test_another_rate_than_the_one_named() -> None:
    report = judged(plain, rate=0.3)
    assert kinds(report) == {"1/m in the rate": ("W1", "b1", "W2", "b2")}
    assert "If 3 is the number of rows" in report.mistakes[0].what
    report = judged(plain, rate=0.123)
    assert "The rate that is used is not the one that was named" in report.mistakes[0].what


class Trained:
    """A class that trains itself, and forgets b1."""

    def __init__(self, rate: float = RATE) -> None:
        self.rate = rate
        self.W1, self.b1 = NET.parameters["W1"].copy(), NET.parameters["b1"].copy()
        self.W2, self.b2 = NET.parameters["W2"].copy(), NET.parameters["b2"].copy()

    def all(self) -> Arrays:
        return {name: getattr(self, name) for name in ("W1", "b1", "W2", "b2")}

    def loss(self) -> Any:
        return NET.loss(self.all())

    def train(self) -> None:
        gradients = NET.gradients(self.all())
        self.W1 -= self.rate * gradients["W1"]
        self.W2 = self.W2 - self.rate * gradients["W2"]
        self.b2 = self.b2 - self.rate * gradients["b2"]


def test_an_object_that_trains_itself() -> None:
    net = Trained()
    before = net.all() | {"W1": net.W1.copy()}
    report = check_step(lambda net: net.train(), net, lambda net: net.loss(), rate=RATE)
    assert kinds(report) == {"never updated": ("b1",)}
    assert set(report.parameters) == {"W1", "b1", "W2", "b2"}
    assert all(np.array_equal(getattr(net, name), array) for name, array in before.items())
    assert check_step(net.train, net, net.loss, rate=RATE, names=["W1", "W2"]).ok


def test_steps_in_float32_are_right() -> None:
    single = {name: array.astype(np.float32) for name, array in NET.parameters.items()}

    def step(p: Arrays) -> None:
        for name, g in NET.gradients(p).items():
            p[name] -= (0.001 * g).astype(np.float32)

    assert check_step(step, single, NET.loss, rate=0.001).ok
    assert not check_step(step, single, NET.loss, rate=0.00101).ok


def test_what_is_no_step() -> None:
    with pytest.raises(
        GradientError, match=r"the step changes no parameter. It must change the ar"
    ):
        judged(lambda p: None)
    with pytest.raises(OptionError, match=r"this one takes p, X. Fix the rest: lambda p: step"):
        judged(lambda p, X: None)
    with pytest.raises(OptionError, match=r"give rate= or optimizer=, not both"):
        judged(plain, rate=0.1, optimizer=cr.SGD(0.1))
    with pytest.raises(OptionError, match="rate is the learning rate, a number above 0; got -1"):
        judged(plain, rate=-1)
    with pytest.raises(OptionError, match="takes two functions"):
        check_step(NET.parameters, NET.parameters, NET.loss)  # type: ignore[arg-type]
    with pytest.raises(GradientError, match="returned 1 arrays for 4 parameters"):
        judged(lambda p: [p["W1"]])
    with pytest.raises(GradientError, match="after one step a parameter is NaN or infinite"):
        judged(lambda p: {name: array * np.nan for name, array in p.items()})


def test_an_error_in_a_later_update_is_told() -> None:
    batches = iter([1])

    def runs_dry(p: Arrays) -> None:
        plain(p)
        if not list(batches):
            raise StopIteration("no batch is left")

    report = judged(runs_dry, rate=RATE)
    assert report.ok
    assert report.notes == (
        "update 2 raised StopIteration: no batch is left. What came before it is judged.",
    )
