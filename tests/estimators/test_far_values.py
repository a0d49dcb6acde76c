"""A number such as -999999 spoils the scale of a column: the user is told."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.errors import TrainingWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(1)
X = RNG.normal(50, 10, (300, 4))
Y = (X[:, 0] > 50).astype(int)
SPOILT = X.copy()
SPOILT[::20, 1] = -999999
SPOILT[7, 2] = 1e9
QUICK: dict[str, Any] = {"max_iter": 2, "random_state": 0}
TOLD = "nearly all of the spread of column 1 (-999999 in 15 rows), column 2 (1e+09 in 1 row): the"


@pytest.mark.parametrize("wanted", ["auto", True])
def test_columns_are_told_with_the_number_and_what_to_do(wanted: Any) -> None:
    with pytest.warns(TrainingWarning, match=re.escape(TOLD)) as told:
        cr.NetworkClassifier(scale_inputs=wanted, **QUICK).fit(SPOILT, Y)
    assert [entry.category for entry in told].count(TrainingWarning) == 1
    assert told[0].filename == __file__
    assert "put np.nan in its place and sklearn.impute.SimpleImputer" in str(told[0].message)


def test_columns_have_their_names() -> None:
    with pytest.warns(TrainingWarning, match=r"column 'b' \(-999999 in 15 rows\), column 'c'"):
        cr.NetworkClassifier(**QUICK).fit(pd.DataFrame(SPOILT, columns=list("abcd")), Y)


def test_targets_are_told_too() -> None:
    with pytest.warns(TrainingWarning, match=r"spread of y \(-999999 in 15 rows\)"):
        cr.NetworkRegressor(**QUICK).fit(X, SPOILT[:, 1])
    with pytest.warns(TrainingWarning, match=r"spread of y\[:, 1\] \(-999999 in 15 rows\)"):
        cr.NetworkRegressor(**QUICK).fit(X, SPOILT[:, :2])


def test_many_are_counted() -> None:
    wide = np.tile(SPOILT[:, 1:2], 6)
    with pytest.warns(TrainingWarning, match=r"column 2 \(-999999 in 15 rows\) and 3 more: the"):
        cr.NetworkClassifier(**QUICK).fit(wide, Y)


def test_pieces_tell_it_when_it_comes_and_not_again() -> None:
    net = cr.NetworkClassifier(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainingWarning)
        net.partial_fit(X, Y, classes=[0, 1])
    with pytest.warns(TrainingWarning, match="column 1"):
        net.partial_fit(SPOILT, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainingWarning)
        net.partial_fit(SPOILT, Y)


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (X, {}),
        (SPOILT, {"scale_inputs": False}),
        (sparse.csr_matrix(np.where(RNG.random((300, 4)) < 0.3, 0.0, 1000 + X / 100)), {}),
        (np.exp(RNG.normal(3, 1.5, (300, 4))), {}),
        (np.where(RNG.random((300, 4)) < 0.05, 300.0, 0.0), {}),
    ],
)
def test_nothing_is_said_where_there_is_nothing(data: Any, options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainingWarning)
        cr.NetworkClassifier(**QUICK, **options).fit(data, Y)


def test_rows_that_count_nothing_are_not_told() -> None:
    weight = np.ones(300)
    weight[::20] = weight[7] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainingWarning)
        cr.NetworkClassifier(**QUICK).fit(SPOILT, Y, weight)


def test_a_long_column_is_looked_at_in_part_and_counted_whole() -> None:
    long = np.tile(X, (40, 1))
    long[::100, 3] = -999999
    with pytest.warns(TrainingWarning, match=r"column 3 \(-999999 in 120 rows\)"):
        cr.NetworkClassifier(**QUICK | {"max_iter": 1}).fit(long, np.tile(Y, 40))
