"""How the learning rate changes during training.

A schedule turns the optimizer's rate, the *base*, into the rate of one step::

    rate(base, epoch, epochs) = base · multiplier(epoch, epochs)

where ``epoch`` is the position in the training, from 0 up to but not including ``epochs``, and is
fractional inside an epoch: step 3 of the 10 steps of the epoch numbered 2 is at 2.3.

::

    name          class          multiplier at epoch t of T
    constant      Constant()     1
    step          Step()         factor^floor(t / every)
    exponential   Exponential()  decay^t
    cosine        Cosine()       final + (1 - final)·(1 + cos(πt/T)) / 2
    warm_up       WarmUp()       start + (1 - start)·t/epochs, and after that another schedule
    one_cycle     OneCycle()     from start up to peak, then down to end

A function ``(epoch, epochs) -> multiplier`` is a schedule too.
"""

from __future__ import annotations

import math
import numbers
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

from chainrule.errors import OptionError, Teaching, unknown_name


class Schedule(metaclass=Teaching):
    """The parent of all schedules; a child says its ``multiplier``."""

    @abstractmethod
    def multiplier(self, epoch: float, epochs: float) -> float:
        """What the base rate is multiplied by at ``epoch``, 0 <= epoch < epochs."""

    def rate(self, base: float, epoch: float, epochs: float) -> float:
        """The learning rate at ``epoch`` of ``epochs``, for an optimizer whose rate is ``base``.

        Raises:
            OptionError: ``epoch`` is outside [0, epochs), or the rate would be zero, negative, NaN
                or infinite.
        """
        if not 0 <= epoch < epochs:
            raise OptionError(
                f"a schedule is asked for epochs from 0 up to, not including, {epochs:g}; "
                f"got {epoch:g}."
            )
        value = base * self.multiplier(epoch, epochs)
        if not (value > 0 and math.isfinite(value)):
            raise OptionError(
                f"schedule {self} gives a learning rate of {value:g} at epoch {epoch:g} of "
                f"{epochs:g} (base rate {base:g}); it must stay positive and finite."
            )
        return value


@dataclass(frozen=True)
class Constant(Schedule):
    """The base rate, always."""

    def multiplier(self, epoch: float, epochs: float) -> float:
        return 1.0


@dataclass(frozen=True)
class Step(Schedule):
    """Multiply by ``factor`` once every ``every`` epochs: factor^floor(t / every).

    By default a tenth every 30 epochs, as He et al. 2016 ("Deep residual learning") divide by 10 in
    steps. PyTorch: ``StepLR(step_size=every, gamma=factor)``.

    Raises:
        OptionError: ``every`` is not a whole number >= 1, or ``factor`` is not in (0, 1].
    """

    every: int = 30
    factor: float = 0.1

    def __post_init__(self) -> None:
        if not _is_number(self.every) or self.every % 1 != 0 or self.every < 1:
            raise OptionError(
                f"Step needs a whole number of epochs every >= 1, got {self.every!r}."
            )
        _fraction("Step", "factor", self.factor)

    def multiplier(self, epoch: float, epochs: float) -> float:
        return float(self.factor ** math.floor(epoch / self.every))


@dataclass(frozen=True)
class Exponential(Schedule):
    """decay^t, a little less at every step; ``decay`` is what one epoch leaves, 0.95 by default.

    PyTorch at whole epochs: ``ExponentialLR(gamma=decay)``.

    Raises:
        OptionError: ``decay`` is not in (0, 1].
    """

    decay: float = 0.95

    def __post_init__(self) -> None:
        _fraction("Exponential", "decay", self.decay)

    def multiplier(self, epoch: float, epochs: float) -> float:
        return float(self.decay**epoch)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from 1 down to ``final`` (a fraction of the base rate, 0 by default).

    Loshchilov & Hutter 2017, "SGDR", equation 5, without restarts. PyTorch at whole epochs:
    ``CosineAnnealingLR(T_max=epochs, eta_min=final·base)``.

    Raises:
        OptionError: ``final`` is not in [0, 1].
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        if not _is_number(self.final) or not 0 <= self.final <= 1:
            raise OptionError(f"Cosine needs final between 0 and 1, got {self.final!r}.")

    def multiplier(self, epoch: float, epochs: float) -> float:
        return _between(1.0, self.final, epoch / epochs)


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight climb from ``start`` to 1 in the first ``epochs`` epochs, then schedule ``then``.

    ``then`` begins its own epoch 0 where the climb ends, and lasts for the epochs that are left.
    Goyal et al. 2017, "Accurate, large minibatch SGD", section 2.2. PyTorch at whole epochs:
    ``LinearLR(start_factor=start, total_iters=epochs)``.

    Raises:
        OptionError: ``epochs`` is not a number above 0, ``start`` is not in (0, 1], ``then`` is no
            schedule, or (when asked for a rate) the whole training is not longer than the climb.
    """

    epochs: float = 5
    then: Schedule | str | Callable[[float, float], float] | None = None
    start: float = 0.1

    def __post_init__(self) -> None:
        if not _is_number(self.epochs) or not 0 < self.epochs < math.inf:
            raise OptionError(f"WarmUp needs a number of epochs above 0, got {self.epochs!r}.")
        _fraction("WarmUp", "start", self.start)
        object.__setattr__(self, "then", schedule(self.then))

    def multiplier(self, epoch: float, epochs: float) -> float:
        if epochs <= self.epochs:
            raise OptionError(
                f"WarmUp takes {self.epochs:g} epochs and the training only {epochs:g}, so the "
                f"full rate would never come; try WarmUp(epochs={epochs / 10:g})."
            )
        if epoch < self.epochs:
            return self.start + (1 - self.start) * epoch / self.epochs
        return schedule(self.then).multiplier(epoch - self.epochs, epochs - self.epochs)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """One climb from ``start`` to ``peak`` in the first ``rise`` of training, then down to ``end``.

    All three are factors of the base rate, so with the default peak of 1 the base is the highest
    rate. Smith 2018, "A disciplined approach to neural network hyper-parameters", section 4.1, with
    straight lines; here, as in PyTorch's ``OneCycleLR`` (whose default numbers these are), both
    ways are half cosines. Momentum is not cycled.

    Raises:
        OptionError: a factor that is not a positive number, ``start`` or ``end`` above ``peak``, or
            ``rise`` not strictly between 0 and 1.
    """

    peak: float = 1.0
    start: float = 0.04
    end: float = 4e-6
    rise: float = 0.3

    def __post_init__(self) -> None:
        for name in ("peak", "start", "end"):
            value = getattr(self, name)
            if not _is_number(value) or not 0 < value < math.inf:
                raise OptionError(f"OneCycle needs a positive number for {name}, got {value!r}.")
        if self.peak < max(self.start, self.end):
            raise OptionError(
                f"OneCycle climbs to its peak of {self.peak:g}, so start ({self.start:g}) and end "
                f"({self.end:g}) cannot be above it."
            )
        if not _is_number(self.rise) or not 0 < self.rise < 1:
            raise OptionError(
                f"OneCycle needs rise, a part of the training, between 0 and 1, got {self.rise!r}."
            )

    def multiplier(self, epoch: float, epochs: float) -> float:
        top = self.rise * epochs
        if epoch < top:
            return _between(self.start, self.peak, epoch / top)
        return _between(self.peak, self.end, (epoch - top) / (epochs - top))


@dataclass(frozen=True)
class Custom(Schedule):
    """A user's function ``(epoch, epochs) -> multiplier``.

    Raises:
        OptionError: (when asked for a rate) the function returned something other than a number.
    """

    function: Callable[[float, float], float]

    def multiplier(self, epoch: float, epochs: float) -> float:
        value = self.function(epoch, epochs)
        if not _is_number(value):
            raise OptionError(
                f"schedule {self} returned {value!r} at epoch {epoch:g}, expected a number."
            )
        return float(value)

    def __str__(self) -> str:
        return str(getattr(self.function, "__name__", self.function))


NAMED: dict[str, type[Schedule]] = {
    "constant": Constant,
    "step": Step,
    "exponential": Exponential,
    "cosine": Cosine,
    "warm_up": WarmUp,
    "one_cycle": OneCycle,
}


def schedule(spec: object) -> Schedule:
    """The schedule that ``spec`` means: None (constant), a name, a Schedule or a function.

    Raises:
        OptionError: an unknown name, a class instead of a schedule, or something else.
    """
    if spec is None:
        return Constant()
    if isinstance(spec, str):
        if spec not in NAMED:
            raise unknown_name("schedule", spec, NAMED)
        return NAMED[spec]()
    if isinstance(spec, Schedule):
        return spec
    if isinstance(spec, type):
        raise OptionError(
            f"schedule {spec.__name__} is a class; give one made from it: {spec.__name__}()."
        )
    if callable(spec):
        return Custom(spec)
    raise OptionError(
        f"a schedule is a name, a Schedule or a function (epoch, epochs) -> multiplier, got "
        f"{spec!r}. The learning rate itself belongs to the optimizer."
    )


def _between(first: float, last: float, part: float) -> float:
    """Half a cosine from ``first`` (part 0) to ``last`` (part 1)."""
    # sin² and not (1 + cos) / 2: the latter cancels to 0 shortly before the end.
    return last + (first - last) * math.sin(math.pi / 2 * (1 - part)) ** 2


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _fraction(owner: str, name: str, value: object) -> None:
    if not (_is_number(value) and 0 < value <= 1):
        raise OptionError(
            f"{owner} needs {name} above 0 and at most 1, got {value!r}. "
            f"For a rate that grows, give a function (epoch, epochs) -> multiplier."
        )
