"""Targets that nothing can be learnt from are refused in a line."""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import DataError

X = np.random.default_rng(0).normal(size=(6, 2))
DAYS = pd.date_range("2020-01-01", periods=6)
LABELS = ["a", "b", None, "a", "b", None]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(["a"] * 6), "y holds texts, such as 'a'. For classes take NetworkClassifier; for "
         "numbers written as text, y.astype(float)."),
        (pd.Series(["1", "b"] * 3), "y is 'b' in row 1. For classes take NetworkClassifier;"),
        (np.array([b"1"] * 6), "y holds bytes"),
        (DAYS, "y holds dates, such as '2020-01-01T00:00:00.000000"),
        (pd.Series(DAYS.tz_localize("UTC")), "y is Timestamp('2020-01-01 00:00:00+0000', tz='UTC') "
         "in row 0."),
        ([datetime.date(2020, 1, 1)] * 6, "y is datetime.date(2020, 1, 1) in row 0."),
        (np.array(DAYS - DAYS[0]), "y holds spans of time, such as '0 "),
        (pd.DataFrame({"a": range(6), "b": ["x"] * 6}), "y is 'x' in row 0."),
        (LABELS, "y has no number in row 2 (None), and none in 1 more."),
        (pd.Series([pd.NaT, *DAYS[1:]]), "y has no number in row 0 (np.datetime64('NaT'"),
    ],
)  # fmt: skip
def test_no_numbers(y: Any, message: str) -> None:
    for learn in (cr.NetworkRegressor().fit, cr.NetworkRegressor().partial_fit):
        with pytest.raises(DataError, match=re.escape(message)):
            learn(X, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (LABELS, "y has no class in row 2 (None), and none in 1 more. Leave out the rows that have "
         "none: keep those where pd.notna(y)."),
        (pd.array(["a", "b", pd.NA] * 2, dtype="string"), "y has no class in row 2 (<NA>)"),
        (np.array(["a", np.nan] * 3, object), "y has no class in row 1 (nan)"),
        (pd.Series(pd.Categorical([None, "a", "b"] * 2)), "y has no class in row 0 (nan)"),
        ([1, 0, None] * 2, "y has no class in row 2 (None)"),
        (pd.DataFrame({"a": pd.array([1, None, 0] * 2, dtype="Int64"), "b": [0, 1] * 3}),
         "y has no class in row 1 ("),
        (np.array([1, "a"] * 3, object), "y holds both texts and other labels, such as 'a' and 1"),
    ],
)  # fmt: skip
def test_no_classes(y: Any, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        cr.NetworkClassifier().fit(X, y)
    with pytest.raises(DataError, match=re.escape(message)):
        cr.NetworkClassifier().partial_fit(X, y, classes=[0, 1])
    with pytest.raises(DataError, match=re.escape(message)):
        cr.NetworkClassifier(max_iter=1).fit(X, [0, 1] * 3, validation_data=(X, y))


def test_a_class_that_is_missing_is_no_class() -> None:
    with pytest.raises(DataError, match=r"classes has no class in row 1 \(None\)"):
        cr.NetworkClassifier().partial_fit(X, ["a"] * 6, classes=["a", None])


@pytest.mark.parametrize(
    "y",
    [
        np.array([1, 0] * 3, object), pd.array([1, 0] * 3, dtype="Int64"), np.arange(6) % 2 == 0,
        pd.Series(pd.Categorical([1, 0] * 3)), np.array(["1", "0"] * 3, object),
    ],
)  # fmt: skip
def test_numbers_of_any_kind_are_taken(y: Any) -> None:
    settings: dict[str, Any] = {"max_iter": 2, "schedule": "cosine", "random_state": 0}
    expected = cr.NetworkRegressor(**settings).fit(X, np.array([1.0, 0.0] * 3)).predict(X)
    np.testing.assert_array_equal(cr.NetworkRegressor(**settings).fit(X, y).predict(X), expected)
