"""Decision regions: shading, boundary and samples."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure

from chainrule.errors import DataError, OptionError, ShapeError
from chainrule.plots import decision_regions

X = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


class Net:
    def __init__(self, function):
        self.function = function

    def predict(self, X):
        self.seen = X
        return self.function(X)


LINE = Net(lambda X: 1 / (1 + np.exp(-3 * X.sum(axis=1, keepdims=True))))
THREE = Net(lambda X: np.stack([X[:, 0], X[:, 1], -X[:, 0] - X[:, 1]], axis=1))


def contours(ax):
    return [each for each in ax.collections if isinstance(each, QuadContourSet)]


def samples(ax):
    return [each for each in ax.collections if not isinstance(each, QuadContourSet)]


def test_binary_has_shading_and_the_half_contour(check_figure, texts):
    figure = decision_regions(LINE, X, Y, resolution=50)
    ax, bar = figure.axes
    (boundary,) = contours(ax)
    assert list(boundary.levels) == [0.5]
    (path,) = boundary.get_paths()
    np.testing.assert_allclose(path.vertices.sum(axis=1), 0, atol=0.02)  # x1 + x2 = 0 decides
    assert bar.get_ylabel() == "probability of class 1"
    assert ax.images[0].get_array().shape == (50, 50)
    assert LINE.seen.shape == (2500, 2)
    assert LINE.seen.dtype == np.float32
    assert "probability = 0.5" in texts(figure)
    check_figure(figure)


def test_the_shading_is_the_right_way_up():
    figure = decision_regions(Net(lambda X: (X[:, 1] > 0) * 1.0), X, Y, resolution=20)
    image = figure.axes[0].images[0]
    left, right, bottom, top = image.get_extent()
    assert image.origin == "lower"
    assert left < X[:, 0].min() < X[:, 0].max() < right
    assert bottom < X[:, 1].min() < X[:, 1].max() < top
    np.testing.assert_array_equal(image.get_array()[[0, -1], 0], [0, 1])


def test_samples_differ_by_marker(check_figure):
    figure = decision_regions(LINE, X, Y[:, np.newaxis], resolution=20, labels=["no", "yes"])
    no, yes = samples(figure.axes[0])
    np.testing.assert_allclose(no.get_offsets(), X[Y == 0])
    np.testing.assert_allclose(yes.get_offsets(), X[Y == 1])
    assert no.get_label() == "class no"
    shapes = [each.get_paths()[0].vertices for each in (no, yes)]
    assert shapes[0].shape != shapes[1].shape
    check_figure(figure)


def test_three_classes(check_figure, texts):
    y = np.argmax(THREE.predict(X), axis=1)
    figure = decision_regions(THREE, X, np.eye(3)[y], resolution=40)
    (ax,) = figure.axes
    assert len(samples(ax)) == 3
    assert len(contours(ax)) == 3
    colours = ax.images[0].get_array().reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) == 3
    assert "Decision regions of 3 classes" in texts(figure)
    check_figure(figure)


def test_labels_of_any_kind_are_sorted(texts):
    figure = decision_regions(LINE, X, np.array(["cat", "dog"])[Y], resolution=10)
    assert "class cat" in texts(figure)
    assert figure.axes[1].get_ylabel() == "probability of class dog"


def test_names_of_classes_keep_their_letters():
    for name in ("USA", "Output"):
        figure = decision_regions(LINE, X, Y, resolution=10, labels=["other", name])
        assert figure.axes[0].get_title() == f"Probability of class {name} over the plane"
    figure = decision_regions(Net(lambda X: 3 * X.sum(axis=1)), X, Y, resolution=10)
    assert figure.axes[0].get_title() == "Output of the net over the plane"


def test_signed_classes_decide_at_zero(check_figure):
    net = Net(lambda X: np.tanh(X.sum(axis=1)))
    figure = decision_regions(net, X, 2 * Y - 1, resolution=30)
    (boundary,) = contours(figure.axes[0])
    assert list(boundary.levels) == [0.0]
    assert figure.axes[1].get_ylabel() == "output"
    check_figure(figure)


def test_no_boundary_in_view_is_said(check_figure, texts):
    figure = decision_regions(Net(lambda X: np.full((len(X), 1), 0.9)), X, Y, resolution=10)
    assert not contours(figure.axes[0])
    assert "the net answers class 1 everywhere" in texts(figure)
    check_figure(figure)


def test_draws_into_the_given_axes(check_figure):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert decision_regions(LINE, X, Y, resolution=10, ax=right) is figure
    assert right.images
    assert not left.images
    with pytest.raises(OptionError, match="ax must be a Matplotlib Axes to draw into, got list"):
        decision_regions(LINE, X, Y, resolution=10, ax=[left])


def test_one_sample_still_has_a_plane(check_figure):
    check_figure(decision_regions(LINE, X[:1], Y[:1], resolution=10))


@pytest.mark.parametrize(
    ("x", "y", "options", "error", "words"),
    [
        (np.zeros((4, 3)), [0] * 4, {}, ShapeError, r"X must be \(samples, 2\), got \(4, 3\)"),
        (X, Y[:5], {}, ShapeError, r"one class for each of the 60 samples.*got \(5,\)"),
        (X, Y + 3.5 * (X[:, 0] > 1), {}, DataError, "speak of 2 classes, but y holds 3 distinct"),
        (X * np.nan, Y, {}, DataError, "X holds NaN or infinity"),
        (X, Y, {"resolution": 1}, OptionError, "resolution must be an integer of at least 2"),
        (X, Y, {"labels": ["a"]}, OptionError, "labels must be a sequence of 2 names.*got 1 names"),
    ],
)
def test_bad_inputs(x, y, options, error, words):
    with pytest.raises(error, match=words):
        decision_regions(LINE, x, y, **options)


def test_bad_predictions():
    with pytest.raises(DataError, match=r"100 of 100 predictions are NaN.*lower learning rate"):
        decision_regions(Net(lambda X: X[:, :1] * np.nan), X, Y, resolution=10)
    with pytest.raises(ShapeError, match=r"predictions must be \(100, 1\)"):
        decision_regions(Net(lambda X: np.zeros(3)), X, Y, resolution=10)


def test_many_classes_have_no_legend(check_figure):
    y = np.arange(60) % 40
    figure = decision_regions(Net(lambda X: np.cos(X @ np.ones((2, 40)) + y[:40])), X, y)
    assert figure.axes[0].get_legend() is None
    assert figure.axes[0].get_title() == "Decision regions of 40 classes"
    check_figure(figure)


@pytest.mark.parametrize("size", [0.0, 1e-15, 4e-7])
def test_rounding_around_one_half_is_no_boundary(check_figure, texts, size):
    noise = Net(lambda X: 0.5 + size * np.sign(np.sin(50 * X[:, :1])))
    figure = decision_regions(noise, X, Y, resolution=20)
    assert contours(figure.axes[0]) == []
    assert "no boundary: the net answers 0.5 everywhere, which is no class" in texts(figure)
    check_figure(figure)
