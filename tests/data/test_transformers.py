"""scikit-learn at work in tables: plain formulas agree; transformers made again are equal."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule.data import Table, TableEncoder, inputs
from chainrule.data.columns import CategoryColumn
from chainrule.data.survey import ColumnSurvey
from chainrule.data.target import target_of
from chainrule.data.transformers import one_hot, scaler, standardised

RNG = np.random.default_rng(8)
N = 600
DAY = 86_400.0
COLOURS = ["blue", "green", "old, red"]


def some_table() -> Table:
    """Two columns of numbers, one with gaps; categories, some rare; dates; yes and no."""
    gaps = 1e6 + RNG.normal(size=N)
    gaps[RNG.random(N) < 0.2] = np.nan
    colour = [None if k == 9 else (COLOURS * 3)[k] for k in RNG.integers(10, size=N)]
    colour[3], colour[70] = "pink", "violet"
    day = np.datetime64("2021-03-04T05:06:07", "s") + RNG.integers(300 * 86_400, size=N)
    day[RNG.random(N) < 0.1] = np.datetime64("NaT")
    columns = {
        "x": RNG.exponential(3.0, N),
        "colour": colour,
        "gaps": gaps,
        "day": day,
        "sure": [str(word) for word in RNG.choice(["yes", "No"], N)],
        "price": RNG.normal(300.0, 40.0, N),
    }
    return Table(tuple(columns), columns, "price")


def expected(train: Table, table: Table) -> tuple[np.ndarray, np.ndarray]:
    """The inputs and the target of a table by plain formulas."""

    def scaled(name: str, seconds: bool = False) -> np.ndarray:
        seen, values = train.columns[name], table.columns[name]
        if seconds:
            seen, values = (np.where(np.isnat(v), np.nan, v.astype(float)) for v in (seen, values))
        z = (values - np.nanmean(seen)) / np.nanstd(seen)
        return np.where(np.isnan(z), 0.0, z)

    colour, day, sure = (table.columns[name] for name in ("colour", "day", "sure"))
    columns = [scaled("x")]
    columns += [np.array([value == one for value in colour]) for one in COLOURS]
    columns += [np.array([value not in (None, *COLOURS) for value in colour])]
    columns += [scaled("gaps"), np.isnan(table.columns["gaps"]), scaled("day", seconds=True)]
    for period in (365.2425 * DAY, 7 * DAY, DAY):
        angle = 2 * np.pi * day.astype(float) / period
        columns += [np.where(np.isnat(day), 0.0, circle(angle)) for circle in (np.sin, np.cos)]
    columns += [np.array([1.0 if word == "yes" else -1.0 for word in sure])]
    return np.stack(columns, axis=1), scaled("price")


def learned(train: Table, rows: int) -> TableEncoder:
    """An encoder that has seen the rows in batches of so many."""
    surveys = {name: ColumnSurvey(name) for name in train.names}
    for start in range(0, len(train), rows):
        batch = train.take(range(start, min(start + rows, len(train))))
        for survey in surveys.values():
            survey.add(batch)
    target = target_of(surveys.pop("price"), "table", None)
    return TableEncoder().learn(surveys, target)


@pytest.mark.parametrize("rows", [N, 70])
def test_a_table_becomes_what_plain_formulas_say(rows):
    whole = some_table()
    train, later = whole.take(range(0, N, 2)), whole.take(range(1, N, 2))
    encoder = learned(train, rows)
    for table in (train, later):
        X, y = expected(train, table)
        found = encoder.transform(table)
        assert (found.dtype, found.shape) == (np.float32, X.shape)
        np.testing.assert_allclose(found, X, rtol=1e-5, atol=3e-7)
        np.testing.assert_allclose(encoder.encode_target(table), y, rtol=1e-5, atol=3e-7)
        back = encoder.decode_target(encoder.encode_target(table))
        np.testing.assert_allclose(back, table.columns["price"], rtol=1e-6)


def test_few_columns_at_a_time_are_the_same(monkeypatch):
    table = some_table()
    encoder = TableEncoder().fit(table)
    whole = encoder.transform(table)
    monkeypatch.setattr(inputs, "NUMBERS_AT_ONCE", 1)
    assert np.array_equal(encoder.transform(table), whole)


def test_a_table_of_no_rows():
    table = some_table()
    encoder = TableEncoder().fit(table)
    none = table.take([])
    assert encoder.transform(none).shape == (0, len(encoder.feature_names))
    assert encoder.encode_target(none).shape == (0,)
    assert encoder.decode_target(np.zeros((0, 1))).shape == (0, 1)


def test_an_output_that_is_no_finite_number_stays_one():
    encoder = TableEncoder().fit(some_table())
    assert encoder.decode_target(np.float32([np.inf, -np.inf])).tolist() == [np.inf, -np.inf]
    assert np.isnan(encoder.decode_target(np.nan))


# Made again from what is kept, the transformers are those that were fitted


def test_a_scaler_made_again_gives_the_same_bits():
    x = 1e6 + 3 * RNG.normal(size=(N, 2))
    x[RNG.random((N, 2)) < 0.1] = np.nan
    fitted = StandardScaler().fit(x)
    kept = json.loads(json.dumps([fitted.mean_.tolist(), np.sqrt(fitted.var_).tolist()]))
    again = scaler(list(zip(*kept, strict=True)))
    theirs = fitted.transform(x)
    assert np.array_equal(again.transform(x.copy()), theirs, equal_nan=True)
    assert np.array_equal(again.inverse_transform(theirs.copy()), fitted.inverse_transform(theirs),
                          equal_nan=True)  # fmt: skip


def test_missing_values_are_what_an_imputer_makes_of_them_after_scaling():
    x = RNG.normal(5, 2, (N, 3))
    x[RNG.random((N, 3)) < 0.1] = np.nan
    x[:, 1] = 7.5
    both = make_pipeline(
        StandardScaler(), SimpleImputer(strategy="constant", fill_value=0.0, add_indicator=True)
    )
    theirs = both.fit_transform(x)
    scales = list(zip(both[0].mean_, both[0].scale_, strict=True))
    ours = standardised(x.copy(), scales, [True, False, True])
    assert np.array_equal(ours, theirs.astype(np.float32))
    # A flag that no column of these rows needs is 0, one that is not asked for is not there.
    x[np.isnan(x)] = 0.0
    assert not standardised(x.copy(), scales, [True, False, True])[:, 3:].any()
    assert standardised(x.copy(), scales, [False] * 3).shape == (N, 3)


def test_categories_are_what_an_encoder_fitted_to_the_rows_makes_of_them():
    p = np.geomspace(1, 0.002, 30)
    words = RNG.choice([f"w{k:02}" for k in range(30)], 1000, p=p / p.sum())
    train = Table(("c", "y"), {"c": words.tolist(), "y": ["a", "b"] * 500}, "y")
    encoder = TableEncoder().fit(train)
    theirs = OneHotEncoder(
        min_frequency=10, handle_unknown="infrequent_if_exist", sparse_output=False
    ).fit(words[:, None])
    later = np.array([*words[:100], "never seen"])
    ours = encoder.transform(Table(("c",), {"c": later.tolist()}))
    assert encoder.feature_names[-1] == "c=(other)"
    assert np.array_equal(ours, theirs.transform(later[:, None]))
    # In another order the same columns would be another's.
    assert not np.array_equal(ours[:, ::-1], theirs.transform(later[:, None]))


@pytest.mark.parametrize(
    ("categories", "other", "rows"),
    [
        (("b", "a"), False, [[0, 1], [1, 0], [0, 0], [0, 0]]),
        (("b", "a"), True, [[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 1]]),
        ((), True, [[1], [1], [0], [1]]),
        (("nan", "(other)"), True, [[0, 0, 1], [0, 0, 1], [0, 0, 0], [0, 1, 0]]),
    ],
)
def test_unseen_and_missing_values(categories, other, rows):
    column = CategoryColumn("c", categories, other)
    found = column.encode(Table(("c",), {"c": ["a", "b", None, "(other)"]}))
    assert (found.tolist(), found.dtype) == (rows, np.float32)
    assert len(column.feature_names) == found.shape[1]
    assert one_hot(categories, other).categories[0].tolist()[: len(categories)] == [*categories]


OLD = {
    "format": "chainrule table encoder",
    "version": 1,
    "target": {"name": "y", "task": "regression", "mean": 10.0, "std": 4.0},
    "columns": [
        {"name": "x", "mean": 2.5, "std": 0.5},
        {"name": "c", "categories": ["p", "q"]},
    ],
    "ignored": {},
}
NEWER = OLD | {
    "version": 2,
    "columns": [
        {"kind": "category", "name": "c", "categories": ["p", "q"], "other": True},
        {"kind": "number", "name": "x", "mean": 2.5, "std": 0.5, "flag": True},
        {"kind": "boolean", "name": "b", "no": "no", "yes": "yes"},
        {"kind": "date", "name": "d", "mean": 86_400.0, "std": 43_200.0,
         "parts": ["weekday", "time"], "style": "year-month-day"},
    ],
}  # fmt: skip


def test_files_of_older_versions_are_read():
    values = {"x": ["3", None], "c": ["q", "z"], "b": ["YES", None], "d": ["1970-01-03", None]}
    table = Table(("x", "c", "b", "d"), values)
    first = TableEncoder.from_json(json.dumps(OLD))
    assert first.transform(table).tolist() == [[1, 0, 1], [0, 0, 0]]
    assert first.decode_target([[0.5], [-1]]).tolist() == [[12], [6]]
    second = TableEncoder.from_json(json.dumps(NEWER))
    angle = 2 * np.pi * 2 / 7
    np.testing.assert_allclose(
        second.transform(table),
        [[0, 1, 0, 1, 0, 1, np.sin(angle), np.cos(angle), 2], [0, 0, 1, 0, 1, 0, 0, 0, 0]],
        rtol=1e-6,
    )


# Without scikit-learn


def test_without_scikit_learn_a_line_names_what_to_install():
    code = """
        import sys
        sys.modules["sklearn"] = None
        from chainrule.data import Table, TableEncoder
        from chainrule.errors import MissingPackageError
        words = Table(("c", "y"), {"c": ["p", "q"] * 9, "y": ["a", "b"] * 9}, "y")
        numbers = Table(("x", "y"), {"x": ["1", "2"] * 9, "y": ["a", "b"] * 9}, "y")
        encoder = TableEncoder().fit(words)
        for use in (lambda: encoder.transform(words), lambda: TableEncoder().fit(numbers)):
            try:
                use()
            except MissingPackageError as error:
                print(error)
    """
    said = subprocess.check_output([sys.executable, "-c", textwrap.dedent(code)], text=True)
    assert (
        said.splitlines()
        == [
            "Encoding a table needs the package 'sklearn', which is not installed: "
            "pip install 'chainrule[tables]'"
        ]
        * 2
    )
