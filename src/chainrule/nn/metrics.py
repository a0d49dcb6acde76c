"""How good predictions are: numbers for people, where a loss is a number for the optimizer.

A metric is a function ``(predictions, targets) -> float``. Rows are samples, ``n`` of them.

Those of classes read predictions and targets as ``nn/labels.py`` says. Those of numbers take two
arrays of the same shape, where (n,) and (n, 1) are the same thing and nothing is ever broadcast to
(n, n).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError, OptionError, ShapeError, unknown_name
from chainrule.nn.labels import Classes, class_pair, numbers

Metric: TypeAlias = Callable[[Any, Any], float]


def accuracy(predictions: ArrayLike, targets: ArrayLike) -> float:
    """The share of samples whose class is predicted rightly: mean(class == target), 0 to 1.

    Raises:
        ShapeError: shapes that do not fit together.
        DataError: no samples, NaN, or labels that are not classes 0 ... K-1.
    """
    predicted, true, _ = class_pair(predictions, targets)
    return float(np.mean(predicted == true))


def balanced_accuracy(predictions: ArrayLike, targets: ArrayLike) -> float:
    """The mean of the classes' shares of samples that are predicted rightly, 0 to 1.

    1/K Σ_k mean(class == k where target == k), over the K classes that occur among the targets:
    rare classes count as much as common ones. Where all are equally frequent it is ``accuracy``.

    Raises:
        ShapeError, DataError: as ``accuracy`` does.
    """
    predicted, true, count = class_pair(predictions, targets)
    total = np.bincount(true, minlength=count)
    right = np.bincount(true[predicted == true], minlength=count)
    occurs = total > 0
    return float(np.mean(right[occurs] / total[occurs]))


@dataclass(frozen=True)
class _TopK:
    k: int

    @property
    def __name__(self) -> str:
        return f"top_{self.k}"

    def __call__(self, predictions: ArrayLike, targets: ArrayLike) -> float:
        scores = numbers("predictions", predictions)
        if scores.ndim != 2 or scores.shape[1] < 2:
            raise ShapeError(
                f"{self.__name__} needs a score for each class, predictions (n, K), "
                f"got {scores.shape}."
            )
        if self.k > scores.shape[1]:
            raise OptionError(
                f"{self.__name__} asks for the best {self.k} of {scores.shape[1]} classes; "
                f"k must be at most {scores.shape[1]}."
            )
        _, true, _ = class_pair(scores, targets)
        # A stable sort lets the first of equal scores win, so that top_1 is accuracy.
        best = np.argsort(-scores.astype(np.float64), axis=1, kind="stable")[:, : self.k]
        return float(np.mean(np.any(best == true[:, None], axis=1)))


def top_k(k: int) -> Metric:
    """The metric: the share of samples whose true class is among the ``k`` highest scores.

    ``top_k(1)`` is ``accuracy``. By name: ``"top_5"`` is ``top_k(5)``.

    Raises:
        OptionError: ``k`` is not a whole number of at least 1 (or, when called, above K).
        ShapeError, DataError: when called, as ``accuracy`` does.
    """
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise OptionError(f"top_k needs a whole number k >= 1, got {k!r}.")
    return _TopK(int(k))


def confusion_matrix(predictions: ArrayLike, targets: ArrayLike) -> Classes:
    """(K, K) counts: row = true class, column = predicted class; the diagonal is right.

    K is the number of prediction columns, 2 for probabilities, else the largest class plus 1.
    Note the order of arguments, as everywhere here: predictions, then targets.

    Raises:
        ShapeError, DataError: as ``accuracy`` does.
    """
    predicted, true, count = class_pair(predictions, targets)
    counts = np.bincount(true * count + predicted, minlength=count * count)
    return counts.reshape(count, count).astype(np.int64)


def mean_squared_error(predictions: ArrayLike, targets: ArrayLike) -> float:
    """mean((prediction - target)²), over all elements.

    Raises:
        ShapeError: different shapes.
        DataError: no samples, NaN or infinity.
    """
    p, t = _number_pair(predictions, targets)
    return float(np.mean((p - t) ** 2))


def mean_absolute_error(predictions: ArrayLike, targets: ArrayLike) -> float:
    """mean(|prediction - target|), over all elements.

    Raises:
        ShapeError: different shapes.
        DataError: no samples, NaN or infinity.
    """
    p, t = _number_pair(predictions, targets)
    return float(np.mean(np.abs(p - t)))


def r2(predictions: ArrayLike, targets: ArrayLike) -> float:
    """The share of the targets' variance that is explained: 1 - Σ(p - t)² / Σ(t - mean t)².

    1 is perfect, 0 is no better than the mean, below 0 is worse. With several columns: the mean of
    the columns' values. A column whose target is constant has no variance to explain; it counts 1.0
    where the predictions are perfect and 0.0 where they are not (scikit-learn's convention).

    Raises:
        ShapeError: different shapes.
        DataError: fewer than two samples, NaN or infinity.
    """
    p, t = _number_pair(predictions, targets)
    if len(t) < 2:
        raise DataError("r2 needs at least 2 samples, got 1: one target has no variance.")
    p, t = p.reshape(len(p), -1), t.reshape(len(t), -1)
    residual = np.sum((p - t) ** 2, axis=0)
    total = np.sum((t - np.mean(t, axis=0)) ** 2, axis=0)
    # Not total == 0: the mean of equal floats may differ from them in the last bit.
    constant = (np.ptp(t, axis=0) == 0) | (total == 0)
    explained = 1 - residual / np.where(constant, 1.0, total)
    return float(np.mean(np.where(constant, residual == 0, explained)))


NAMED: dict[str, Metric] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "mean_squared_error": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "r2": r2,
}


def metric(spec: object) -> tuple[str, Metric]:
    """(name, function) of the metric that ``spec`` means.

    Names: accuracy, balanced_accuracy, mean_squared_error, mean_absolute_error, r2, and top_
    followed by a number, such as top_5. A function ``(predictions, targets) -> number`` goes by its
    own name; what it returns is checked to be one number (DataError).

    Raises:
        OptionError: an unknown name, or neither a name nor a function.
    """
    if isinstance(spec, str):
        if match := re.fullmatch(r"top_(\d+)", spec):
            return spec, top_k(int(match[1]))
        if spec == "top_k":
            raise OptionError("metric 'top_k' needs its number: write 'top_5' for the best five.")
        if spec == "confusion_matrix":
            raise OptionError(
                "metric 'confusion_matrix' is a table, not one number: call "
                "confusion_matrix(predictions, targets) after training."
            )
        if spec not in NAMED:
            raise unknown_name("metric", spec, [*NAMED, "top_5"])
        return spec, NAMED[spec]
    for known, function in NAMED.items():
        if spec is function:
            return known, function
    if isinstance(spec, _TopK):
        return spec.__name__, spec
    if not callable(spec):
        raise OptionError(
            f"a metric is a name or a function (predictions, targets) -> number, "
            f"got {type(spec).__name__}."
        )
    name = str(getattr(spec, "__name__", type(spec).__name__))
    return name, functools.partial(_one_number, spec, name)


def metrics_of(asked: object) -> dict[str, Metric]:
    """The functions of the metrics that are asked for, by name: of one, or several, or None.

    Raises:
        OptionError: as for :func:`metric`.
    """
    if asked is None:
        return {}
    several = list(asked) if isinstance(asked, list | tuple | set) else [asked]
    return dict(map(metric, several))


def _number_pair(
    predictions: ArrayLike, targets: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    p, t = numbers("predictions", predictions), numbers("targets", targets)
    shapes = p.shape, t.shape
    p, t = (a[:, 0] if a.ndim == 2 and a.shape[1] == 1 else a for a in (p, t))
    if p.shape != t.shape:
        raise ShapeError(
            f"predictions {shapes[0]} and targets {shapes[1]} must have the same shape "
            f"((n,) and (n, 1) count as the same)."
        )
    for name, array in (("predictions", p), ("targets", t)):
        if np.any(np.isinf(array)):
            raise DataError(f"{name} hold infinite values; the error would be infinite too.")
    return p.astype(np.float64), t.astype(np.float64)


def _one_number(function: Metric, name: str, predictions: Any, targets: Any) -> float:
    value = np.asarray(function(predictions, targets))
    if value.ndim or value.dtype.kind not in "biuf":
        kind = f"an array of shape {value.shape}" if value.ndim else str(value.dtype)
        raise DataError(f"metric {name} returned {kind}, expected one number.")
    return float(value)
