"""Point clouds: their geometry, balance and repeatability, and what they refuse."""

from __future__ import annotations

import re

import numpy as np
import pytest

from chainrule.data import blobs, circles, moons, spirals
from chainrule.errors import OptionError

CLOUDS = [moons, circles, spirals, blobs]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_shapes_and_kinds(cloud):
    X, y = cloud(n=31)
    assert (X.shape, X.dtype) == ((31, 2), np.float64)
    assert (y.shape, y.dtype) == ((31,), np.int64)
    assert np.isfinite(X).all()


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("n", [3, 31, 100])
def test_classes_are_balanced(cloud, n):
    counts = np.bincount(cloud(n=n)[1])
    assert counts.max() - counts.min() <= 1
    assert counts.sum() == n


@pytest.mark.parametrize("cloud", CLOUDS)
def test_rows_are_shuffled(cloud):
    y = cloud(n=90)[1]
    assert np.count_nonzero(np.diff(y)) > 20  # sorted classes would change once or twice


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_seed_decides_everything(cloud):
    X, y = cloud(seed=5)
    for seed in (5, np.int64(5), np.random.default_rng(5)):
        X_again, y_again = cloud(seed=seed)
        assert np.array_equal(X, X_again)
        assert np.array_equal(y, y_again)
    assert not np.array_equal(X, cloud(seed=6)[0])


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_generator_is_advanced_and_global_state_is_not(cloud):
    before = np.random.get_state()[1].copy()
    rng = np.random.default_rng(0)
    assert not np.array_equal(cloud(seed=rng)[0], cloud(seed=rng)[0])
    assert np.array_equal(before, np.random.get_state()[1])


def test_moons_without_noise_lie_on_half_circles():
    X, y = moons(noise=0.0)
    upper, lower = X[y == 0], X[y == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1.0)
    np.testing.assert_allclose(np.hypot(*(lower - [1.0, 0.5]).T), 1.0)
    assert upper[:, 1].min() >= 0.0
    assert lower[:, 1].max() <= 0.5


def test_circles_without_noise_have_their_radii():
    X, y = circles(noise=0.0, factor=0.3)
    np.testing.assert_allclose(np.hypot(*X.T), np.where(y == 0, 1.0, 0.3))
    np.testing.assert_allclose(X[y == 1].mean(axis=0), 0.0, atol=1e-12)


def test_spirals_without_noise_are_one_arm_turned():
    X, y = spirals(n=40, classes=4, noise=0.0)
    radius = np.hypot(*X.T)
    turned = np.arctan2(X[:, 0], X[:, 1]) - 4.0 * radius - 2.0 * np.pi * y / 4
    off_origin = radius > 0
    np.testing.assert_allclose(np.cos(turned[off_origin]), 1.0)
    assert (radius.min(), radius.max()) == (0.0, pytest.approx(1.0))


def test_blobs_spread_around_their_centres():
    X, y = blobs(n=4000, classes=2, features=3, spread=0.5, seed=1)
    assert X.shape == (4000, 3)
    for k in range(2):
        np.testing.assert_allclose(X[y == k].std(axis=0), 0.5, rtol=0.05)
    still = blobs(n=6, classes=2, spread=0.0)
    assert len(np.unique(still[0], axis=0)) == 2


def test_noise_has_the_size_asked_for():
    clean, noisy = moons(n=4000, noise=0.0, seed=3)[0], moons(n=4000, noise=0.25, seed=3)[0]
    assert (noisy - clean).std() == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: moons(1),
            "moons: n must be a whole number of at least 2, one for each of 2 classes, got 1.",
        ),
        (
            lambda: circles(20.0),
            "circles: n must be a whole number of at least 2, one for each of 2 classes, got 20.0.",
        ),
        (
            lambda: spirals(3, classes=5),
            "spirals: n must be a whole number of at least 5, one for each of 5 classes, got 3.",
        ),
        (
            lambda: spirals(classes=1),
            "spirals: classes must be a whole number of at least 2, got 1.",
        ),
        (
            lambda: blobs(features=0),
            "blobs: features must be a whole number of at least 1, got 0.",
        ),
        (
            lambda: blobs(features=True),
            "blobs: features must be a whole number of at least 1, got True.",
        ),
        (
            lambda: blobs(spread=-1.0),
            "blobs: spread must be a finite number of at least 0, got -1.0.",
        ),
        (
            lambda: moons(noise=float("nan")),
            "moons: noise must be a finite number of at least 0, got nan.",
        ),
        (
            lambda: moons(noise="much"),
            "moons: noise must be a finite number of at least 0, got 'much'.",
        ),
        (
            lambda: circles(factor=1.0),
            "circles: factor must lie between 0 and 1, both excluded, got 1.0.",
        ),
        (
            lambda: moons(seed=-1),
            "moons: seed must be a whole number of at least 0, got -1.",
        ),
        (
            lambda: moons(seed=None),
            "moons: seed must be a whole number of at least 0, got None.",
        ),
    ],
)
def test_bad_arguments(call, text):
    with pytest.raises(OptionError, match=f"^{re.escape(text)}$"):
        call()
