"""A training step as it was written, run on copies: in place, or returning what is new."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.check.attributes import Slot, slots
from chainrule.check.calls import Calls
from chainrule.check.evidence import Array
from chainrule.check.matching import leaves, rebuilt
from chainrule.check.subjects import Subject, argument_names, coarsest, floats, of_functions
from chainrule.check.surroundings import Surroundings
from chainrule.errors import GradientError, OptionError

Point = dict[str, Array]


class Stepper:
    """A step and the loss it should make smaller, on a dict or list of arrays, or an object.

    Attributes:
        subject: the loss, without gradients.
        eps: the rounding error of the parameters.
        broke: what a later step raised, if one did.
    """

    def __init__(self, step: Callable[..., Any], parameters: Any, loss: Any) -> None:
        if not callable(step) or not callable(loss):
            raise OptionError(
                "check_step(step, parameters, loss) takes two functions: step, which makes one "
                "update, and loss."
            )
        self.step, self.parameters = step, parameters
        self.takes = len(argument_names(step))
        if self.takes > 1:
            raise OptionError(
                f"a step takes the parameters, or nothing; this one takes "
                f"{', '.join(argument_names(step))}. Fix the rest: lambda p: step(p, X, t)."
            )
        is_data = isinstance(parameters, Mapping | list | tuple | np.ndarray | int | float)
        self.thing = None if is_data else parameters
        self.surroundings = Surroundings([step, parameters, loss])
        self.subject = self._of_object(loss) if not is_data else self._of_data(loss)
        self.eps = self.subject.eps
        self.broke = ""

    def run(self, times: int) -> list[dict[str, Any]]:
        """The parameters before the first step and after each of ``times``; all is put back."""
        with self.surroundings.kept(), np.errstate(all="ignore"):
            if self.thing is not None or not self.takes:
                return self._in_place(times)
            held = copy.deepcopy(self.parameters)
            points = [self._read(held)]
            for turn in range(times):
                made = self._made(turn, held)
                if made is None:
                    break
                (result,) = made
                held = held if result is None else self._taken(result, held)
                points.append(self._read(held))
            return points

    def _in_place(self, times: int) -> list[dict[str, Any]]:
        read = self._bound if self.thing is None else self._slots
        points = [read()]
        for turn in range(times):
            if self._made(turn, *[self.thing][: self.takes]) is None:
                break
            points.append(read())
        return points

    def _made(self, turn: int, *arguments: Any) -> tuple[Any] | None:
        """What a step returns; None if it broke after others, which are judged then."""
        try:
            return (self.step(*arguments),)
        except Exception as error:
            if not turn:
                raise
            # An earlier step may have changed a shape, say: that is the mistake to be named.
            self.broke = (
                f"update {turn + 1} raised {type(error).__name__}: {error}. What came before it is "
                "judged."
            )
            return None

    # --- reading -------------------------------------------------------------------------------

    def _read(self, held: Any) -> dict[str, Any]:
        assert self.subject.read is not None
        return {name: np.array(array) for name, array in self.subject.read(held).items()}

    def _taken(self, result: Any, held: Any) -> Any:
        """What a step returned, if it is new parameters."""
        arranged = [path for path, _ in leaves(result)] == [path for path, _ in leaves(held)]
        if arranged:
            return result
        fresh = [leaf for _, leaf in leaves(result)]
        paths = [path for path, _ in leaves(held)]
        if len(fresh) == len(paths):
            return rebuilt(held, dict(zip(paths, fresh, strict=True)))
        if all(np.ndim(leaf) == 0 for leaf in fresh):  # the loss, say: the update is in place
            return held
        raise GradientError(
            f"the step returned {len(fresh)} arrays for {len(paths)} parameters. Let it return the "
            "new parameters arranged as the old ones, or nothing if it changes them in place."
        )

    def _bound(self) -> dict[str, Any]:
        """For a step without arguments: the arrays, or what its variables of these names hold."""
        outside = getattr(self.step, "__globals__", {})
        found = self._read(self.parameters)
        return {name: np.array(outside.get(name, array)) for name, array in found.items()}

    def _slots(self) -> dict[str, Any]:
        now = slots(self.thing)
        return {n: np.array(now[n].array) for n in self.subject.parameters if n in now}

    # --- the loss ------------------------------------------------------------------------------

    def _of_data(self, loss: Any) -> Subject:
        return of_functions(loss, self.parameters, None, None)

    def _of_object(self, loss: Any) -> Subject:
        before = slots(self.thing)
        kept = {name: np.array(slot.array) for name, slot in before.items()}
        run = (lambda: loss(self.thing)) if argument_names(loss) else loss
        with self.surroundings.kept(), np.errstate(all="ignore"):
            self.step(*[self.thing][: self.takes])
            after = {name: np.array(slot.array) for name, slot in slots(self.thing).items()}
        changed = [
            n for n, old in kept.items()
            if n in after and (not np.array_equal(after[n], old) or _is_called_parameter(n))
        ]  # fmt: skip
        subject = _subject_of_slots({n: before[n] for n in changed}, run, loss, self.thing)
        # What the loss does not even read is a buffer.
        read = {n: before[n] for n in changed if _matters(subject, n)}
        subject = _subject_of_slots(read, run, loss, self.thing)
        if not subject.parameters:
            raise GradientError(
                f"the step changes no array of {type(self.thing).__name__} that the loss reads: "
                f"{', '.join(before) or 'it has none'}."
            )
        return subject


def _is_called_parameter(name: str) -> bool:
    last = name.rpartition(".")[2].lower().rstrip("0123456789_[]")
    return last in ("w", "b", "weight", "weights", "bias", "biases", "gamma", "beta", "theta")


def _matters(subject: Subject, name: str) -> bool:
    """Whether the loss changes with this array."""
    calls = Calls(subject)
    with calls.surroundings.kept():
        array = subject.parameters[name]
        rng = np.random.default_rng(0)
        moved = array + 0.1 * (1 + np.abs(array)) * rng.uniform(0.5, 1, array.shape)
        return calls.loss(subject.parameters) != calls.loss(subject.parameters | {name: moved})


def _subject_of_slots(
    parts: Mapping[str, Slot], run: Callable[[], Any], loss: Any, thing: Any
) -> Subject:
    arrays = {name: floats(name, slot.array) for name, slot in parts.items()}
    point = {name: array for name, array in arrays.items() if array is not None}

    def call(named: Mapping[str, Any]) -> Any:
        for name, value in (point | dict(named)).items():
            parts[name].hold(value)
        return run()

    return Subject(
        point, call, None, {}, coarsest([np.asarray(s.array).dtype for s in parts.values()]),
        (loss,), (thing, loss), starts_afresh=True,
    )  # fmt: skip
