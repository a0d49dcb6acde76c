"""Activation functions and derivatives: what backward computes is what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import chainrule as cr
from chainrule.errors import OptionError, ShapeError
from chainrule.plots import activation, activations
from chainrule.plots.activations import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_drawn_with_its_derivative(name, check_figure):
    figure = activation(name)
    ax = figure.axes[0]
    value, slope = ax.get_lines()[:2]
    x = value.get_xdata()
    expected = np.asarray(getattr(cr, name)(cr.tensor(x)).value)
    np.testing.assert_allclose(value.get_ydata(), expected)
    # An opinion that does not know backward: differences of neighbouring points of the curve,
    # compared away from kinks.
    differences = np.gradient(expected, x)
    smooth = np.abs(x) > 0.05
    np.testing.assert_allclose(slope.get_ydata()[smooth], differences[smooth], atol=2e-3)
    assert ax.get_title() == f"{name} and its derivative"
    assert (x[0], x[-1]) == (-6, 6)
    check_figure(figure)


def test_a_function_of_your_own(check_figure):
    def cube(x):
        return x * x * x

    figure = activation(cube, span=(-1, 2))
    value, slope = figure.axes[0].get_lines()[:2]
    x = value.get_xdata()
    np.testing.assert_allclose(value.get_ydata(), x**3)
    np.testing.assert_allclose(slope.get_ydata(), 3 * x**2)
    assert figure.axes[0].get_title() == "cube and its derivative"
    check_figure(figure)


def test_the_grid(check_figure, texts):
    figure = activations()
    assert [ax.get_title() for ax in figure.axes] == list(NAMES)
    assert "f′(x)" in texts(figure)
    check_figure(figure)
    check_figure(activations(["tanh"]))


def test_draws_into_the_given_axes():
    figure = Figure()
    ax = figure.add_subplot()
    assert activation("tanh", ax=ax) is figure
    assert len(ax.get_lines()) == 3


def test_errors():
    with pytest.raises(OptionError, match=r"activation 'tanhh' is not known. Did you mean 'tanh'"):
        activation("tanhh")
    with pytest.raises(OptionError, match="a name or a function of a Tensor, got int"):
        activation(3)
    with pytest.raises(OptionError, match=r"span must be .*two numbers, got \(1, 1\)"):
        activation("tanh", span=(1, 1))
    with pytest.raises(ShapeError, match=r"is not elementwise: it made \(1,\) of \(600,\)"):
        activation(lambda x: x[:1])
    with pytest.raises(OptionError, match=r"activations needs at least one name"):
        activations([])
