"""Descent paths: contours, arrows, start and end."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver

import chainrule as cr
from chainrule.errors import DataError, ShapeError
from chainrule.plots import descent_path


def bowl(w):
    return w[0] ** 2 + 3 * w[1] ** 2


def bowl_gradient(w):
    return np.array([2 * w[0], 6 * w[1]])


def walk(rate=0.1, steps=15, start=(2.0, 1.5)):
    path = [np.array(start)]
    for _ in range(steps):
        path.append(path[-1] - rate * bowl_gradient(path[-1]))
    return np.array(path)


def arrows(ax):
    (quiver,) = [each for each in ax.collections if isinstance(each, Quiver)]
    return quiver


def test_path_start_and_end(check_figure, texts):
    path = walk()
    figure = descent_path(bowl, path)
    ax = figure.axes[0]
    line, start, end = ax.get_lines()
    np.testing.assert_array_equal(line.get_xydata(), path)
    np.testing.assert_array_equal(start.get_xydata(), path[:1])
    np.testing.assert_array_equal(end.get_xydata(), path[-1:])
    assert start.get_marker() != end.get_marker()
    assert f"start, f = {bowl(path[0]):.4g}" in texts(figure)
    assert ax.get_title() == "Descent in 15 steps"
    assert "downhill, −∇f" in texts(figure)
    assert figure.axes[1].get_ylabel() == "f"
    assert [each for each in ax.collections if isinstance(each, QuadContourSet)]
    check_figure(figure)


def test_what_gradient_descent_gives_is_drawn_as_its_points_are(check_figure):
    path = cr.gradient_descent(bowl, np.array([3.0, -1.5]), steps=7)
    figure = descent_path(bowl, path)
    np.testing.assert_array_equal(figure.axes[0].get_lines()[0].get_xydata(), path.points)
    check_figure(figure)


@pytest.mark.parametrize("gradient", [None, bowl_gradient])
def test_arrows_point_downhill(gradient, check_figure):
    figure = descent_path(bowl, walk(), gradient=gradient)
    quiver = arrows(figure.axes[0])
    x, y = quiver.X, quiver.Y
    down = -np.stack([2 * x, 6 * y])
    drawn = np.stack([quiver.U, quiver.V])
    np.testing.assert_allclose(np.hypot(*drawn), 1)
    cosine = (down * drawn).sum(axis=0) / np.hypot(*down)
    away = np.hypot(x, y) > 0.5  # at the very bottom a grid's difference has no sharp direction
    assert away.sum() > 50
    assert cosine[away].min() > 0.99
    check_figure(figure)


def test_a_given_gradient_is_the_one_drawn():
    quiver = arrows(descent_path(bowl, walk(), gradient=lambda w: np.array([1.0, 0.0])).axes[0])
    np.testing.assert_array_equal(quiver.U, -1)
    np.testing.assert_array_equal(quiver.V, 0)


@pytest.mark.parametrize(
    "path", [[[1.0, 2.0]], [[1.0, 2.0], [3.0, 2.0]], [[0, 0], [1000, 1], [2000, 0]]]
)
def test_paths_of_any_shape(path, check_figure):
    check_figure(descent_path(bowl, path))


def test_a_path_that_diverged_is_cut_and_noted(check_figure, texts):
    path = walk()
    path[4:] = np.nan
    figure = descent_path(bowl, path)
    assert len(figure.axes[0].get_lines()[0].get_xdata()) == 4
    assert "the path is not finite from step 4 on" in texts(figure)
    check_figure(figure)


def test_flat_ground_and_holes(check_figure, texts):
    figure = descent_path(lambda w: 2.5, walk())
    assert "f is flat here: 2.5" in texts(figure)
    check_figure(figure)
    check_figure(descent_path(lambda w: np.log(w[0]), walk()))  # no value on the left


def test_draws_into_the_given_axes():
    figure = Figure()
    ax = figure.add_subplot()
    assert descent_path(bowl, walk(), ax=ax) is figure
    assert ax.get_lines()


def test_errors():
    with pytest.raises(ShapeError, match=r"path must be \(steps, 2\), got \(3,\)"):
        descent_path(bowl, [1, 2, 3])
    with pytest.raises(ShapeError, match=r"f must give one number .*got shape \(2,\)"):
        descent_path(lambda w: w, walk())
    with pytest.raises(ShapeError, match=r"gradient must give an array of shape \(2,\).*\(3,\)"):
        descent_path(bowl, walk(), gradient=lambda w: np.zeros(3))
    with pytest.raises(DataError, match=r"the path starts at .*which is not finite"):
        descent_path(bowl, [[np.nan, 1]])
    with pytest.raises(DataError, match="f is finite nowhere around the path"):
        descent_path(lambda w: np.nan, walk())
