"""The 8x8 digits: faithful to scikit-learn's, scaled, and split fairly."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from chainrule.data import digits
from chainrule.errors import MissingPackageError, OptionError


def test_what_comes_back():
    data = digits()
    assert data.name == "digits"
    assert (data.X_train.shape, data.X_test.shape) == ((1437, 64), (360, 64))
    assert (data.X_train.dtype, data.y_train.dtype) == (np.float32, np.int64)
    assert (data.X_train.min(), data.X_train.max()) == (0.0, 1.0)
    assert data.image_shape == (8, 8)
    assert data.class_names == tuple("0123456789")


def test_every_row_is_an_original_with_its_label_once():
    data = digits(seed=3)
    images, labels = load_digits(return_X_y=True)
    originals = sorted((tuple(x), y) for x, y in zip(images, labels, strict=True))
    X = np.concatenate([data.X_train, data.X_test]) * 16
    y = np.concatenate([data.y_train, data.y_test])
    assert sorted((tuple(row), label) for row, label in zip(X, y, strict=True)) == originals


def test_both_parts_have_the_same_mix():
    data = digits(test_fraction=0.3)
    for y in (data.y_train, data.y_test):
        share = np.bincount(y, minlength=10) / len(y)
        whole = np.bincount(load_digits().target) / 1797
        np.testing.assert_allclose(share, whole, atol=1.5 / len(y))


def test_a_seed_decides_the_split():
    first = digits(seed=4)
    for seed in (4, np.random.default_rng(4)):
        assert np.array_equal(first.X_train, digits(seed=seed).X_train)
    assert not np.array_equal(first.X_train, digits(seed=5).X_train)


@pytest.mark.parametrize("fraction", [0.0, 0.005, 1.0, 1, -0.2, float("nan"), float("inf")])
def test_fraction_out_of_range(fraction):
    with pytest.raises(OptionError) as caught:
        digits(test_fraction=fraction)
    assert str(caught.value) == (
        "digits: test_fraction must leave at least 10 of the 1797 rows in each part, "
        f"got {fraction}; try 0.2."
    )


@pytest.mark.parametrize("fraction", ["0.2", None, True])
def test_fraction_that_is_no_number(fraction):
    with pytest.raises(OptionError) as caught:
        digits(test_fraction=fraction)
    assert str(caught.value) == f"digits: test_fraction must be a number, got {fraction!r}."


def test_bad_seed():
    with pytest.raises(
        OptionError, match=r"^digits: seed must be a whole number of at least 0, got 1\.5\.$"
    ):
        digits(seed=1.5)


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingPackageError) as caught:
        digits()
    assert str(caught.value) == (
        "digits() needs the package 'sklearn', which is not installed: "
        "pip install 'chainrule[data]'"
    )
