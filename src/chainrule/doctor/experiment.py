"""Experiments: a copy of a case is trained on a small budget, and how far it got is measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from chainrule.doctor.case import Case, copied
from chainrule.doctor.standardising import are_alike
from chainrule.graph.op import Array
from chainrule.nn import fitting
from chainrule.nn.layers import BatchNorm
from chainrule.nn.losses import NAMED
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import LBFGS
from chainrule.optim.schedules import schedule as make_schedule
from chainrule.train import checks
from chainrule.train.nonfinite import Birth, find, look_closely
from chainrule.train.rates import Rates
from chainrule.train.restarts import constant_loss
from chainrule.train.runner import Runner

#: Rows that experiments train on, at most, and that they are judged on.
MOST_ROWS, MOST_HELD = 4000, 1000
#: Below this many rows none is held back: a fifth of them would say nothing.
FEWEST_TO_HOLD = 50
#: What a training may cost, in multiplications, and the calls of a step in the same coin
#: (measured: 13 µs a step of the smallest network, 4e10 multiplications a second).
MOST_WORK, WORK_OF_A_STEP = 3.2e10, 5e5
#: A loss of the user's own that is no larger is 0. How often a training is measured.
ROUNDING, LOOKS = 1e-12, 20


@dataclass(frozen=True, eq=False)
class Portions:
    """Checked data of a case: what is trained on, and what is held back to judge.

    ``level`` is the loss of the best constant answer on each: the loss of having learnt nothing. It
    is 1 where that is 0 or no number, by which no loss can be divided.
    """

    train: dict[str, Array]
    held: dict[str, Array] | None
    level: float
    held_level: float


@dataclass(frozen=True, eq=False)
class Trial:
    """How a training went.

    Losses are divided by that of the best constant answer, so that 1 is nothing learnt and 0 all.

    Attributes:
        curve: (epoch, share on the training rows, share on held rows or NaN), from the start on.
        failed: the epoch in which a number was not finite any more, or None.
        network: as it was at the end.
        epochs: how many were trained.
        birth: where the first number came from that was not finite, if that was asked.
    """

    case: Case
    portions: Portions
    curve: tuple[tuple[int, float, float], ...]
    failed: int | None
    network: Sequential = field(repr=False)
    epochs: int
    birth: Birth | None = None

    @property
    def share(self) -> float:
        """The share of the constant answer's loss that is left on the training rows."""
        return self._end(1)

    @property
    def held_share(self) -> float:
        """The same on rows held back; that on the training rows where none are."""
        return self._end(2) if self.portions.held is not None else self.share

    @property
    def best_held_share(self) -> float:
        """The lowest share on held rows while it was trained.

        The untrained network does not count: of few rows it may happen to know some.
        """
        column = 1 if self.portions.held is None else 2
        return min([self.held_share, *[row[column] for row in self.curve[1:]]])

    @property
    def loss(self) -> float:
        """The loss on the training rows at the end."""
        return self.share * self.portions.level

    def _end(self, column: int) -> float:
        if self.failed is not None:
            return math.inf
        last = [row[column] for row in self.curve[-3:]]
        return min(last[-1], float(np.median(last)))


def places(case: Case) -> tuple[Array, Array]:
    """The rows to train on and those held back, in their order: chosen by the seed alone."""
    rows = len(case.X)
    rng = np.random.default_rng(case.seed)
    order = rng.permutation(rows)
    held = 0 if rows < FEWEST_TO_HOLD else min(MOST_HELD, rows // 5)
    kept = np.sort(order[held : held + MOST_ROWS])
    return kept, np.sort(order[:held])


def _all_places(case: Case) -> Array:
    """All rows, as far as they are affordable."""
    order = np.random.default_rng(case.seed).permutation(len(case.X))
    kept: Array = np.sort(order[:MOST_ROWS])
    return kept


def _without_a_last_one(case: Case, rows: Array) -> Array:
    """So many rows that no batch of a single one is left over, which BatchNorm cannot train on."""
    normed = any(isinstance(layer, BatchNorm) for layer in case.network.layers)
    is_left = case.batch_size is not None and len(rows) % case.batch_size == 1
    return rows[:-1] if normed and is_left and len(rows) > 1 else rows


def portions(case: Case, *, hold: bool = True) -> Portions:
    """The data of a case, checked as ``fit`` checks them; rows are held back if ``hold``.

    Raises:
        ShapeError, DtypeError, DataError: what ``fit`` raises.
    """
    return parted(case, *(places(case) if hold else (_all_places(case), np.arange(0))))


def parted(case: Case, train: Array, held: Array) -> Portions:
    """The checked data of a case at these places."""
    net, whole = case.network, _checked(case)
    places = _without_a_last_one(case, train), held
    parts = [{name: array[at] for name, array in whole.items()} for at in places]
    levels = [_level(net, part) if len(part["x"]) else math.nan for part in parts]
    return Portions(parts[0], parts[1] if len(held) else None, *levels)


def _checked(case: Case) -> dict[str, Array]:
    """All training data of a case."""
    net = case.network
    x = fitting.inputs(case.X, net.dtype, net.input_shape)
    return checks.training_data(net, case.loss, x, case.y, case.sample_weight, case.class_weight)


def constant_answer(net: Sequential, part: dict[str, Array]) -> float:
    """The loss of the best constant answer: exactly 0 where all targets that count are alike."""
    loss, t, w = constant_loss(net, part), part["t"], part.get("w")
    if net.loss_for().name not in NAMED:
        return 0.0 if abs(loss) <= ROUNDING else loss
    return 0.0 if are_alike(t if w is None else t[w > 0]) else loss


def _level(net: Sequential, part: dict[str, Array]) -> float:
    """A loss to divide by: that of one class only is 0, and of a user's own function perhaps."""
    loss = constant_answer(net, part)
    return loss if math.isfinite(loss) and loss != 0 else 1.0


def affordable_epochs(case: Case, rows: int) -> int:
    """The epochs that an experiment trains: the case's own, as far as they are affordable.

    Of many rows some are taken, and visited the more often, so that the steps are as many.
    """
    whole = len(case.X)
    size = min(case.batch_size or whole, rows)
    parameters = sum(array.size for array in case.network.parameters.values())
    steps = case.epochs * math.ceil(whole / min(case.batch_size or whole, whole))
    affordable = MOST_WORK / (WORK_OF_A_STEP + 6 * parameters * size)
    return max(1, math.ceil(min(steps, affordable) / math.ceil(rows / size)))


def with_validation(case: Case) -> Portions | None:
    """All rows of a case to train on, and its validation rows in the place of rows held back."""
    if case.validation is None:
        return None
    net = case.network
    whole, rows = _checked(case), _without_a_last_one(case, _all_places(case))
    held = checks.validation_data(net, case.loss, case.validation)
    part = {name: array[rows] for name, array in whole.items()}
    return Portions(part, held, _level(net, part), _level(net, held))


def stops(epochs: int) -> list[int]:
    """The epochs at which a training is measured, closer together at first, where most happens."""
    return sorted({math.ceil(epochs * (i / LOOKS) ** 2) for i in range(1, LOOKS + 1)})


def train(
    case: Case, epochs: int | None = None, data: Portions | None = None, *, explain: bool = False,
    look: Callable[[Sequential], None] | None = None,
) -> Trial:  # fmt: skip
    """Train a copy of the case's network and measure it on the way.

    Args:
        epochs: default: those of the case, as far as they are affordable.
        data: default: the case's own.
        explain: find out where the first number came from that is not finite.
        look: is handed the network whenever it is measured, after the start.
    """
    data = portions(case) if data is None else data
    net = copied(case.network)
    rows = len(data.train["x"])
    count = affordable_epochs(case, rows) if epochs is None else epochs
    curve = [(0, *_shares(net, case, data))]
    failed = None
    every = stops(count)
    steps = _Steps(net, case, data, count, explain)
    for before, stop in zip([0, *every], every, strict=False):
        is_finite = steps.advance(before, stop)
        if not is_finite:
            failed = stop
            break
        curve.append((stop, *_shares(net, case, data)))
        if look is not None:
            look(net)
    birth = steps.birth
    if failed is None and not math.isfinite(curve[-1][1]):
        # The batches happened to avoid it: all rows together have a loss that is no number.
        failed = count
        birth = steps.look_closely() if explain else None
    return Trial(case, data, tuple(curve), failed, net, count, birth)


def untrained(case: Case, data: Portions) -> Trial:
    """How far the case's network is without any step."""
    net = copied(case.network)
    return Trial(case, data, ((0, *_shares(net, case, data)),), None, net, 0)


class _Steps:
    """The steps of an experiment: from one epoch to another, of ``epochs`` in all."""

    def __init__(
        self, net: Sequential, case: Case, data: Portions, epochs: int, explain: bool
    ) -> None:
        self._net, self._case, self._data = net, case, data
        self._epochs, self._explain = epochs, explain
        self.birth: Birth | None = None
        self._runner: Runner | None = None
        if not isinstance(case.optimizer, LBFGS):
            self._runner = Runner(
                net, case.loss, case.optimizer, data.train, case.batch_size, case.generator(),
                "numpy", shuffle=case.shuffle,
            )  # fmt: skip

    def advance(self, first: int, last: int) -> bool:
        """Train the epochs from ``first`` to ``last``; says whether all numbers stayed finite."""
        if self._runner is None:
            return self._minimise(last - first)
        base, changing = self._case.optimizer.learning_rate, make_schedule(self._case.schedule)

        rates = Rates(changing, base, first, self._epochs)
        before = self._runner.state() if self._explain else {}
        losses = self._runner.run(last - first, rates, lambda at: None)
        if np.isfinite(losses).all() and np.isfinite(self._runner.theta).all():
            return True
        if self._explain:
            self.birth = find(self._runner, before, last - first, rates)
        return False

    def look_closely(self) -> Birth | None:
        """Where the loss of all rows, at the parameters of the end, has its first bad number."""
        if self._runner is None:
            return None
        return look_closely(self._runner, np.arange(self._runner.rows), self._runner.steps + 1)

    def _minimise(self, iterations: int) -> bool:
        from chainrule.train.lbfgs import train_lbfgs

        case, net = self._case, self._net
        assert isinstance(case.optimizer, LBFGS)
        data = self._data.train
        train_lbfgs(net, case.loss, case.optimizer, data, iterations, [], None, "numpy")
        return all(bool(np.isfinite(array).all()) for array in net.parameters.values())


def _shares(net: Sequential, case: Case, data: Portions) -> tuple[float, float]:
    with np.errstate(all="ignore"):
        share = score(net, case, data.train) / data.level
        if data.held is None:
            return share, math.nan
        return share, score(net, case, data.held) / data.held_level


def score(net: Sequential, case: Case, part: dict[str, Array]) -> float:
    """The loss on checked data, all weights counted; inf where it is no number."""
    with np.errstate(all="ignore"):
        found = net._inference.scores(part["x"], part["t"], part.get("w"), case.loss, {}, "numpy")[
            "loss"
        ]
    return found if math.isfinite(found) else math.inf
