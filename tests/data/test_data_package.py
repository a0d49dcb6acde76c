"""The package as a whole: its public names, and how little it loads."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import chainrule.data
from chainrule.data import Dataset
from chainrule.errors import DtypeError, ShapeError


def test_public_names_are_sorted_and_there():
    names = chainrule.data.__all__
    assert names == sorted(names)
    assert [name for name in names if not hasattr(chainrule.data, name)] == []


def test_import_is_light():
    code = "import sys, chainrule.data; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert "numpy" in loaded
    assert not {"sklearn", "pooch", "rich", "scipy", "matplotlib", "pandas"} & set(loaded)


def dataset(**changes: object) -> Dataset:
    parts: dict[str, object] = {
        "name": "toy",
        "X_train": np.zeros((3, 2)),
        "y_train": np.zeros(3, dtype=np.int64),
        "X_test": np.zeros((1, 2)),
        "y_test": np.zeros(1, dtype=np.int64),
        "class_names": ("a", "b"),
        "image_shape": None,
    }
    return Dataset(**{**parts, **changes})


def test_dataset_shows_its_sizes():
    assert repr(dataset()) == "Dataset('toy': 3 training and 1 test rows, 2 columns, 2 classes)"
    assert "rows of 1x2 pixels," in repr(dataset(image_shape=(1, 2)))


def test_dataset_is_frozen():
    with pytest.raises(AttributeError, match="cannot assign to field 'name'"):
        dataset().name = "other"


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        (
            {"y_train": np.zeros(4, dtype=np.int64)},
            ShapeError,
            "Dataset 'toy': X_train (3, 2) and y_train (4,) do not fit; "
            "expected (n, features) and (n,) with the same n.",
        ),
        (
            {"y_test": np.zeros((1, 1), dtype=np.int64)},
            ShapeError,
            "Dataset 'toy': X_test (1, 2) and y_test (1, 1) do not fit; "
            "expected (n, features) and (n,) with the same n.",
        ),
        (
            {"y_train": np.zeros(3)},
            DtypeError,
            "Dataset 'toy': y_train is float64, expected int64 class indices; "
            "try y.astype('int64').",
        ),
        (
            {"X_test": np.zeros((1, 5))},
            ShapeError,
            "Dataset 'toy': training rows have 2 columns and test rows have 5; "
            "both must have the same.",
        ),
    ],
)
def test_dataset_refuses_parts_that_do_not_fit(changes, error, text):
    with pytest.raises(error) as caught:
        dataset(**changes)
    assert str(caught.value) == text
