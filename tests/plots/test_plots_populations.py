"""Curves of a population: what is drawn, for one band, for several, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError, OptionError
from chainrule.plots import population_curves
from chainrule.train.populations.population import Population

X, Y = cr.data.gate("xor")


def population(losses: Any, rates: Any = None, states: Any = None) -> Population:
    """A population with these curves, as if it had been trained."""
    losses = np.asarray(losses, float)
    count = len(losses)
    rates, states = rates or [0.1] * count, states or ["trained"] * count
    table = [
        {"learning_rate": rate, "loss": 0.0, "state": state}
        for rate, state in zip(rates, states, strict=True)
    ]
    return Population(table, [], losses, None, None, 0.0)


def test_the_line_is_the_median_and_the_band_goes_around_it() -> None:
    losses = np.array([[3.0, 2.0, 1.0], [4.0, 3.0, 2.0], [9.0, 8.0, 7.0]])
    figure = population(losses).plot(quantiles=(0.0, 0.5, 1.0))
    (ax,) = figure.axes
    (line,) = ax.get_lines()
    np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(line.get_ydata(), [4, 3, 2])
    (band,) = ax.collections
    corners = band.get_paths()[0].vertices
    assert {(1.0, 3.0), (1.0, 9.0), (3.0, 1.0), (3.0, 7.0)} <= set(map(tuple, corners.tolist()))
    assert ax.get_title() == "3 networks: loss by epoch"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told == ["0 % to 100 %", "median of 3 networks"]


def test_a_band_for_each_value_of_a_column_in_a_colour_of_its_own() -> None:
    figure = population([[1.0], [2.0], [3.0]], rates=[0.1, 0.2, 0.1]).plot(by="learning_rate")
    (ax,) = figure.axes
    lines = ax.get_lines()
    assert [line.get_label() for line in lines] == ["learning rate 0.1", "learning rate 0.2"]
    assert len({line.get_color() for line in lines}) == 2
    assert [line.get_marker() for line in lines] == ["o", "o"]  # one epoch is a point, no line


def test_wide_spans_are_logarithmic() -> None:
    (ax,) = population([[1.0, 1e-4]]).plot().axes
    assert ax.get_yscale() == "log"
    assert ax.get_ylabel() == "loss (log scale)"
    (ax,) = population([[1.0, 0.5]]).plot().axes
    assert ax.get_yscale() == "linear"


def test_what_was_not_finite_is_said() -> None:
    losses = [[1.0, 1.0], [2.0, np.nan]]
    (ax,) = population(losses, states=["trained", "not finite"]).plot().axes
    assert "1 of 2 networks were not finite at the end" in [t.get_text() for t in ax.texts]
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), [1.5, 1.0])


def test_it_draws_into_an_axes_of_ones_own_and_a_trained_population(tmp_path: Any) -> None:
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    trained = cr.fit_many(
        cr.Sequential(cr.Dense(2, "tanh"), cr.Dense(1, "sigmoid")), X, Y, seeds=3, epochs=4,
        validation=(X, Y),
    )  # fmt: skip
    figure = population_curves(trained, of="validation_loss", ax=ax)
    assert figure is ax.figure
    assert ax.get_ylabel().startswith("validation loss")
    figure.savefig(tmp_path / "curves.png")


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(OptionError, match=r"three quantiles .* got 2"):
        population([[1.0]]).plot(quantiles=(0.1, 0.9))
    many = population([[1.0]] * 9, rates=list(range(1, 10)))
    with pytest.raises(OptionError, match="learning_rate has 9 values, and more than 8 bands"):
        many.plot(by="learning_rate")
    with pytest.raises(DataError, match="not trained for an epoch"):
        population(np.zeros((2, 0))).plot()
    with pytest.raises(OptionError, match="ax must be a Matplotlib Axes"):
        population([[1.0]]).plot(ax=3)
