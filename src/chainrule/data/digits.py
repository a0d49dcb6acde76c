"""The 8x8 handwritten digits that come with scikit-learn: a small MNIST that needs no download."""

from __future__ import annotations

import numpy as np

from chainrule.data.clouds import Seed, generator
from chainrule.data.dataset import Dataset
from chainrule.errors import OptionError, optional_package

# The smallest part that can still hold every one of the ten classes.
_CLASSES = 10


def digits(test_fraction: float = 0.2, seed: Seed = 0) -> Dataset:
    """1,797 handwritten digits of 8x8 pixels, split so that both parts have the same mix of digits.

    Pixels are counts from 0 to 16, divided by 16; inputs are float32 (n, 64) between 0 and 1.

    Args:
        test_fraction: share of rows held back for the test, between 0 and 1, both excluded, and
            such that either part keeps at least one row of each digit.
        seed: a non-negative integer, or a generator, which is advanced.

    Raises:
        OptionError: a fraction or a seed out of its range.
        MissingPackageError: scikit-learn is not installed.

    Source: E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine
    Learning Repository, 1998 (its test part, as scikit-learn ships it).
    """
    if isinstance(test_fraction, bool) or not isinstance(test_fraction, int | float | np.floating):
        raise OptionError(f"digits: test_fraction must be a number, got {test_fraction!r}.")
    datasets = optional_package("sklearn.datasets", "data", "digits()")
    selection = optional_package("sklearn.model_selection", "data", "digits()")
    images, labels = datasets.load_digits(return_X_y=True)
    rows = len(images)
    # Rounding up, as scikit-learn does. `not <=` also turns NaN away.
    if not _CLASSES <= np.ceil(test_fraction * rows) <= rows - _CLASSES:
        raise OptionError(
            f"digits: test_fraction must leave at least {_CLASSES} of the {rows} rows in each "
            f"part, got {test_fraction}; try 0.2."
        )
    state = int(generator("digits", seed).integers(2**31))
    X_train, X_test, y_train, y_test = selection.train_test_split(
        (images / 16.0).astype(np.float32),
        labels.astype(np.int64),
        test_size=float(test_fraction),
        random_state=state,
        stratify=labels,
    )
    return Dataset(
        name="digits",
        X_train=X_train,
        y_train=y_train,
        X_test=X_test,
        y_test=y_test,
        class_names=tuple("0123456789"),
        image_shape=(8, 8),
    )
