"""Class labels, of any kind, and the targets of a network that stand for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from chainrule.errors import DataError
from chainrule.estimators.rows import is_sparse
from chainrule.graph.op import Array


class Labels:
    """The labels seen first, and what they are as targets.

    ::

        kind          y              outputs  targets
        binary        (n,)           1        (n, 1) of 0 and 1
        multiclass    (n,)           K        (n,) of class numbers
        multilabel    (n, K), 0, 1   K        (n, K) of 0 and 1

    ``classes`` is sorted. One class alone is binary, without a second. For labels that came as a
    sparse matrix, so do the predictions.

    Raises:
        ValueError: labels that scikit-learn knows no classification of, such as real numbers.
    """

    def __init__(self, y: Any) -> None:
        check_classification_targets(y)
        found = type_of_target(y)
        if found == "multiclass-multioutput":
            raise DataError(
                "y has several columns of classes. Columns of 0 and 1 are labels, each present or "
                "not (multilabel); for other columns fit one NetworkClassifier each, as "
                "sklearn.multioutput.MultiOutputClassifier does."
            )
        self.classes: Array = unique_labels(y)
        self.is_sparse = is_sparse(y)
        self.kind = "multilabel"
        if not found.startswith("multilabel"):
            self.kind = "binary" if len(self.classes) <= 2 else "multiclass"

    @property
    def outputs(self) -> int:
        """How many numbers a row of a network must give."""
        return 1 if self.kind == "binary" else len(self.classes)

    def activation(self, units: int) -> str | None:
        """The activation with which so many outputs speak of these labels; None if none does."""
        if self.kind == "binary":
            return {1: "sigmoid", 2: "softmax"}.get(units)
        if units != self.outputs:
            return None
        return "softmax" if self.kind == "multiclass" else "sigmoid"

    @property
    def told(self) -> str:
        """What the labels are, for messages."""
        return f"{len(self.classes)} {'labels' if self.kind == 'multilabel' else 'classes'}"

    @property
    def needed(self) -> str:
        """The last layer that suits, for messages."""
        if self.kind == "binary":
            return "Dense(1, 'sigmoid') or Dense(2, 'softmax')"
        return f"Dense({self.outputs}, {self.activation(self.outputs)!r})"

    def check_form(self, y: Any) -> None:
        """Refuse labels of another form than the first ones.

        Raises:
            DataError: several labels a row instead of one class, one class instead of several, or
                another number of labels.
        """
        if self.kind != "multilabel":
            if np.ndim(y) != 1:
                raise DataError(
                    f"y has shape {y.shape}, and the labels seen first were one class a row, of "
                    f"{self.classes}. For several labels a row take another NetworkClassifier."
                )
        elif len(y.shape) != 2 or y.shape[1] != len(self.classes):
            raise DataError(
                f"y has shape {y.shape}, and the labels seen first were {len(self.classes)} "
                "columns of 0 and 1."
            )

    def numbers(self, y: Any) -> Array:
        """The class numbers (n,), or for several labels the matrix of 0 and 1.

        Raises:
            DataError: labels that were not among the first ones.
        """
        self.check_form(y)
        if self.kind == "multilabel":
            matrix: Array = y.toarray() if is_sparse(y) else np.asarray(y)
            return matrix
        new = np.setdiff1d(y, self.classes)
        if len(new):
            raise DataError(
                "`y` has classes not in `self.classes_`. `self.classes_` has "
                f"{self.classes}. 'y' has {np.unique(y)}."
            )
        return np.asarray(np.searchsorted(self.classes, y))

    def targets(self, y: Any, outputs: int, kind: str, dtype: np.dtype[Any]) -> Array:
        """What a network with so many outputs, and a loss of this kind, is trained on."""
        numbers = self.numbers(y)
        if self.kind == "multilabel":
            return numbers.astype(dtype)
        if outputs == 1:
            return numbers.reshape(-1, 1).astype(dtype)
        if kind == "classes":
            return numbers
        return np.eye(outputs, dtype=dtype)[numbers]

    def chosen(self, outputs: Array) -> Array:
        """The class numbers, or the matrix of 0 and 1, that outputs speak for."""
        if self.kind == "multilabel":
            return (outputs > 0.5).astype(int)
        if len(self.classes) == 1:
            return np.zeros(len(outputs), int)
        if outputs.shape[1] == 1:
            return (outputs[:, 0] > 0.5).astype(int)
        return np.asarray(outputs.argmax(axis=1))

    def predicted(self, outputs: Array) -> Any:
        """The labels that outputs speak for, as ``y`` had them."""
        chosen = self.chosen(outputs)
        if self.kind == "multilabel":
            return csr_matrix(chosen) if self.is_sparse else chosen
        return self.classes[chosen]

    def shares(self, y: Any, w: Array | None) -> Array:
        """The share of the rows that has each class, or of each label; the second's, if binary.

        Each class is counted once more than it was seen (Laplace's rule of succession). Rows that
        have none at all of some class, as a first piece of the data may, are no sample of the
        classes: then all shares are equal.
        """
        numbers = self.numbers(y)
        weights = np.ones(len(numbers)) if w is None else w
        if self.kind == "multilabel":
            return np.asarray((weights @ numbers + 1) / (weights.sum() + 2))
        count = max(len(self.classes), 2)
        seen = np.bincount(numbers, weights=weights, minlength=count)
        shares = (seen + 1) / (seen.sum() + count) if seen.all() else np.full(count, 1 / count)
        return shares[1:] if self.kind == "binary" else shares
