"""Weights as images and as histograms."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from chainrule.errors import DataError, OptionError, ShapeError
from chainrule.plots import first_layer_weights, parameter_histograms

RNG = np.random.default_rng(0)
W = RNG.normal(size=(12, 30)) * np.linspace(0.5, 2, 30)
NET = SimpleNamespace(parameters={"W1": W, "b1": np.zeros(30)})


def tiles(figure):
    return [ax for ax in figure.axes if ax.images]


def test_the_largest_units_as_images(check_figure):
    figure = first_layer_weights(NET, (3, 4))
    drawn = tiles(figure)
    assert len(drawn) == 25
    order = np.argsort(-np.linalg.norm(W, axis=0))
    for ax, unit in zip(drawn, order, strict=False):
        np.testing.assert_array_equal(ax.images[0].get_array(), W[:, unit].reshape(3, 4))
        assert ax.get_title() == f"unit {unit}"
    check_figure(figure)


def test_one_symmetric_scale_for_all(check_figure, texts):
    figure = first_layer_weights(NET, (3, 4), count=4)
    scales = {ax.images[0].get_clim() for ax in tiles(figure)}
    ((low, high),) = scales
    shown = np.argsort(-np.linalg.norm(W, axis=0))[:4]
    assert high == -low == np.abs(W[:, shown]).max()
    assert len(figure.axes) == 5
    assert figure.axes[-1].get_ylabel() == "weight"
    assert "4 of 30 units" in texts(figure)
    check_figure(figure)


def test_fewer_units_than_asked_and_zeros(check_figure):
    figure = first_layer_weights(SimpleNamespace(parameters={"W1": np.zeros((4, 2))}), (2, 2))
    assert len(tiles(figure)) == 2
    assert tiles(figure)[0].images[0].get_clim() == (-1, 1)
    check_figure(figure)


@pytest.mark.parametrize(
    ("parameters", "shape", "options", "error", "words"),
    [
        ({"F1": W}, (3, 4), {}, OptionError, "no parameter 'W1' to draw; its parameters: F1"),
        ({"W1": W[0]}, (3, 4), {}, ShapeError, r"W1 must be \(inputs, units\).*got \(30,\)"),
        ({"W1": W}, (3, 5), {}, ShapeError, r"\(30, 12\) cannot be seen as images of 3 x 5 = 15"),
        ({"W1": W[:9]}, (3, 5), {}, ShapeError, r"Perhaps image_shape=\(3, 3\)"),
        ({"W1": W}, 12, {}, OptionError, r"image_shape must be \(height, width\).*got 12"),
        ({"W1": W * np.nan}, (3, 4), {}, DataError, "NaN or infinity in 360 of 360 places"),
        ({"W1": W}, (3, 4), {"count": 0}, OptionError, "count must be an integer of at least 1"),
    ],
)
def test_bad_weights(parameters, shape, options, error, words):
    with pytest.raises(error, match=words):
        first_layer_weights(SimpleNamespace(parameters=parameters), shape, **options)


def snapshots(epochs=5):
    return [
        (
            10 * e,
            {"W1": W * (1 + e), "b1": np.zeros(30), "W2": RNG.normal(size=(30, 1)), "b2": [0.0]},
        )
        for e in range(epochs)
    ]


def ridges(ax):
    return [patch for patch in ax.patches if isinstance(patch, StepPatch)]


def heights(patch):
    values, _, base = patch.get_data()
    return values - base


def shares(patch):
    return heights(patch) / heights(patch).sum()


def test_a_panel_a_matrix_and_a_histogram_an_epoch(check_figure):
    shots = snapshots()
    figure = parameter_histograms(shots)
    first, second, bar = figure.axes
    assert first.get_title().endswith("W1")
    assert second.get_title().endswith("W2")
    assert bar.get_ylabel() == "epoch"
    assert len(ridges(first)) == len(ridges(second)) == 5
    for patch, (_, parameters) in zip(ridges(first), shots, strict=True):
        counts = np.histogram(parameters["W1"], patch.get_data().edges)[0]
        assert counts.sum() == W.size
        np.testing.assert_allclose(shares(patch), counts / W.size)
    assert [t.get_text() for t in first.get_yticklabels()] == ["0", "10", "20", "30", "40"]
    colours = {patch.get_facecolor() for patch in ridges(first)}
    assert len(colours) == 5
    check_figure(figure)


def test_many_epochs_are_thinned_keeping_the_ends():
    shots = [(e, {"W1": np.full((2, 2), float(e))}) for e in range(100)]
    figure = parameter_histograms(shots)
    patches = ridges(figure.axes[0])
    assert len(patches) == 12
    edges = patches[0].get_data().edges
    assert shares(patches[0])[0] == shares(patches[-1])[-1] == 1
    assert (edges[0], edges[-1]) == (0, 99)


def test_one_snapshot_and_given_axes(check_figure):
    check_figure(parameter_histograms(snapshots(1)))
    figure = Figure()
    ax = figure.add_subplot()
    assert parameter_histograms([(1, {"W1": W})], ax=ax) is figure
    assert len(ridges(ax)) == 1
    with pytest.raises(OptionError, match=r"the snapshots hold 2 weight matrices: W1, W2"):
        parameter_histograms(snapshots(), ax=ax)


def test_not_finite_weights_are_left_out_and_said(check_figure, texts):
    broken = W.copy()
    broken[0, :3] = np.nan
    figure = parameter_histograms([(0, {"W1": W}), (7, {"W1": broken})])
    whole, part = (heights(patch).sum() for patch in ridges(figure.axes[0]))
    assert part / whole == pytest.approx((W.size - 3) / W.size)
    assert "not finite and left out: 3 at epoch 7" in texts(figure)
    check_figure(figure)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ([], DataError, "no snapshots to draw"),
        ([{"W1": W}], OptionError, r"snapshot 0 must be a pair \(epoch, dict .* got dict"),
        ([(0, {"b1": [0.0]})], DataError, "no weight matrix .* only: b1"),
        ([(0, {"W1": W}), (3, {"W2": W})], OptionError, "the snapshot of epoch 3 lacks W1"),
        ([(0, {"W1": W * np.inf})], DataError, "W1 holds no finite weight in any snapshot"),
    ],
)
def test_bad_snapshots(given, error, words):
    with pytest.raises(error, match=words):
        parameter_histograms(given)
