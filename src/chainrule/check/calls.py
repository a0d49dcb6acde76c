"""Calls: a user's loss and gradients, called so that nothing stays changed and oddities show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.evidence import Array, Conduct
from chainrule.check.subjects import EPS, Subject
from chainrule.check.surroundings import Surroundings
from chainrule.errors import GradientError

#: Two calls that differ by less than this, relatively, are the same but for rounding.
REPEATED = 1e-9


@dataclass(frozen=True)
class Looked:
    """What the first calls gave: the loss, their gradients, and how the functions behaved."""

    loss: float
    theirs: dict[str, Array | None]
    conduct: Conduct
    eps: float
    notes: tuple[str, ...]


class Calls:
    """The functions of a subject, on copies of the parameters and with random numbers rewound."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.surroundings = Surroundings(subject.roots)
        #: How many times the loss was called.
        self.count = 0
        #: The rounding error of the type that the loss comes in.
        self.eps = EPS
        self._rewrites = False
        #: Whether their gradients are computed from what the last call of the loss left behind.
        self._continues = False

    def loss(self, named: Mapping[str, Any]) -> float:
        """The loss at these parameters, which may be NaN or infinite there.

        Raises:
            GradientError: it is not one real number.
        """
        result = self.raw(named)
        if isinstance(result, tuple):
            raise GradientError(
                f"the loss returned a tuple of {len(result)}; one number was expected. If it comes "
                "first, write lambda p: loss(p)[0]."
            )
        value = np.asarray(getattr(result, "value", result))
        if value.dtype.kind not in "iuf" or value.size != 1:
            raise GradientError(_not_a_loss(value))
        if value.dtype.kind == "f":
            self.eps = float(np.finfo(value.dtype).eps)
        return float(value.reshape(()))

    def raw(self, named: Mapping[str, Any]) -> Any:
        """What the loss returns for these parameters, which may be complex, or Tensors."""
        self.count += 1
        self.surroundings.rewind()
        if self.subject.starts_afresh:
            self.surroundings.rebind()
        if self._rewrites:
            self.surroundings.rewrite()
        handed = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in named.items()}
        with np.errstate(all="ignore"):
            return self.subject.loss(handed)

    def gradients(self, named: Mapping[str, Array]) -> dict[str, Array | None] | None:
        """Their gradients at these parameters, the loss being called first; None if not known."""
        if self.subject.gradients is None:
            return None
        return _as_arrays(self._afresh(named, self._continues), self.subject.parameters)[0]

    def look(self, point: Mapping[str, Array]) -> Looked:
        """The first calls at ``point``, twice each, and what is to be noticed."""
        subject = self.subject
        loss = self.loss(point)
        if not np.isfinite(loss):
            raise GradientError(
                f"the loss is {loss} at these parameters, so there is no gradient. A log of 0 or "
                "an overflow in exp does that; check at smaller parameters."
            )
        notes = list(subject.notes)
        if self.surroundings.has_drawn():
            notes.append(
                "the loss draws random numbers; every call began with the same ones, so that the "
                "same noise was judged."
            )
        loss_writes = self._writes(point)
        again = self.loss(point)
        loss_varies = not _near(loss, again)
        if loss_varies and self.surroundings.written():
            self._rewrites = True
            self.surroundings.rewrite()
            loss = self.loss(point)
            self.surroundings.rewrite()
            again = self.loss(point)
            if _near(loss, again):  # it was the writing, and nothing else
                loss_varies = False
                loss_writes += tuple(self.surroundings.written())
        raw, gradients_write, vary = self._first_gradients(point)
        theirs, eps = _as_arrays(raw, point)
        if subject.gradients is None:
            eps = max(eps, subject.eps)
        conduct = Conduct(loss_writes, gradients_write, loss_varies, vary)
        return Looked(loss, theirs, conduct, eps, tuple(notes))

    def _writes(self, point: Mapping[str, Array]) -> tuple[str, ...]:
        """The parameters that the loss writes into."""
        handed = {name: array.copy() for name, array in point.items()}
        self.surroundings.rewind()
        with np.errstate(all="ignore"):
            self.subject.loss(handed)
        return _changed(handed, point)

    def _first_gradients(
        self, point: Mapping[str, Array]
    ) -> tuple[dict[str, Any], tuple[str, ...], bool]:
        if self.subject.gradients is None:
            return dict(self.subject.given or {}), (), False
        self.raw(point)
        handed = {name: array.copy() for name, array in point.items()}
        self.surroundings.rewind()
        with np.errstate(all="ignore"):
            first = _copied(self.subject.gradients(handed))
        written = _changed(handed, point)
        again = self._afresh(point, continues=False)
        if not _alike(first, again, point) and self.surroundings.written():
            # Added to what an earlier call left, in arrays that were there before.
            self._rewrites = True
            first = self._afresh(point, continues=False)
        # After a loss elsewhere: if that changes the result, it is computed from what was left.
        self.raw({name: array + 0.01 * (1 + np.abs(array)) for name, array in point.items()})
        elsewhere = self._their_call(point, continues=False)
        self._continues = not _alike(first, elsewhere, point)
        first = self._afresh(point, self._continues)
        again = self._afresh(point, self._continues)
        return first, written, not _alike(first, again, point)

    def _afresh(self, point: Mapping[str, Array], continues: bool) -> dict[str, Any]:
        """Their gradients after a call of the loss at the same parameters."""
        self.raw(point)
        return self._their_call(point, continues)

    def _their_call(self, named: Mapping[str, Array], continues: bool) -> dict[str, Any]:
        """Their gradients; with random numbers that go on where the loss stopped, or afresh."""
        assert self.subject.gradients is not None
        if not continues:
            self.surroundings.rewind()
        with np.errstate(all="ignore"):
            return _copied(self.subject.gradients({k: v.copy() for k, v in named.items()}))


def _copied(gradients: Mapping[str, Any]) -> dict[str, Any]:
    """Copies: a backward pass may hand out its own buffers."""
    return {
        k: None if g is None else np.array(getattr(g, "value", g)) for k, g in gradients.items()
    }


def _as_arrays(
    raw: Mapping[str, Any], point: Mapping[str, Array]
) -> tuple[dict[str, Array | None], float]:
    """Their gradients in float64, fitted in shape where that is safe; and their rounding error."""
    eps = EPS
    theirs: dict[str, Array | None] = {}
    for name, parameter in point.items():
        given = raw.get(name)
        array = None if given is None else np.asarray(getattr(given, "value", given))
        if array is None or array.dtype.kind not in "iufb":
            theirs[name] = None
            continue
        if array.dtype.kind == "f":
            eps = max(eps, float(np.finfo(array.dtype).eps))
        theirs[name] = fitted(array.astype(np.float64), parameter.shape)
    return theirs, eps


def fitted(array: Array, shape: tuple[int, ...]) -> Array:
    """``array`` in ``shape`` if they differ by axes of length 1 in front, else as it is.

    (1, 3) is subtracted from (3,) as if it were (3,); (3, 1) is not: it would broadcast to (3, 3).
    """
    if array.shape == shape or array.size != int(np.prod(shape, dtype=np.int64)):
        return array
    together = np.broadcast_shapes(array.shape, shape) if _broadcast(array.shape, shape) else None
    safe = together is not None and int(np.prod(together, dtype=np.int64)) == array.size
    return array.reshape(shape) if safe else array


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    pairs = zip(reversed(a), reversed(b), strict=False)
    return all(m == n or 1 in (m, n) for m, n in pairs)


def _changed(handed: Mapping[str, Array], point: Mapping[str, Array]) -> tuple[str, ...]:
    return tuple(name for name, array in point.items() if not np.array_equal(handed[name], array))


def _near(a: float, b: float) -> bool:
    return a == b or abs(a - b) <= REPEATED * max(abs(a), abs(b))


def _alike(a: Mapping[str, Any], b: Mapping[str, Any], point: Mapping[str, Array]) -> bool:
    """Whether two results are the same, but for rounding."""
    first, eps = _as_arrays(a, point)
    second, _ = _as_arrays(b, point)
    allowed = max(REPEATED, 100 * eps)
    for name, x in first.items():
        y = second[name]
        if x is None or y is None:
            if x is not y:
                return False
            continue
        if x.shape != y.shape:
            return False
        both = np.isfinite(x) & np.isfinite(y)
        largest = float(np.abs(x[both]).max(initial=0))
        if not np.array_equal(np.isfinite(x), np.isfinite(y)):
            return False
        if np.abs(x[both] - y[both]).max(initial=0) > allowed * largest:
            return False
    return True


def _not_a_loss(result: np.ndarray[Any, Any]) -> str:
    if result.dtype == object and result.size == 1:
        if result.shape == () and result.item() is None:
            return "the loss returned nothing (None). Is a return missing?"
        return f"the loss returned {type(result.item()).__name__}; one number was expected."
    if result.size != 1:
        return (
            f"the loss returned {result.size} numbers (shape {result.shape}); one was expected. "
            "Perhaps a sum or a mean is missing: np.sum(...)."
        )
    return f"the loss returned {result.dtype.name}; a real number was expected."
