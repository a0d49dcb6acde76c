"""The confusion matrix and the gallery of mistakes."""

from __future__ import annotations

import time

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from chainrule.errors import DataError, OptionError, ShapeError
from chainrule.plots import confusion_matrix, mistakes

COUNTS = np.array([[950, 30, 20], [1, 8, 1], [0, 0, 0]])


def test_counts_shading_and_axes(check_figure):
    figure = confusion_matrix(COUNTS, ["a", "b", "c"])
    ax, bar = figure.axes
    assert [t.get_text() for t in ax.texts] == ["950", "30", "20", "1", "8", "1", "0", "0", "0"]
    assert ax.texts[1].get_position() == (1, 0)  # column 1, row 0: true a, taken for b
    expected = [[95, 3, 2], [10, 80, 10], [0, 0, 0]]
    np.testing.assert_allclose(ax.images[0].get_array(), expected)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.get_title() == "958 of 1,010 right (94.9 %)"
    assert bar.get_ylabel() == "share of the true class, %"
    check_figure(figure)


def test_digits_stand_out_from_their_cells():
    percent = np.arange(0, 101, 5)
    for share in percent:
        figure = confusion_matrix([[share, 100 - share], [1, 1]])
        ax = figure.axes[0]
        image = ax.images[0]
        for text, value in zip(ax.texts, image.get_array().ravel(), strict=True):
            ink = luminance(to_rgb(text.get_color()))
            paper = luminance(image.cmap(image.norm(value))[:3])
            contrast = (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05)
            assert contrast > 3.9, (value, contrast)


def luminance(colour):
    """Relative luminance, as the accessibility guidelines of the W3C define it."""
    c = np.array(colour)
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_matrices_of_other_sizes(check_figure):
    check_figure(confusion_matrix(np.zeros((2, 2), dtype=int)))
    check_figure(
        confusion_matrix(np.diag(np.full(12, 123456)), [f"species {k}" for k in range(12)])
    )
    figure = Figure()
    ax = figure.add_subplot()
    assert confusion_matrix(COUNTS, ax=ax) is figure
    assert len(ax.texts) == 9


@pytest.mark.parametrize(("size", "named"), [(30, 30), (31, 16), (300, 30)])
def test_many_classes_have_no_counts_and_thin_names(check_figure, size, named):
    began = time.process_time()
    figure = confusion_matrix(np.eye(size, dtype=int), [f"species {k}" for k in range(size)])
    ax = figure.axes[0]
    assert len(ax.texts) == (size**2 if size <= 30 else 0)
    words = [word.get_text() for word in ax.get_yticklabels()]
    assert len(words) == len(ax.get_xticks()) == named
    assert words[1] == f"species {int(ax.get_yticks()[1])}"
    assert max(figure.get_size_inches()) < 21
    check_figure(figure)
    # 90,000 texts took minutes.
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("matrix", "names", "error", "words"),
    [
        (COUNTS[:2], None, ShapeError, r"square, \(classes, classes\), got \(2, 3\)"),
        (COUNTS / 3, None, DataError, "whole numbers from 0 up.*before any division"),
        (-COUNTS, None, DataError, "whole numbers from 0 up"),
        ([[np.nan]], None, DataError, "whole numbers from 0 up"),
        ([["a"]], None, DataError, "whole numbers from 0 up"),
        (COUNTS, ["a"], OptionError, "class_names must be a sequence of 3 names.*got 1 names"),
        (COUNTS, "abc", OptionError, "class_names must be a sequence of 3 names.*got 'abc'"),
    ],
)
def test_bad_matrices(matrix, names, error, words):
    with pytest.raises(error, match=words):
        confusion_matrix(matrix, names)


IMAGES = np.random.default_rng(0).random((6, 12))
TRUTH = np.array([0, 1, 2, 0, 1, 2])
TABLE = np.array(
    [
        [0.8, 0.1, 0.1],
        [0.6, 0.3, 0.1],  # wrong, 60 %
        [0.1, 0.0, 0.9],
        [0.0, 0.99, 0.01],  # wrong, 99 %
        [0.1, 0.2, 0.7],  # wrong, 70 %
        [0.2, 0.2, 0.6],
    ]
)


def tiles(figure):
    return [ax for ax in figure.axes if ax.images]


def test_the_most_confident_mistakes_come_first(check_figure, texts):
    figure = mistakes(IMAGES, TRUTH, TABLE, image_shape=(3, 4), class_names=["x", "y", "z"])
    drawn = tiles(figure)
    assert len(drawn) == 3
    for ax, place in zip(drawn, [3, 4, 1], strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), IMAGES[place].reshape(3, 4))
    captions = [ax.get_title() for ax in drawn]
    assert captions[0] == "true x, got y\n99.0 % sure"
    assert captions[2] == "true y, got x\n60.0 % sure"
    assert "The 3 most confident of 3 mistakes, among 6 examples" in texts(figure)
    check_figure(figure)


def test_count_limits_the_gallery(check_figure):
    figure = mistakes(IMAGES.reshape(6, 3, 4), np.eye(3)[TRUTH], TABLE, image_shape=(3, 4), count=1)
    assert [ax.get_title() for ax in tiles(figure)] == ["true 0, got 1\n99.0 % sure"]
    check_figure(figure)


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_two_classes_from_one_column(shape):
    truth = np.array([0, 1, 1, 0, 1, 1])
    ones = np.array([0.1, 0.05, 0.9, 0.7, 0.8, 0.9]).reshape(shape)
    figure = mistakes(IMAGES, truth, ones, image_shape=(3, 4))
    assert [ax.get_title() for ax in tiles(figure)] == [
        "true 1, got 0\n95.0 % sure",
        "true 0, got 1\n70.0 % sure",
    ]


def test_no_mistakes_is_said(texts, tmp_path):
    figure = mistakes(IMAGES, TRUTH, np.eye(3)[TRUTH], image_shape=(3, 4))
    assert texts(figure) == "No mistakes: all 6 examples are classified rightly."
    assert not figure.axes
    figure.savefig(tmp_path / "none.png")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"image_shape": (4, 4)}, ShapeError, r"images of shape \(6, 12\) cannot be seen as"),
        ({"count": True}, OptionError, "count must be an integer of at least 1, got True"),
        ({"probabilities": 9 * TABLE}, DataError, "probabilities from 0 to 1, got values from 0"),
        ({"probabilities": TABLE[:4]}, ShapeError, r"predictions must be \(6, 1\)"),
        ({"y_true": TRUTH * 2.5 + (IMAGES[:, 0] > 0.5)}, DataError, "speak of 3 classes"),
        ({"class_names": ["x"]}, OptionError, "class_names must be a sequence of 3 names"),
    ],
)
def test_bad_galleries(options, error, words):
    given = {"images": IMAGES, "y_true": TRUTH, "probabilities": TABLE, "image_shape": (3, 4)}
    with pytest.raises(error, match=words):
        mistakes(**{**given, **options})


def test_classes_numbered_from_one_keep_their_numbers():
    figure = mistakes(IMAGES, TRUTH + 1, TABLE, image_shape=(3, 4))
    assert tiles(figure)[0].get_title() == "true 1, got 2\n99.0 % sure"
