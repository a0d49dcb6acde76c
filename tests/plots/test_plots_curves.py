"""Learning curves show the history's own numbers, gaps included."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.errors import DataError, OptionError
from chainrule.plots import curves


def history(epochs=6, **columns):
    rows = [{"epoch": e, "learning_rate": 0.1, "seconds": 0.01} for e in range(1, epochs + 1)]
    for name, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            if value is not None:
                row[name] = value
    return SimpleNamespace(rows=rows)


LOSS = [0.9, 0.7, 0.5, 0.4, 0.3, 0.25]
VALIDATION = [0.95, 0.8, 0.6, 0.55, 0.56, 0.6]
ACCURACY = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95]


def line(ax, label):
    (found,) = [each for each in ax.get_lines() if each.get_label() == label]
    return found


def test_lines_are_the_history(check_figure):
    figure = curves(
        history(
            loss=LOSS,
            validation_loss=VALIDATION,
            accuracy=ACCURACY,
            validation_accuracy=[a - 0.05 for a in ACCURACY],
        )
    )
    loss, accuracy = figure.axes
    np.testing.assert_array_equal(line(loss, "training").get_xdata(), range(1, 7))
    np.testing.assert_array_equal(line(loss, "training").get_ydata(), LOSS)
    np.testing.assert_array_equal(line(loss, "validation").get_ydata(), VALIDATION)
    np.testing.assert_array_equal(line(accuracy, "training").get_ydata(), ACCURACY)
    assert line(accuracy, "validation").get_ydata()[0] == pytest.approx(0.45)
    assert line(loss, "training").get_linestyle() != line(loss, "validation").get_linestyle()
    assert loss.get_yscale() == "linear"
    assert loss.get_title() == "Loss by epoch: training and validation"
    assert accuracy.get_ylabel() == "accuracy"
    check_figure(figure)


def test_without_validation_and_metrics_there_is_one_line(check_figure):
    figure = curves(history(loss=LOSS))
    assert len(figure.axes) == 1
    assert [each.get_label() for each in figure.axes[0].get_lines()] == ["training"]
    assert figure.axes[0].get_title() == "Loss by epoch: training"
    check_figure(figure)


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ([1, 0.5, 0.1, 0.05, 0.02, 0.0101], "linear"),
        ([1, 0.5, 0.1, 0.05, 0.02, 0.0099], "log"),
        ([1, 0.5, 0.1, 0.05, 0.02, 0.0], "linear"),  # a logarithm would hide the zero
        ([1, 0.5, 0.1, -0.05, 0.02, 0.001], "linear"),
    ],
)
def test_log_scale_beyond_two_decades(losses, scale, check_figure):
    figure = curves(history(loss=losses))
    assert figure.axes[0].get_yscale() == scale
    assert ("log" in figure.axes[0].get_ylabel()) == (scale == "log")
    check_figure(figure)


def test_one_epoch_is_visible(check_figure):
    figure = curves(history(1, loss=[0.5]))
    (drawn,) = figure.axes[0].get_lines()
    assert drawn.get_markevery() == [0]
    assert list(figure.axes[0].get_xlim()) == [0, 2]
    with_point = check_figure(figure)
    drawn.set_visible(False)
    assert np.any(with_point != check_figure(figure))


def test_not_finite_values_leave_a_gap_and_a_note(check_figure, texts):
    values = [0.9, np.nan, 0.5, np.inf, np.nan, 0.2]
    figure = curves(history(loss=values, validation_loss=VALIDATION))
    drawn = line(figure.axes[0], "training").get_ydata()
    np.testing.assert_array_equal(np.isnan(drawn), [False, True, False, True, True, False])
    assert line(figure.axes[0], "training").get_markevery() == [0, 2, 5]
    assert "not finite: training at epochs 2, 4–5" in texts(figure)
    (crosses,) = [each for each in figure.axes[0].get_lines() if each.get_marker() == "x"]
    np.testing.assert_array_equal(crosses.get_xdata(), [2, 4, 5])
    check_figure(figure)


def test_epochs_before_a_metric_was_added_are_no_gap(check_figure, texts):
    added = [np.nan, np.nan, 0.8, 0.6, np.nan, 0.5]
    figure = curves(history(loss=LOSS, validation_loss=added))
    np.testing.assert_array_equal(line(figure.axes[0], "validation").get_xdata(), [3, 4, 5, 6])
    assert "not finite: validation at epoch 5" in texts(figure)
    check_figure(figure)


def test_nothing_finite_at_all(check_figure, texts):
    figure = curves(history(2, loss=[np.nan, np.inf]))
    assert "not finite: training at epochs 1–2" in texts(figure)
    check_figure(figure)


def test_an_epoch_that_was_not_validated_is_no_gap(check_figure):
    figure = curves(history(loss=LOSS, validation_loss=[None, 0.8, None, 0.6, None, 0.5]))
    drawn = line(figure.axes[0], "validation")
    np.testing.assert_array_equal(drawn.get_xdata(), [2, 4, 6])
    np.testing.assert_array_equal(drawn.get_ydata(), [0.8, 0.6, 0.5])
    check_figure(figure)


def test_fractions_share_a_panel_and_others_have_their_own(check_figure):
    error = [30.0, 20, 10, 9, 8, 7]
    rows = history(loss=LOSS, accuracy=ACCURACY, precision=ACCURACY, mean_absolute_error=error)
    figure = curves(rows)
    _, fractions, errors = figure.axes
    labels = [each.get_label() for each in fractions.get_lines()]
    assert labels == ["accuracy, training", "precision, training"]
    assert errors.get_ylabel() == "mean absolute error"
    np.testing.assert_array_equal(line(errors, "training").get_ydata(), error)
    check_figure(figure)


def test_metrics_can_be_chosen(check_figure):
    rows = history(loss=LOSS, accuracy=ACCURACY, precision=ACCURACY)
    assert len(curves(rows, metrics=[]).axes) == 1
    figure = curves(rows, metrics=["precision"])
    assert figure.axes[1].get_ylabel() == "precision"
    with pytest.raises(
        OptionError, match=r"the metric 'acuracy' is not known. Did you mean 'accuracy'\?"
    ):
        curves(rows, metrics=["acuracy"])


def test_errors_say_what_is_missing():
    with pytest.raises(DataError, match="no rows to draw: fit the net for at least one epoch"):
        curves(SimpleNamespace(rows=[]))
    with pytest.raises(OptionError, match=r"the history that net.fit returns .* got list"):
        curves([{"epoch": 1, "loss": 1.0}])
    with pytest.raises(DataError, match="row 0 of the history has no number under 'loss'"):
        curves(SimpleNamespace(rows=[{"epoch": 1}]))


def test_names_of_metrics_keep_their_letters():
    figure = curves(history(loss=LOSS, my_F1=ACCURACY, AUC=ACCURACY))
    assert figure.axes[1].get_title() == "My F1, AUC by epoch: training"
