from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from chainrule.errors import OptionError
from chainrule.optim.schedules import (
    NAMED,
    Constant,
    Cosine,
    Custom,
    Exponential,
    OneCycle,
    Schedule,
    Step,
    WarmUp,
    schedule,
)

BASE, EPOCHS = 0.05, 40


def rates(plan: Schedule, epochs: int = EPOCHS) -> list[float]:
    return [plan.rate(BASE, epoch, epochs) for epoch in range(epochs)]


def torch_rates(make: Callable[[torch.optim.Optimizer], object], epochs: int = EPOCHS) -> list:
    """What PyTorch's scheduler gives in each epoch."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE)
    scheduler = make(optimizer)
    found = []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Constant(), lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
        (Step(7, 0.5), lambda o: lr_scheduler.StepLR(o, step_size=7, gamma=0.5)),
        (Step(), lambda o: lr_scheduler.StepLR(o, step_size=30, gamma=0.1)),
        (Exponential(0.9), lambda o: lr_scheduler.ExponentialLR(o, gamma=0.9)),
        (Cosine(), lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=EPOCHS)),
        (
            Cosine(0.1),
            lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=EPOCHS, eta_min=0.1 * BASE),
        ),
        (
            WarmUp(8, start=0.25),
            lambda o: lr_scheduler.LinearLR(o, start_factor=0.25, total_iters=8),
        ),
    ],
)
def test_whole_epochs_agree_with_pytorch(ours: Schedule, theirs: Callable) -> None:
    np.testing.assert_allclose(rates(ours), torch_rates(theirs), rtol=1e-12)


def test_warm_up_and_cosine_agree_with_pytorch() -> None:
    def theirs(optimizer: torch.optim.Optimizer) -> lr_scheduler.SequentialLR:
        first = lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=8)
        second = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS - 8)
        return lr_scheduler.SequentialLR(optimizer, [first, second], milestones=[8])

    with warnings.catch_warnings():
        # SequentialLR calls PyTorch's own schedulers in a way that PyTorch deprecates.
        warnings.simplefilter("ignore")
        expected = torch_rates(theirs)
    np.testing.assert_allclose(rates(WarmUp(8, "cosine")), expected, rtol=1e-12)


def test_one_cycle_agrees_with_pytorch() -> None:
    # PyTorch counts points (the last of T is T - 1, the peak is at pct·T - 1) where we count
    # distance, so that its T is our 40 + 1, and its share of the rise follows.
    share = (0.25 * EPOCHS + 1) / (EPOCHS + 1)
    ours = OneCycle(peak=2.0, start=0.08, end=0.001, rise=0.25)
    theirs = torch_rates(
        lambda o: lr_scheduler.OneCycleLR(
            o,
            max_lr=2 * BASE,
            total_steps=EPOCHS + 1,
            pct_start=share,
            div_factor=25,
            final_div_factor=80,
            cycle_momentum=False,
        )
    )
    np.testing.assert_allclose(rates(ours), theirs, rtol=1e-9)
    assert ours.rate(BASE, 10.0, EPOCHS) == pytest.approx(2 * BASE)


def test_one_cycle_defaults_are_those_of_pytorch() -> None:
    plan = OneCycle()
    assert plan.rate(1.0, 0, 100) == pytest.approx(1 / 25)
    assert plan.rate(1.0, 30, 100) == 1.0
    assert plan.rate(1.0, 100 - 1e-9, 100) == pytest.approx(1 / 25 / 1e4)


@pytest.mark.parametrize(
    ("plan", "epoch", "expected"),
    [
        (Constant(), 2.5, 1.0),
        (Step(2, 0.5), 3.999, 0.5),
        (Step(2, 0.5), 4.0, 0.25),
        (Exponential(0.25), 1.5, 0.125),
        (Cosine(), 5.0, 0.5),
        (Cosine(0.5), 2.5, 0.5 + 0.5 * (1 + math.cos(math.pi / 4)) / 2),
        (WarmUp(2.5, start=0.5), 1.25, 0.75),
        (WarmUp(2.5, Exponential(0.25)), 3.0, 0.5),
    ],
)
def test_inside_an_epoch(plan: Schedule, epoch: float, expected: float) -> None:
    assert plan.rate(1.0, epoch, 10) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", NAMED)
def test_every_named_schedule_stays_positive_until_the_last_step(name: str) -> None:
    plan = schedule(name)
    assert isinstance(plan, NAMED[name])
    for epoch in (*np.linspace(0, 10, 100, endpoint=False), np.nextafter(10, 0)):
        assert 0 < plan.rate(0.1, float(epoch), 10) <= 0.1
    # The closed form (1 + cos) / 2 would have cancelled to 0 here.
    assert 0 < Cosine().rate(0.1, np.nextafter(10, 0), 10) < 1e-30


def test_specs() -> None:
    assert schedule(None) == Constant()
    plan = Cosine(0.2)
    assert schedule(plan) is plan
    assert WarmUp(3).then == Constant()
    assert WarmUp(3, "step") == WarmUp(3, Step())


def test_a_function_is_a_schedule() -> None:
    plan = schedule(lambda epoch, epochs: 1 - epoch / epochs)
    assert plan.rate(0.2, 5, 10) == pytest.approx(0.1)
    assert WarmUp(2, lambda epoch, epochs: epochs).rate(1.0, 2, 10) == 8
    whole = Custom(lambda epoch, epochs: np.float32(2))
    assert whole.rate(1.0, 0, 1) == 2.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedule("cosin"), r"schedule 'cosin' is not known. Did you mean 'cosine'\?"),
        (lambda: schedule(Cosine), r"Cosine is a class; give one made from it: Cosine\(\)"),
        (lambda: schedule(0.1), "got 0.1. The learning rate itself belongs to the optimizer"),
        (lambda: WarmUp(5, "cosin"), r"Did you mean 'cosine'\?"),
        (lambda: Step(0), "Step needs a whole number of epochs every >= 1, got 0"),
        (lambda: Step(2.5), "every >= 1, got 2.5"),
        (lambda: Step(math.inf), "every >= 1, got inf"),
        (lambda: Step(3, 0.0), "Step needs factor above 0 and at most 1, got 0.0. For a rate that"),
        (lambda: Exponential(1.05), r"Exponential needs decay .* got 1.05. For a rate that grows"),
        (lambda: Exponential(math.nan), "Exponential needs decay above 0 and at most 1, got nan"),
        (lambda: Cosine(-0.1), "Cosine needs final between 0 and 1, got -0.1"),
        (lambda: WarmUp(0), "WarmUp needs a number of epochs above 0, got 0"),
        (lambda: WarmUp(5, start=0.0), "WarmUp needs start above 0 and at most 1, got 0.0"),
        (lambda: OneCycle(peak=-1), "OneCycle needs a positive number for peak, got -1"),
        (lambda: OneCycle(peak=0.01), r"its peak of 0.01, so start \(0.04\) and end \(4e-06\)"),
        (lambda: OneCycle(rise=1.0), "OneCycle needs rise.* between 0 and 1, got 1.0"),
        (lambda: Constant().rate(0.1, 3, 3), "from 0 up to, not including, 3; got 3"),
        (lambda: Constant().rate(0.1, -1, 3), "got -1"),
        (lambda: Constant().rate(0.1, math.nan, 3), "got nan"),
        (
            lambda: WarmUp().rate(0.1, 0, 5),
            r"takes 5 epochs and the training only 5, .* never come; try WarmUp\(epochs=0.5\)",
        ),
        (
            lambda: Exponential(0.1).rate(0.1, 999, 1000),
            r"Exponential\(decay=0.1\) gives a learning rate of 0 at epoch 999 of 1000 \(base rate",
        ),
        (
            lambda: schedule(lambda epoch, epochs: -1.0).rate(0.1, 2, 3),
            "schedule <lambda> gives a learning rate of -0.1 at epoch 2 of 3",
        ),
        (lambda: schedule(lambda epoch, epochs: math.nan).rate(0.1, 2, 3), "rate of nan"),
        (lambda: schedule(lambda epoch, epochs: None).rate(0.1, 2, 3), "returned None at epoch 2"),
    ],
)
def test_mistakes_are_explained(make: Callable[[], object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make()
