"""What is learned of columns: kinds, rare categories, identifiers; and in batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import Table, TableEncoder
from chainrule.data.columns import CategoryColumn
from chainrule.data.learning import is_identifier
from chainrule.data.numbers import Moments
from chainrule.data.survey import ColumnSurvey
from chainrule.errors import DataError

RNG = np.random.default_rng(5)
N = 1000


def table(**columns):
    y = ["a", "b"] * (len(next(iter(columns.values()))) // 2)
    return Table((*columns, "y"), {**columns, "y": y}, "y")


def test_a_survey_in_batches_is_the_survey_of_all():
    x = RNG.normal(5, 2, N)
    x[::7] = np.nan
    c = RNG.choice(["p", "q", "r"], N).tolist()
    d = np.datetime64("2024-01-01", "s") + RNG.integers(10**7, size=N)
    whole = table(x=x, c=c, d=d)
    for name in ("x", "c", "d"):
        once, often = ColumnSurvey(name), ColumnSurvey(name)
        once.add(whole)
        for start in range(0, N, 130):
            often.add(whole.take(range(start, min(start + 130, N))))
        assert (often.rows, often.missing, often.distinct) == (
            once.rows, once.missing, once.distinct
        )  # fmt: skip
        for one, other in ((once.numbers, often.numbers), (once.dates, often.dates)):
            np.testing.assert_allclose(
                [other.count, other.mean, other.std, other.minimum, other.maximum],
                [one.count, one.mean, one.std, one.minimum, one.maximum],
                rtol=1e-12,
            )


#: Their squares have a place in float64.
NUMBERS = st.floats(-1e100, 1e100).filter(lambda x: x == 0 or abs(x) > 1e-100)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.lists(NUMBERS, max_size=5), max_size=4))
def test_moments_of_parts_are_those_of_all(parts):
    moments, whole = Moments(), np.array([value for part in parts for value in part])
    for part in parts:
        moments.add(np.array(part, dtype=float))
    assert moments.count == len(whole)
    if not len(whole):
        assert (moments.mean, moments.std, moments.minimum, moments.maximum) == (0, 0, 0, 0)
        return
    scale = float(abs(whole).max()) or 1.0
    assert (moments.minimum, moments.maximum) == (whole.min(), whole.max())
    assert moments.mean / scale == pytest.approx((whole / scale).mean(), abs=1e-12)
    assert moments.std / scale == pytest.approx((whole / scale).std(), abs=1e-7)


def test_equal_numbers_have_no_spread_and_are_their_mean():
    moments = Moments()
    for _ in range(3):
        moments.add(np.full(7, 0.1))
    assert (moments.mean, moments.std) == (0.1, 0.0)


# Kinds


def test_yes_and_no_are_one_number():
    encoder = TableEncoder().fit(table(b=["Yes", "no", "YES", None], x=["1", "4", "9", "2"]))
    assert encoder.feature_names == ("b=yes", "x")
    later = Table(("b", "x"), {"b": ["no", "yes", None, "perhaps"], "x": ["1"] * 4})
    assert encoder.transform(later)[:, 0].tolist() == [-1, 1, 0, 0]


def test_missing_numbers_are_flagged_where_there_are_many():
    x = RNG.normal(size=N)
    x[:9] = np.nan
    assert TableEncoder().fit(table(x=x)).feature_names == ("x",)
    x[9] = np.nan
    encoder = TableEncoder().fit(table(x=x))
    assert encoder.feature_names == ("x", "x is missing")
    X = encoder.transform(table(x=x))
    assert X[:12, 1].tolist() == [1] * 10 + [0] * 2
    assert X[:10, 0].tolist() == [0] * 10


def test_rare_and_unseen_categories_are_one():
    words = ["often"] * 900 + ["sometimes"] * 85 + [f"rare {k}" for k in range(5)] * 3
    encoder = TableEncoder().fit(table(c=words))
    assert encoder.feature_names == ("c=often", "c=sometimes", "c=(other)")
    later = Table(("c",), {"c": ["often", "rare 1", "new", None]})
    assert encoder.transform(later).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]]
    assert encoder.unseen(later) == {"c": ("new", 1)}
    assert TableEncoder.from_json(encoder.to_json()).unseen(later) == {"c": ("new", 1)}
    # Models of before do not say which were rare.
    before = encoder.to_json().replace('"rare": ["', '"was": ["')
    assert TableEncoder.from_json(before).unseen(later) == {}
    few = TableEncoder().fit(table(c=["p", "q"] * 10))
    assert few.unseen(Table(("c",), {"c": ["p", "new", None, "other"]})) == {"c": ("new", 2)}


def test_a_category_that_is_called_as_the_rare_ones_are():
    words = ["(other)"] * 900 + ["b"] * 85 + [f"rare {k}" for k in range(5)] * 3
    encoder = TableEncoder().fit(table(c=words))
    assert encoder.feature_names == ("c=(other)", "c=b", "c=((other))")


def test_a_truth_in_other_words():
    encoder = TableEncoder().fit(table(c=["False", "true"] * 10))
    assert encoder.feature_names == ("c=true",)
    words = ["no", "0", "OFF", "f", "yes", "1", "On", "T", "1.0", "ja", None, "nein"]
    later = Table(("c",), {"c": words})
    assert encoder.transform(later)[:, 0].tolist() == [-1] * 4 + [1] * 5 + [0] * 3
    assert encoder.unseen(later) == {"c": ("ja", 2)}
    numbers = Table(("c",), {"c": np.array([0.0, 1.0, np.nan, 2.0])})
    assert encoder.transform(numbers)[:, 0].tolist() == [-1, 1, 0, 0]
    assert encoder.unseen(numbers) == {"c": ("2", 1)}


def test_words_of_several_pairs_are_one_truth():
    words = ["Yes", "no", "TRUE", "False", "1", "0", "y", "N"]
    encoder = TableEncoder().fit(table(c=words * 5))
    assert encoder.feature_names == ("c=yes",)
    assert encoder.transform(table(c=words))[:, 0].tolist() == [1, -1] * 4
    for others in (["yes", "true", "on"], ["yes", "no", "perhaps"]):
        learned = TableEncoder().fit(table(c=others * 10)).columns[0]
        assert learned == CategoryColumn("c", tuple(sorted(others)))


def test_dates_of_several_styles_are_left_out_with_the_reason():
    days = [f"2024-01-{k:02}" if k % 2 else f"{k}.1.2024" for k in range(1, 29)]
    encoder = TableEncoder().fit(table(d=days, x=RNG.normal(size=28)))
    assert encoder.ignored["d"] == (
        "text that is different in every row; dates are read where all of a column are written "
        "alike"
    )


def test_dates_as_classes_are_written_alike():
    days = np.array(["2020-01-01", "2021-01-01T06:30"] * 10, "datetime64[s]")
    given = Table(("x", "y"), {"x": np.arange(20.0) ** 2, "y": days}, "y")
    encoder = TableEncoder().fit(given)
    assert encoder.class_names == ("2020-01-01", "2021-01-01 06:30:00")
    assert encoder.encode_target(given).tolist() == [0, 1] * 10


def test_many_categories_are_cut_to_the_most_frequent():
    often = [f"city {k}" for k in range(60) for _ in range(40 if k < 50 else 12)]
    encoder = TableEncoder().fit(table(c=often))
    assert len(encoder.feature_names) == 51
    assert encoder.feature_names[-1] == "c=(other)"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.arange(N) * 1.0, "it counts the rows"),
        (np.arange(1, N + 1) * 1.0, "it counts the rows"),
        (np.arange(N) * 3.0, None),
        ([f"n{k}" for k in range(N)], "text that is different in every row"),
        ([f"n{k % 700}" for k in range(N)], "text that is different in most rows"),
        (["long " * 200, "b"] * (N // 2), "text of more than 500 characters"),
    ],
)
def test_what_only_tells_rows_apart_is_left_out(values, reason):
    encoder = TableEncoder().fit(table(v=values, x=RNG.normal(size=N)))
    assert encoder.ignored.get("v") == reason


def test_more_different_texts_than_are_counted():
    survey = ColumnSurvey("c")
    for start in range(0, 12_000, 3000):
        survey.add(Table(("c",), {"c": [f"n{k}" for k in range(start, start + 3000)] * 2}))
    from chainrule.data.learning import learn_column

    assert survey.distinct is None
    assert learn_column(survey) == "text with more than 10,000 different values"


@pytest.mark.parametrize(
    "name", ["id", "ID", "customer_id", "PassengerId", "customerID", "row.names", "Unnamed: 0",
             "uuid", "order no", "CustomerKey", "index"]
)  # fmt: skip
def test_names_of_identifiers(name):
    assert is_identifier(name)


@pytest.mark.parametrize(
    "name", ["humid", "valid", "age", "Covid", "monkey", "annoy", "idle", "narrow", "paid"]
)
def test_names_that_only_end_alike(name):
    assert not is_identifier(name)


def test_numbers_under_the_name_of_an_identifier():
    shuffled = RNG.permutation(N) * 17.0
    x = RNG.normal(size=N)
    why = {"user_id": "numbers that only tell one row from another"}
    assert TableEncoder().fit(table(user_id=shuffled, x=x)).ignored == why
    assert TableEncoder().fit(table(amount=shuffled, x=x)).ignored == {}
    # The same few numbers again and again name something else than a row.
    assert TableEncoder().fit(table(shop_id=shuffled % 12, x=x)).ignored == {}


def test_infinity_in_an_array_is_refused():
    with pytest.raises(DataError) as caught:
        TableEncoder().fit(table(x=np.array([1.0, np.inf, 2.0, 3.0])))
    assert str(caught.value) == "table, line 3: column 'x' holds inf; numbers must be finite."
