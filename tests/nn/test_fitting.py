from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, DataError, DtypeError, ShapeError
from chainrule.nn import fitting
from chainrule.nn.losses import NAMED, Loss

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
BCE, CE, MSE = (
    NAMED["binary_cross_entropy"],
    NAMED["cross_entropy"],
    NAMED["mean_squared_error"],
)


def fails(error: type[ChainruleError], message: str, function: Any, *arguments: Any) -> None:
    with pytest.raises(error) as caught:
        function(*arguments)
    assert str(caught.value).startswith(message)


# --- inputs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hidden", "said"), [(1.5, "1 of 3"), (0.5, "2 of 3")])
def test_what_is_masked_is_not_learnt_from(hidden: float, said: str) -> None:
    values = np.array([[0.0], [1.0], [2.0]])
    masked = np.ma.masked_greater(values, hidden)
    fails(
        DataError, f"X is a masked array with {said} values masked: ", fitting.inputs, masked, F32
    )
    fails(DataError, "y is a masked array", fitting.targets, masked, MSE, 3, (1,), F32)
    np.testing.assert_array_equal(fitting.inputs(np.ma.masked_greater(values, 9), F64), values)


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ([1, 2, -0.5], "Row 2 has -0.5."),
        ([1, np.nan, -1], "Row 1 has nan."),
        ([0] * 3, "Here all "),
    ],
)
def test_a_wrong_weight_is_named_with_its_row(weights: list[float], found: str) -> None:
    told = f"weights must be finite, none below 0, and not all 0. {found}"
    fails(DataError, told, fitting.weights, weights, None, np.zeros(3), F32)


@pytest.mark.parametrize(
    "data",
    [
        [[1, 2], [3, 4]],
        np.array([[1, 2], [3, 4]], np.uint8),
        np.array([[1, 2], [3, 4]], np.float16),
        np.array([[1.0, 3.0], [2.0, 4.0]]).T,
        np.array([[1, 2], [3, 4]], object),
        np.array([["1", 2.0], [3, 4]], object),
        pd.DataFrame({"a": [1, 3], "b": [2.0, 4.0]}),
        pd.DataFrame({"a": [1, 3], "b": [2, 4]}, dtype="Int64"),
        pd.DataFrame({"a": [1, 3], "b": [2, 4]}, dtype=object),
    ],
)
def test_what_can_be_read_as_numbers(data: Any) -> None:
    array = fitting.inputs(data, F32, (2,))
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    np.testing.assert_array_equal(array, [[1, 2], [3, 4]])


def test_true_and_false_are_one_and_zero() -> None:
    np.testing.assert_array_equal(fitting.inputs([[True, False]], F64), [[1.0, 0.0]])


def test_pictures_are_samples_too() -> None:
    assert fitting.inputs(np.zeros((5, 2, 3), np.uint8), F32, (2, 3)).shape == (5, 2, 3)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (1.5, ShapeError, "X is a single number; samples are rows: X.reshape(1, -1)."),
        ([1.0, 2.0], ShapeError, "X has shape (2,): rows are samples, so it needs two axes or"),
        (pd.Series([1.0, 2.0]), ShapeError, "X has shape (2,): rows are samples"),
        (np.ones((0, 2)), DataError, "X has no rows (shape (0, 2)): there is nothing to compute"),
        (
            np.ones((2, 7)),
            ShapeError,
            "the network takes samples of shape (2,), and those of X have shape (7,). Perhaps X "
            "is transposed.",
        ),
        ([[1.0], [2.0, 3.0]], ShapeError, "X is not a regular array: "),
        ([["red", "blue"]], DtypeError, "X holds <U4, not numbers. Encode it first."),
        (
            np.array([["red", 1.0]], object),
            DtypeError,
            "X holds things that are not numbers: could not convert string to float: 'red'.",
        ),
        (
            pd.DataFrame({"a": [1, None], "b": [2, 4]}, dtype="Int64"),
            DtypeError,
            "X holds things that are not numbers: ",
        ),
        (
            pd.DataFrame({"a": [1, None], "b": [2, 4]}),
            DataError,
            "X holds 1 value that is not finite, the first in row 1, column 0 (nan).",
        ),
        (
            np.array([[1.0, None]], object),
            DataError,
            "X holds 1 value that is not finite, the first in row 0, column 1 (nan).",
        ),
        (
            np.array([[[1.0, 2.0]], [[np.inf, 1.0]]]),
            ShapeError,
            "the network takes samples of shape (2,), and those of X have shape (1, 2).",
        ),
        (np.array([["2024-01-01"] * 2], "datetime64[D]"), DtypeError, "X holds datetime64[D], not"),
        ([[1.0, -4e38]], DataError, "X holds numbers too large for float32 (up to 4e+38). Scale"),
    ],
)
def test_inputs_that_are_refused(data: Any, error: type[ChainruleError], message: str) -> None:
    fails(error, message, fitting.inputs, data, F32, (2,))


def test_a_picture_that_is_not_finite_is_named_by_its_row() -> None:
    data = np.zeros((3, 2, 2))
    data[2, 1, 0] = -np.inf
    fails(
        DataError,
        "X holds 1 value that is not finite, the first in row 2 (-inf).",
        fitting.inputs,
        data,
        F32,
    )


def test_float64_bears_what_float32_does_not() -> None:
    assert fitting.inputs([[1e300]], F64)[0, 0] == 1e300


# --- targets of numbers -------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [BCE, MSE])
@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 1],
        [[0], [1], [1]],
        [[[0]], [[1]], [[1]]],
        [False, True, True],
        [0.0, 1.0, 1.0],
        pd.Series([0, 1, 1]),
        pd.Series([False, True, True]),
        pd.DataFrame({"y": [0, 1, 1]}),
        np.array([0, 1, 1], object),
    ],
)
def test_a_column_of_targets_in_every_spelling(y: Any, loss: Loss) -> None:
    t = fitting.targets(y, loss, 3, (1,), F32)
    assert t.dtype == np.float32
    np.testing.assert_array_equal(t, [[0], [1], [1]])


def test_targets_take_the_shape_of_the_outputs() -> None:
    assert fitting.targets(np.ones((3, 2, 2)), MSE, 3, (4,), F32).shape == (3, 4)
    assert fitting.targets(np.ones((3, 2, 2)), MSE, 3, (2, 2), F32).shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("y", "loss", "outputs", "error", "message"),
    [
        (1.0, MSE, (1,), ShapeError, "X has 3 rows and y has shape (): one target a row."),
        ([1, 2], MSE, (1,), ShapeError, "X has 3 rows and y has shape (2,): one target a row."),
        (
            [[1, 2, 3]],
            MSE,
            (1,),
            ShapeError,
            "X has 3 rows and y has shape (1, 3): one target a row.",
        ),
        (
            np.ones((3, 2)),
            MSE,
            (1,),
            ShapeError,
            "the network gives one number a row and y has 2 numbers a row. Change the last layer "
            "to 2 units, or y.",
        ),
        (
            np.full(3, 0.5),
            MSE,
            (4,),
            ShapeError,
            "the network gives 4 numbers a row and y has one number a row. Change the last layer "
            "to 1 unit, or y.",
        ),
        (
            np.array([0, 3, 1]),
            MSE,
            (4,),
            ShapeError,
            "the network gives 4 numbers a row and y has one number a row. If y holds class "
            "labels, end with Dense(4, 'softmax'), whose loss is cross_entropy. If they are "
            "values, the last layer needs 1 unit.",
        ),
        (
            np.ones((3, 2)),
            MSE,
            (2, 2),
            ShapeError,
            "the network gives samples of shape (2, 2) and y has 2 numbers a row. Change",
        ),
        (
            np.eye(3)[:, :2],
            BCE,
            (1,),
            ShapeError,
            "the network gives one number a row and y has 2 numbers a row. For one-hot labels use "
            "Dense(2, 'softmax') and cross_entropy, or y[:, 1].",
        ),
        (
            np.eye(3),
            BCE,
            (1,),
            ShapeError,
            "the network gives one number a row and y has 3 numbers a row. Change the last layer "
            "to 3 units, or y.",
        ),
        (
            [-1, 1, 1],
            BCE,
            (1,),
            DataError,
            "binary_cross_entropy needs targets from 0 to 1, and y goes from -1 to 1. Labels -1 "
            "and 1: (y + 1) / 2. More than two classes: Dense(K, 'softmax') with cross_entropy.",
        ),
        (
            [0, 1, 2],
            BCE,
            (1,),
            DataError,
            "binary_cross_entropy needs targets from 0 to 1, and y goes from 0 to 2.",
        ),
        (
            [0, np.nan, 1],
            BCE,
            (1,),
            DataError,
            "y holds 1 value that is not finite, the first in row 1 (nan).",
        ),
        (
            [0, 1e39, 1],
            MSE,
            (1,),
            DataError,
            "y holds numbers too large for float32 (up to 1e+39). Scale them, or compute with "
            'Sequential(..., dtype="float64").',
        ),
        (
            ["cat", "dog", "cat"],
            BCE,
            (1,),
            DtypeError,
            "y holds <U3, not numbers. Encode it first: labels, y = np.unique(y, "
            "return_inverse=True).",
        ),
        (
            np.array(["cat", "dog", "cat"], object),
            CE,
            (2,),
            DtypeError,
            "y holds things that are not numbers: could not convert string to float: 'cat'.",
        ),
        ([[1], [1, 2], [1]], MSE, (1,), ShapeError, "y is not a regular array: "),
        (None, MSE, (1,), DataError, "y is None; an array or a list of numbers was expected."),
    ],
)
def test_targets_that_are_refused(
    y: Any, loss: Loss, outputs: tuple[int, ...], error: type[ChainruleError], message: str
) -> None:
    fails(error, message, fitting.targets, y, loss, 3, outputs, F32)


# --- targets of classes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "y",
    [
        [0, 2, 1],
        [[0], [2], [1]],
        [0.0, 2.0, 1.0],
        np.array([0, 2, 1], np.uint8),
        np.array([0, 2, 1], object),
        pd.Series([0, 2, 1]),
        np.eye(3)[[0, 2, 1]],
        np.eye(3, dtype=int)[[0, 2, 1]],
        np.eye(3, dtype=bool)[[0, 2, 1]],
        pd.get_dummies(pd.Series(["a", "c", "b"])),
    ],
)
def test_classes_in_every_spelling(y: Any) -> None:
    t = fitting.targets(y, CE, 3, (3,), F32)
    assert t.dtype == np.int64
    np.testing.assert_array_equal(t, [0, 2, 1])


def test_boolean_classes_and_soft_labels() -> None:
    np.testing.assert_array_equal(fitting.targets([True, False], CE, 2, (2,), F32), [1, 0])
    soft = [[0.25, 0.75], [1.0, 0.0]]
    t = fitting.targets(soft, CE, 2, (2,), F32)
    assert t.dtype == np.float32
    np.testing.assert_array_equal(t, soft)


@pytest.mark.parametrize(
    ("y", "outputs", "error", "message"),
    [
        (
            [0, 1, 3],
            (3,),
            DataError,
            "y holds labels from 0 to 3, and the network has 3 outputs, for labels 0 to 2.",
        ),
        ([1, 2, 3], (3,), DataError, "y holds labels from 1 to 3, and the network has 3 outputs"),
        ([-1, 1, 1], (2,), DataError, "y holds labels from -1 to 1, and the network has 2 outputs"),
        (
            [0, 1.5, 1],
            (2,),
            DataError,
            "class indices are whole numbers, and y holds 1.5.",
        ),
        (
            np.eye(4)[:3],
            (3,),
            ShapeError,
            "the network has 3 classes; y has shape (3, 4). Class indices (3,) or labels (3, 3) "
            "were expected.",
        ),
        (np.ones((3, 3, 1)), (3,), ShapeError, "the network has 3 classes; y has shape (3, 3, 1)."),
        (
            [0, 1, 1],
            (1,),
            ShapeError,
            "cross_entropy needs one output for each class, and the network gives one number a "
            "row. For two classes with one output use Dense(1, 'sigmoid') and "
            "binary_cross_entropy.",
        ),
        (
            [0, 1, 1],
            (2, 2),
            ShapeError,
            "cross_entropy needs one output for each class, and the network gives samples of shape "
            "(2, 2).",
        ),
        (
            [[0.5, 0.5], [0.5, 0.6], [0.9, 0.9]],
            (2,),
            DataError,
            "labels are one-hot or probabilities: none below 0, each row with total 1. Row 2 has "
            "total 1.8.",
        ),
        (
            [[1, 0], [0, 1], [0, 0]],
            (2,),
            DataError,
            "labels are one-hot or probabilities: none below 0, each row with total 1. Row 2 has "
            "total 0.",
        ),
        (
            [[1, 0], [1.5, -0.5], [0, 1]],
            (2,),
            DataError,
            "labels are one-hot or probabilities: none below 0, each row with total 1. Row 1 "
            "holds -0.5.",
        ),
        (
            [[1, 0], [0, np.nan], [0, 1]],
            (2,),
            DataError,
            "y holds 1 value that is not finite, the first in row 1, column 1 (nan).",
        ),
    ],
)
def test_classes_that_are_refused(
    y: Any, outputs: tuple[int, ...], error: type[ChainruleError], message: str
) -> None:
    fails(error, message, fitting.targets, y, CE, 3, outputs, F32)


# --- weights ------------------------------------------------------------------------------------

LABELS = np.array([0, 0, 0, 1])


@pytest.mark.parametrize(
    ("sample", "classes", "expected"),
    [
        (None, None, None),
        ([1, 2, 3, 4], None, [1, 2, 3, 4]),
        (pd.Series([1, 2, 3, 4]), None, [1, 2, 3, 4]),
        ([True, False, True, True], None, [1, 0, 1, 1]),
        (None, "balanced", [2 / 3, 2 / 3, 2 / 3, 2]),
        (None, {0: 1, 1: 5}, [1, 1, 1, 5]),
        (None, {0: 1, 1: 5, 2: 9}, [1, 1, 1, 5]),
        (None, {0.0: 1, True: 0}, [1, 1, 1, 0]),
        ([1, 2, 3, 4], {0: 2, 1: 0.5}, [2, 4, 6, 2]),
        ([0, 2, 0, 4], "balanced", [0, 4 / 3, 0, 8]),
    ],
)
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_weights(sample: Any, classes: Any, expected: Any, shape: tuple[int, ...]) -> None:
    w = fitting.weights(sample, classes, LABELS.reshape(shape), F32)
    if expected is None:
        assert w is None
    else:
        assert w is not None
        assert w.dtype == np.float32
        np.testing.assert_allclose(w, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("sample", "classes", "y", "error", "message"),
    [
        ([1, 2], None, LABELS, ShapeError, "sample_weight has shape (2,); one a row is (4,)."),
        (
            np.ones((4, 1)),
            None,
            LABELS,
            ShapeError,
            "sample_weight has shape (4, 1); one a row is (4,).",
        ),
        (2.0, None, LABELS, ShapeError, "sample_weight has shape (); one a row is (4,)."),
        ([1, 2, 3, "x"], None, LABELS, DtypeError, "sample_weight holds <U21, not numbers."),
        (
            [1, 2, 3, -1],
            None,
            LABELS,
            DataError,
            "weights must be finite, none below 0, and not all 0.",
        ),
        ([1, 2, 3, np.nan], None, LABELS, DataError, "weights must be finite, none below 0"),
        ([0, 0, 0, 0], None, LABELS, DataError, "weights must be finite, none below 0"),
        (None, {0: 1, 1: -1}, LABELS, DataError, "weights must be finite, none below 0"),
        (
            [1, 1, 1, 1e39],
            None,
            LABELS,
            DataError,
            "sample_weight holds numbers too large for float32",
        ),
        (
            None,
            {0: 1.0},
            LABELS,
            DataError,
            "class_weight has no weight for class 1; it has {0: 1.0}.",
        ),
        (
            None,
            "balance",
            LABELS,
            DataError,
            "class_weight is 'balanced' or a dict, got 'balance'.",
        ),
        (None, [1, 2], LABELS, DataError, "class_weight is 'balanced' or a dict, got [1, 2]."),
        (
            None,
            "balanced",
            LABELS + 0.5,
            DataError,
            "class_weight needs one class label a row as target.",
        ),
        (
            None,
            "balanced",
            np.full((4, 2), 0.5),
            DataError,
            "class_weight needs one class label a row as target.",
        ),
    ],
)
def test_weights_that_are_refused(
    sample: Any, classes: Any, y: Any, error: type[ChainruleError], message: str
) -> None:
    fails(error, message, fitting.weights, sample, classes, y, F32)


# --- in a training ------------------------------------------------------------------------------


def trained(X: Any, y: Any, last: cr.Dense, **options: Any) -> dict[str, np.ndarray]:
    net = cr.Sequential(cr.Dense(3, "tanh"), last)
    net.fit(X, y, epochs=4, seed=3, **options)
    return net.parameters


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    for name, array in a.items():
        np.testing.assert_array_equal(array, b[name], err_msg=name)


RNG = np.random.default_rng(1)
X = RNG.standard_normal((20, 2)).astype(np.float32)
Y = (X[:, 0] > 0.5).astype(int)


def test_every_spelling_trains_the_same_network() -> None:
    frame = pd.DataFrame(X, columns=["a", "b"])
    one = trained(X, Y, cr.Dense(1, "sigmoid"))
    same(one, trained(frame, pd.Series(Y), cr.Dense(1, "sigmoid")))
    same(one, trained(X.tolist(), Y[:, None].tolist(), cr.Dense(1, "sigmoid")))
    same(one, trained(np.asfortranarray(X), Y.astype(bool), cr.Dense(1, "sigmoid")))
    two = trained(X, Y, cr.Dense(2, "softmax"))
    same(two, trained(frame, np.eye(2)[Y], cr.Dense(2, "softmax")))
    same(two, trained(X, Y.astype(float)[:, None], cr.Dense(2, "softmax")))


@pytest.mark.parametrize("last", [cr.Dense(1, "sigmoid"), cr.Dense(2, "softmax")])
def test_balanced_weights_are_the_weights_written_out(last: cr.Dense) -> None:
    counts = np.bincount(Y)
    weight = {k: 20 / (2 * n) for k, n in enumerate(counts)}
    balanced = trained(X, Y, last, class_weight="balanced")
    same(balanced, trained(X, Y, last, class_weight=weight))
    same(balanced, trained(X, Y, last, sample_weight=[weight[k] for k in Y]))
    assert not np.array_equal(balanced["W1"], trained(X, Y, last)["W1"])


def test_training_changes_no_data() -> None:
    kept_x, kept_y = X.copy(), Y.copy()
    trained(X, Y, cr.Dense(1, "sigmoid"), sample_weight=np.ones(20, np.float32))
    np.testing.assert_array_equal(X, kept_x)
    np.testing.assert_array_equal(Y, kept_y)
