from __future__ import annotations

import pickle

import numpy as np
import pytest
import sklearn.metrics as sk

from chainrule.errors import DataError, OptionError, ShapeError
from chainrule.nn.labels import classes
from chainrule.nn.metrics import (
    accuracy,
    balanced_accuracy,
    confusion_matrix,
    mean_absolute_error,
    mean_squared_error,
    metric,
    metrics_of,
    r2,
    top_k,
)

RNG = np.random.default_rng(3)
SCORES = RNG.random((60, 4))
LABELS = RNG.integers(0, 4, 60)
PROBABILITIES = RNG.random(60)
BITS = RNG.integers(0, 2, 60)


# --- classes ------------------------------------------------------------------------------------


def test_accuracy_agrees_with_scikit_learn() -> None:
    expected = sk.accuracy_score(LABELS, np.argmax(SCORES, axis=1))
    assert accuracy(SCORES, LABELS) == expected
    expected = sk.accuracy_score(BITS, PROBABILITIES > 0.5)
    assert accuracy(PROBABILITIES, BITS) == expected


def test_balanced_accuracy_agrees_with_scikit_learn() -> None:
    expected = sk.balanced_accuracy_score(LABELS, np.argmax(SCORES, axis=1))
    assert balanced_accuracy(SCORES, LABELS) == pytest.approx(expected, rel=1e-12)
    rare = (np.arange(60) < 3).astype(int)
    expected = sk.balanced_accuracy_score(rare, PROBABILITIES > 0.5)
    assert balanced_accuracy(PROBABILITIES, rare) == pytest.approx(expected, rel=1e-12)
    assert balanced_accuracy(np.zeros(60), rare) == 0.5
    # A class that does not occur has no share.
    assert balanced_accuracy(SCORES[:3], [1, 1, 1]) == accuracy(SCORES[:3], [1, 1, 1])
    assert metric("balanced_accuracy") == ("balanced_accuracy", balanced_accuracy)


@pytest.mark.parametrize("column", [np.ravel, lambda a: np.reshape(a, (-1, 1))])
@pytest.mark.parametrize("kind", [int, float, bool, np.uint8, list])
def test_every_spelling_of_binary_targets_gives_the_same(column: object, kind: type) -> None:
    targets = BITS.tolist() if kind is list else BITS.astype(kind)
    expected = np.mean((PROBABILITIES > 0.5) == BITS)
    assert accuracy(PROBABILITIES, column(targets)) == expected  # type: ignore[operator]
    assert accuracy(PROBABILITIES[:, None], column(targets)) == expected  # type: ignore[operator]


@pytest.mark.parametrize("kind", [int, float, bool])
def test_one_hot_targets_are_the_same_as_class_numbers(kind: type) -> None:
    one_hot = np.eye(4)[LABELS].astype(kind)
    assert (
        accuracy(SCORES, one_hot) == accuracy(SCORES, LABELS) == accuracy(SCORES, LABELS[:, None])
    )


def test_classes_at_the_border() -> None:
    assert classes([0.5, 0.50001, -1.0, 2.0]).tolist() == [0, 1, 0, 1]
    assert classes([[0.5, 0.5], [0.1, 0.9]]).tolist() == [0, 1]
    assert classes([[True], [False]]).tolist() == [1, 0]
    assert classes([[2], [7]]).tolist() == [2, 7]


def test_predicted_classes_can_be_measured_too() -> None:
    assert accuracy(classes(SCORES), LABELS) == accuracy(SCORES, LABELS)
    assert accuracy(classes(SCORES), np.eye(4)[LABELS]) == accuracy(SCORES, LABELS)
    assert np.array_equal(
        confusion_matrix(classes(SCORES), LABELS), confusion_matrix(SCORES, LABELS)
    )


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_agrees_with_scikit_learn(k: int) -> None:
    assert top_k(k)(SCORES, LABELS) == sk.top_k_accuracy_score(LABELS, SCORES, k=k)


def test_top_1_is_accuracy_even_among_equal_scores() -> None:
    ties = RNG.integers(0, 2, (60, 4))
    assert top_k(1)(ties, LABELS) == accuracy(ties, LABELS)
    assert top_k(4)(ties, LABELS) == 1.0


def test_confusion_matrix_agrees_with_scikit_learn() -> None:
    ours = confusion_matrix(SCORES, LABELS)
    assert np.array_equal(ours, sk.confusion_matrix(LABELS, np.argmax(SCORES, axis=1)))
    assert np.trace(ours) == accuracy(SCORES, LABELS) * 60
    ours = confusion_matrix(PROBABILITIES[:, None], BITS)
    assert np.array_equal(ours, sk.confusion_matrix(BITS, PROBABILITIES > 0.5))


def test_confusion_matrix_keeps_a_row_for_a_class_that_never_occurs() -> None:
    assert confusion_matrix([[0.9, 0.1, 0.0]], [0]).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert confusion_matrix([0.9], [0]).tolist() == [[0, 1], [0, 0]]


@pytest.mark.parametrize(
    ("predictions", "targets", "error", "message"),
    [
        ([0.1, 0.9], [1], ShapeError, "predictions have 2 rows and targets have 1"),
        (np.zeros((0, 3)), [], DataError, r"predictions are empty \(shape \(0, 3\)\)"),
        ([0.1], [], DataError, "targets are empty"),
        ([0.1, np.nan, np.nan], [0, 1, 1], DataError, "NaN in 2 of 3 rows, first in row 1"),
        ([0.1, 0.2], [0, np.nan], DataError, "targets hold NaN in 1 of 2 rows, first in row 1"),
        (SCORES[:2], [0, 4], DataError, r"targets hold class 4 \(row 1\), but there are 4 classes"),
        ([0.1, 0.2], [0, 2], DataError, "from 0 to 1. Predictions in one column are read as"),
        ([0.1, 0.2], [0, -1], DataError, r"must be class numbers 0, 1, 2, ..., got -1 in row 1"),
        ([0.1, 0.2], [0, 0.5], DataError, r"targets must be class numbers .*, got 0.5 in row 1"),
        ([0.1, 0.2], [0, np.inf], DataError, r"targets must be class numbers .*, got inf in row 1"),
        ([[0.1, 0.9]], [[0.3, 0.7]], DataError, r"one-hot.*; row 0 is \[0.3, 0.7\]"),
        ([[0.1, 0.9]], [[1, 1]], DataError, r"a single 1 in each row; row 0 is \[1, 1\]"),
        ([[0.1, 0.9]], [[0, 0, 1]], ShapeError, "3 one-hot columns and predictions speak of 2"),
        ([0.1], [[0, 0, 1]], ShapeError, "3 one-hot columns and predictions speak of 2"),
        ([3], [[0, 0, 1]], DataError, r"predictions hold class 3 \(row 0\), but there are 3"),
        ([0.1], ["cat"], DataError, r"targets must be numbers, got <U3. .*return_inverse=True"),
        (0.5, 1, ShapeError, "must have a row a sample, got the single number 0.5"),
        (np.zeros((2, 2, 2)), [0, 1], ShapeError, r"\(n,\), \(n, 1\) or \(n, K\), got \(2, 2, 2\)"),
        ([[1.0], [1.0, 2.0]], [0, 1], ShapeError, "predictions have rows of unequal lengths"),
    ],
)
@pytest.mark.parametrize("function", [accuracy, balanced_accuracy, confusion_matrix])
def test_what_does_not_fit_is_explained(
    function: object, predictions: object, targets: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        function(predictions, targets)  # type: ignore[operator]


def test_the_hint_about_one_column_stays_away_from_scores() -> None:
    with pytest.raises(DataError, match=r"labels go from 0 to 1\.$"):
        accuracy([[0.1, 0.9], [0.2, 0.8]], [0, 2])


def test_top_k_explains_a_wrong_k() -> None:
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(OptionError, match=f"needs a whole number k >= 1, got {wrong}"):
            top_k(wrong)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="the best 5 of 4 classes; k must be at most 4"):
        top_k(5)(SCORES, LABELS)
    with pytest.raises(ShapeError, match=r"top_2 needs a score for each class.*got \(60,\)"):
        top_k(2)(PROBABILITIES, BITS)


# --- numbers ------------------------------------------------------------------------------------

PAIRS = [
    (mean_squared_error, sk.mean_squared_error),
    (mean_absolute_error, sk.mean_absolute_error),
    (r2, sk.r2_score),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("shape", [(40,), (40, 1), (40, 3)])
def test_errors_agree_with_scikit_learn(ours: object, theirs: object, shape: tuple) -> None:
    rng = np.random.default_rng(4)
    p, t = rng.normal(size=shape), rng.normal(size=shape)
    assert ours(p, t) == pytest.approx(theirs(t, p), rel=1e-12)  # type: ignore[operator]


@pytest.mark.parametrize("function", [mean_squared_error, mean_absolute_error, r2])
def test_a_column_is_never_broadcast_against_a_row(function: object) -> None:
    p, t = np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0])
    flat = function(p, t)  # type: ignore[operator]
    assert function(p[:, None], t) == flat  # type: ignore[operator]
    assert function(p, t[:, None]) == flat  # type: ignore[operator]
    assert flat == {mean_squared_error: 1 / 3, mean_absolute_error: 1 / 3, r2: 0.5}[function]


def test_float32_is_added_up_in_float64() -> None:
    p = np.full(200_000, 0.1, dtype=np.float32)
    assert mean_absolute_error(p, np.zeros(200_000)) == pytest.approx(float(p[0]), rel=1e-12)


@pytest.mark.parametrize("constant", [0.0, 2.0])
def test_r2_of_a_constant_target_follows_scikit_learn(constant: float) -> None:
    t = np.full(3, constant)
    for p in (t, t + np.array([0.0, 0.0, 1e-3])):
        assert r2(p, t) == sk.r2_score(t, p)
    assert r2(t, t) == 1.0
    assert r2(t + 1, t) == 0.0
    both = np.column_stack([t, [1.0, 2.0, 3.0]])
    assert r2(both + np.array([[1.0, 0.0]]), both) == 0.5


def test_r2_sees_that_a_target_is_constant_although_its_mean_is_rounded() -> None:
    t = np.full(3, 0.1)
    assert np.mean(t) != 0.1
    assert r2([0.1, 0.2, 0.3], t) == 0.0


@pytest.mark.parametrize(
    ("predictions", "targets", "error", "message"),
    [
        (
            [1.0, 2.0],
            [1.0],
            ShapeError,
            r"predictions \(2,\) and targets \(1,\) must have the same",
        ),
        (np.ones((2, 3)), [0, 1], ShapeError, r"\(2, 3\) and targets \(2,\)"),
        (np.ones((3, 1)), np.ones((3, 2)), ShapeError, r"\(3, 1\) and targets \(3, 2\)"),
        ([1.0, np.nan], [1.0, 2.0], DataError, "predictions hold NaN in 1 of 2 rows, first in row"),
        ([1.0, 2.0], [1.0, -np.inf], DataError, "targets hold infinite values"),
        ([], [], DataError, r"predictions are empty \(shape \(0,\)\)"),
        ([1j], [1.0], DataError, "predictions must be numbers, got complex128"),
    ],
)
@pytest.mark.parametrize("function", [mean_squared_error, mean_absolute_error, r2])
def test_numbers_that_do_not_fit_are_explained(
    function: object, predictions: object, targets: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        function(predictions, targets)  # type: ignore[operator]


def test_r2_of_one_sample_is_refused() -> None:
    with pytest.raises(DataError, match="r2 needs at least 2 samples, got 1"):
        r2([1.0], [1.0])


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [accuracy, mean_squared_error, mean_absolute_error, r2])
def test_a_name_and_its_function_are_the_same_metric(function: object) -> None:
    name = function.__name__  # type: ignore[attr-defined]
    assert metric(name) == (name, function)
    assert metric(function) == (name, function)


def test_top_with_a_number_is_a_name() -> None:
    name, function = metric("top_3")
    assert name == "top_3"
    assert function(SCORES, LABELS) == top_k(3)(SCORES, LABELS)
    assert metric(top_k(3)) == ("top_3", top_k(3))
    assert pickle.loads(pickle.dumps(function)) == function


def test_a_users_function_goes_by_its_name_and_is_checked() -> None:
    def bias(predictions: np.ndarray, targets: np.ndarray) -> np.float32:
        return np.float32(np.mean(predictions - targets))

    name, function = metric(bias)
    value = function(np.array([1.0, 2.0]), np.array([0.0, 0.0]))
    assert (name, value, type(value)) == ("bias", 1.5, float)
    _, rows = metric(lambda p, t: p - t)
    with pytest.raises(
        DataError, match=r"<lambda> returned an array of shape \(2,\), expected one"
    ):
        rows(np.ones(2), np.ones(2))
    _, text = metric(lambda p, t: "good")
    with pytest.raises(DataError, match="returned <U4, expected one number"):
        text(np.ones(2), np.ones(2))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("acuracy", r"metric 'acuracy' is not known. Did you mean 'accuracy'\? Known: accuracy, "),
        ("top_k", "needs its number: write 'top_5'"),
        ("top_0", "whole number k >= 1, got 0"),
        ("confusion_matrix", "is a table, not one number"),
        (3, r"a metric is a name or a function .*, got int"),
    ],
)
def test_wrong_metrics_are_explained(spec: object, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        metric(spec)


def test_one_metric_or_several_or_none() -> None:
    assert list(metrics_of(None)) == list(metrics_of(())) == []
    assert list(metrics_of("accuracy")) == list(metrics_of(accuracy)) == ["accuracy"]
    assert list(metrics_of(["r2", "top_3"])) == ["r2", "top_3"]
    with pytest.raises(OptionError, match=r"a metric is a name or a function .*, got int"):
        metrics_of(2)
