"""write_report: a report of a network from a user's own arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import DataError, OptionError, ShapeError
from chainrule.nn import fitting
from chainrule.nn.sequential import Sequential
from chainrule.report.material import Array, Material, Rows, Target
from chainrule.report.report import Report, checked_path, report


def write_report(
    net: Sequential,
    X: Any,
    y: Any,
    path: str | Path | None = "report.html",
    *,
    training: tuple[Any, Any] | None = None,
    validation: int | tuple[Any, Any] = 0,
    history: Any = None,
    title: str = "A network and how well it does",
    class_names: Iterable[Any] | None = None,
    feature_names: Iterable[Any] | None = None,
    target: str = "target",
    image_shape: tuple[int, int] | None = None,
    findings: Any = (),
    facts: Mapping[str, str] | None = None,
    command: str | None = None,
    seed: int = 0,
) -> Report:
    """Judge ``net`` on the rows ``X`` and ``y``, and write a page of what was found.

    The page is one HTML file that needs no network and no other file: the score with confidence
    intervals beside simple answers, curves, confusion matrix or residuals, calibration, hardest
    examples, importance of columns, the network as a drawing and as formulas.

    Args:
        net: a network that was trained.
        X, y: rows that it has not seen, as ``net.evaluate`` takes them: labels of classes where it
            ends with a softmax or one sigmoid, else numbers.
        path: where to; None writes nothing.
        training: the rows (X, y) that it was trained on. A linear model learns from them, as a
            baseline (with scikit-learn).
        validation: the rows that watched the training, or how many they were.
        history: what ``net.fit`` returned.
        class_names, feature_names: what classes and columns are called.
        target: what the predicted number is called, with its unit.
        image_shape: (height, width), if each row is a picture.
        findings: what a doctor found: a diagnosis, or objects with ``title``, and perhaps
            ``where``, ``observed``, ``expected``, ``sure``, ``repair``, ``before`` and ``after``.
        facts: more to be told of the data, by name.
        command: what makes the run again.
        seed: of resampling and shuffles; the same seed and data give the same page.

    Raises:
        ShapeError, DtypeError, DataError: rows that do not fit the network, or are not finite.
        OptionError: a path, names or a shape that do not fit.
    """
    where = None if path is None else checked_path(path)
    rows = _rows(net, X, y)
    count = _classes(net)
    names = _names(class_names, count, "class_names", "classes") if count else ()
    if class_names is not None and not count:
        raise OptionError(
            "class_names are given, and the network predicts numbers: it ends with neither a "
            "softmax nor a single sigmoid."
        )
    width = int(np.prod(rows.X.shape[1:]))
    if image_shape is not None and int(np.prod(image_shape)) != width:
        raise OptionError(f"image_shape {image_shape} has not the {width} numbers of a row.")
    features: tuple[str, ...] = ()
    if feature_names is not None:
        features = _names(feature_names, width, "feature_names", "numbers a row")
    goal = Target(names, target)
    learnt = None if training is None else _rows(net, *training)
    made = report(
        Material(
            title,
            net,
            goal,
            rows.y,
            goal.decoded(net.predict(rows.X)),
            rows.X,
            training=learnt,
            validation=validation if isinstance(validation, int) else len(validation[0]),
            history=_epochs(history),
            stopped=getattr(history, "stopped", None),
            feature_names=features,
            image_shape=image_shape,
            findings=tuple(getattr(findings, "findings", findings)),
            facts=facts or {},
            command=command,
            seed=seed,
        )
    )
    if where is not None:
        made.save(where)
    return made


def _epochs(history: Any) -> Sequence[Mapping[str, Any]]:
    rows = [] if history is None else getattr(history, "rows", history)
    if not isinstance(rows, list) or not all(isinstance(r, dict) and "epoch" in r for r in rows):
        raise OptionError(
            f"history is what net.fit returned, or a list of dicts, one an epoch, got "
            f"{type(history).__name__}."
        )
    return rows


def _classes(net: Sequential) -> int:
    """How many classes the network tells apart; 0 where it predicts numbers."""
    width = int(np.prod(net.output_shape))
    if net.last_activation == "softmax":
        return width
    return 2 if net.last_activation == "sigmoid" and width == 1 else 0


def _rows(net: Sequential, X: Any, y: Any) -> Rows:
    """Checked rows, y as :class:`Material` wants it."""
    array = fitting.inputs(X, net.dtype, net._built_shape())
    count = _classes(net)
    if not count:
        t = fitting.targets(y, net.loss_for(), len(array), net.output_shape, np.dtype(np.float64))
        return Rows(array, t.reshape(len(t), -1))
    labels: Array = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == count and count > 1:
        labels = labels.argmax(axis=1)
    labels = labels.reshape(-1) if labels.size == len(array) else labels
    if labels.shape != (len(array),):
        raise ShapeError(
            f"X has {len(array)} rows and y has shape {labels.shape}: one label a row was expected."
        )
    whole = labels.dtype.kind in "biuf" and np.isin(labels, np.arange(count)).all()
    if not whole:
        raise DataError(
            f"the network tells {count} classes apart, so y holds labels from 0 to {count - 1}; "
            f"given were {', '.join(map(str, np.unique(labels)[:5]))}. Encode them first: "
            "labels, y = np.unique(y, return_inverse=True), and class_names=labels."
        )
    return Rows(array, labels.astype(np.int64))


def _names(given: Iterable[Any] | None, count: int, option: str, things: str) -> tuple[str, ...]:
    names = tuple(map(str, range(count) if given is None else given))
    if len(names) != count:
        raise OptionError(f"{option} has {len(names)} names for {count} {things}.")
    return names
