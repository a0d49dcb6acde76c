"""A labelled data set, already split into a part to learn from and a part to be judged on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DtypeError, ShapeError


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Training and test samples of one classification problem.

    Attributes:
        name: what the data is called, such as ``"mnist"``.
        X_train, X_test: the inputs, (n, features), one sample a row.
        y_train, y_test: the labels, int64 (n,), each an index into ``class_names``.
        class_names: what each label means.
        image_shape: (height, width) when a row is a flattened picture, otherwise None.

    Raises:
        ShapeError: samples and labels differ in number, or the two parts in their columns.
        DtypeError: labels that are not int64.
    """

    name: str
    X_train: NDArray[Any]
    y_train: NDArray[np.int64]
    X_test: NDArray[Any]
    y_test: NDArray[np.int64]
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for part, X, y in (
            ("train", self.X_train, self.y_train),
            ("test", self.X_test, self.y_test),
        ):
            if X.ndim != 2 or y.shape != (len(X),):
                raise ShapeError(
                    f"Dataset {self.name!r}: X_{part} {X.shape} and y_{part} {y.shape} do not fit; "
                    f"expected (n, features) and (n,) with the same n."
                )
            if y.dtype != np.int64:
                raise DtypeError(
                    f"Dataset {self.name!r}: y_{part} is {y.dtype}, expected int64 class indices; "
                    f"try y.astype('int64')."
                )
        if self.X_train.shape[1] != self.X_test.shape[1]:
            raise ShapeError(
                f"Dataset {self.name!r}: training rows have {self.X_train.shape[1]} columns and "
                f"test rows have {self.X_test.shape[1]}; both must have the same."
            )

    def __repr__(self) -> str:
        pictures = "" if self.image_shape is None else " of {}x{} pixels".format(*self.image_shape)
        return (
            f"Dataset({self.name!r}: {len(self.X_train)} training and {len(self.X_test)} test "
            f"rows{pictures}, {self.X_train.shape[1]} columns, {len(self.class_names)} classes)"
        )
