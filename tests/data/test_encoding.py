"""From tables to arrays and back: rules, errors, and the JSON that a model file keeps."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import Table, TableEncoder, read_table
from chainrule.data.columns import NumberColumn
from chainrule.data.commas import Marks
from chainrule.data.target import ClassTarget, NumberTarget
from chainrule.errors import ChainruleError, DataError, DtypeError, FileFormatError, OptionError


def table(target: str | None = "y", **columns: list[str | None]) -> Table:
    return Table(tuple(columns), columns, target)


def text_of(error: type[Exception], call) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


TRAIN = table(
    age=["20", "40", None, "60"],
    colour=["red", "blue", "red", None],
    y=["no", "yes", "no", "yes"],
)


# Inputs


def test_numbers_are_standardised_and_missing_is_the_mean():
    X = TableEncoder().fit(TRAIN).transform(TRAIN)
    assert (X.shape, X.dtype) == ((4, 3), np.float32)
    z = 20 / math.sqrt(800 / 3)
    np.testing.assert_allclose(X[:, 0], [-z, 0, 0, z], rtol=1e-6)


def test_categories_are_one_hot_and_missing_is_none():
    encoder = TableEncoder().fit(TRAIN)
    assert encoder.feature_names == ("age", "colour=blue", "colour=red")
    assert encoder.transform(TRAIN)[:, 1:].tolist() == [[0, 1], [1, 0], [0, 1], [0, 0]]


def test_rows_met_later():
    encoder = TableEncoder().fit(TRAIN)
    later = table(None, colour=["green", "red"], age=["1e6", "-20"], extra=["?", "!"])
    X = encoder.transform(later)
    assert X[:, 1:].tolist() == [[0, 0], [0, 1]]
    assert X[0, 0] == pytest.approx((1e6 - 40) / math.sqrt(800 / 3))


def test_columns_of_no_use_are_ignored_with_the_reason():
    n = 120
    train = table(
        x=[str(k) for k in range(n)],
        same=["4"] * n,
        same_or_missing=["4", None] * (n // 2),
        word=["w"] * n,
        nothing=[None] * n,
        name=[f"n{k}" for k in range(n)],
        price=[f"{k},5" for k in range(n)],
        many=[f"m{k % 51}" for k in range(n)],
        y=["a", "b"] * (n // 2),
    )
    encoder = TableEncoder().fit(train)
    assert encoder.feature_names == ("x",)
    assert encoder.ignored == {
        "same": "always 4",
        "same_or_missing": "always 4",
        "word": "always 'w'",
        "nothing": "it has no values",
        "name": "text that is different in every row",
        "price": "text that is different in every row; numbers are written with a decimal point, "
        "1.5 and not 1,5",
        "many": "text with 51 different values, more than 50",
    }


def test_fifty_categories_and_a_ticked_box_are_of_use():
    n = 100
    train = table(
        fifty=[f"c{k % 50}" for k in range(n)],
        ticked=["yes", None] * (n // 2),
        y=["a", "b"] * (n // 2),
    )
    encoder = TableEncoder().fit(train)
    assert len(encoder.feature_names) == 51
    assert encoder.transform(train)[:3, -1].tolist() == [1, 0, 1]


@pytest.mark.parametrize("odd", ["inf", "nan ", "1_000", "12 kg"])
def test_what_is_no_finite_number_makes_categories(odd):
    train = table(x=["1", odd, "1", odd], y=["a", "b", "a", "b"])
    assert TableEncoder().fit(train).feature_names == ("x=1", f"x={odd}")


def test_equal_numbers_in_other_spellings_are_constant():
    train = table(x=["0.1", "1e-1", "0.10"], z=["1", "2", "3"], y=["a", "b", "a"])
    assert TableEncoder().fit(train).ignored == {"x": "always 0.1"}


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_numbers_of_any_size(scale):
    values = [repr(k * scale) for k in (-9, 1, 2, 10)]
    train = table(x=values, y=["a", "b", "a", "b"])
    X = TableEncoder().fit(train).transform(train)
    expected = np.array([-9, 1, 2, 10])
    np.testing.assert_allclose(X[:, 0], (expected - expected.mean()) / expected.std(), atol=1e-6)


def test_numbers_without_a_standard_deviation_in_float64_are_left_out():
    train = table(
        far=["1", "-9e307", "3", "4"],
        near=["0", "5e-324", "0", "0"],
        x=["1", "2", "9", "2"],
        y=["a", "b", "a", "b"],
    )
    assert TableEncoder().fit(train).ignored == {
        "far": "from -9e+307 to 4, too far apart for a standard deviation in float64",
        "near": "it varies by less than float64 can tell",
    }


# Errors of the inputs


def test_text_among_numbers_names_column_line_and_value():
    encoder = TableEncoder().fit(TRAIN)
    later = Table(
        ("age", "colour"), {"age": ["1", "old"], "colour": ["red", "red"]}, None, (2, 7), "p.csv"
    )
    assert text_of(DataError, lambda: encoder.transform(later)) == (
        "p.csv, line 7: column 'age' holds numbers, got 'old'."
    )
    later.columns["age"][1] = "1,5"
    assert text_of(DataError, lambda: encoder.transform(later)) == (
        "p.csv, line 7: column 'age' holds numbers, got '1,5'; numbers are written with a decimal "
        "point, 1.5 and not 1,5."
    )


def test_a_number_with_no_place_in_float32():
    encoder = TableEncoder().fit(TRAIN)
    later = table(None, age=["1", "1e300"], colour=["red", "red"])
    assert text_of(DataError, lambda: encoder.transform(later)) == (
        "table, line 3: column 'age' holds 1e300, which is too far from the training rows' mean 40 "
        "(standard deviation 16.3299) for float32."
    )


def test_missing_columns_are_named():
    encoder = TableEncoder().fit(TRAIN)
    assert text_of(DataError, lambda: encoder.transform(table(None, age=["1"]))) == (
        "table lacks column 'colour', which the training rows had. It has: age."
    )
    assert text_of(DataError, lambda: encoder.transform(table(None, b=["1"], a=["2"]))) == (
        "table lacks columns 'age', 'colour', which the training rows had. It has: b, a."
    )


def test_nothing_left_to_learn_from():
    train = table(k=["1", "1"], y=["a", "b"])
    assert text_of(DataError, lambda: TableEncoder().fit(train)) == (
        "table: no column is left to learn from. Ignored: 'k' (always 1)."
    )
    assert text_of(DataError, lambda: TableEncoder().fit(table(y=["a", "b"]))) == (
        "table: no column is left to learn from. Ignored: none, the target is the only column."
    )


def test_a_fit_that_fails_leaves_the_old_one():
    encoder = TableEncoder().fit(TRAIN)
    before = encoder.to_json()
    text_of(DataError, lambda: encoder.fit(table(k=["1", "1"], y=["a", "b"])))
    assert encoder.to_json() == before


def test_fit_comes_first_and_needs_a_target():
    for use in (
        lambda: TableEncoder().transform(TRAIN),
        lambda: TableEncoder().encode_target(TRAIN),
        lambda: TableEncoder().decode_target([0]),
        lambda: TableEncoder().to_json(),
        lambda: TableEncoder().task,
    ):
        assert text_of(OptionError, use) == (
            "TableEncoder has learned nothing yet: call fit(table) first."
        )
    assert text_of(OptionError, lambda: TableEncoder().fit(table(None, x=["1"]))) == (
        "table names no target; read it with read_csv(path, target=...)."
    )


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("oops", ""),
        ("inf", "; numbers must be finite"),
        ("-Infinity", "; numbers must be finite"),
        ("12.50 €", "; numbers are written without a unit"),
        ("$1,000", "; numbers are written without a unit"),
        (
            "1,000",
            "; numbers are written without a comma between thousands, 1000 and not 1,000",
        ),
        ("0,5", "; numbers are written with a decimal point, 1.5 and not 1,5"),
        ("1_000", ""),
        ("2024-01-05", ""),
    ],
)
def test_one_wrong_cell_does_not_make_numbers_text(cell, hint):
    values: list[str | None] = [f"{k}.5" for k in range(100)]
    values[17] = cell
    good = [f"{k}.25" for k in range(100)]
    said = f"99 of 100 values are numbers, and line 19 holds {cell!r}{hint}. Correct it or "
    assert text_of(DataError, lambda: TableEncoder().fit(table(a=values, y=good))) == (
        f"table: column 'a': {said}leave the cell empty (missing values are filled in)."
    )
    for task in (None, "regression"):
        encoder = TableEncoder(task)
        assert text_of(DataError, lambda e=encoder: e.fit(table(x=good, y=values))) == (
            f"table: column 'y': {said}leave the row out (a target cannot be missing)."
        )
    values[17] = None
    assert TableEncoder().fit(table(a=values, y=good)).feature_names == ("a",)


def test_several_wrong_cells_are_counted_and_empty_ones_are_not():
    y = ["a", "b"] * 5
    train = table(x=["1", "2", "3", "4", "5", "6", "old", None, None, None], y=y)
    assert "6 of 7 values are numbers, and line 8 holds 'old'. Correct it" in text_of(
        DataError, lambda: TableEncoder().fit(train)
    )
    train = table(x=["1", "2", "3", "4", "5", "6", "7", "8", "old", "new"], y=y)
    assert text_of(DataError, lambda: TableEncoder().fit(train)) == (
        "table: column 'x': 8 of 10 values are numbers, and line 10 holds 'old', and 1 more is "
        "none. Correct them or leave the cell empty (missing values are filled in)."
    )


def test_few_numbers_among_texts_are_texts():
    # 7 of 10 are below 80 %; 4 of 5 are too few to tell; and classes may be asked for.
    y = ["a", "b"] * 5
    assert TableEncoder().fit(table(x=["1"] * 7 + ["3+"] * 3, y=y)).feature_names == ("x=1", "x=3+")
    few = table(x=["1", "1", "2", "2", "3+"], y=["a", "b", "a", "b", "a"])
    assert TableEncoder().fit(few).feature_names == ("x=1", "x=2", "x=3+")
    sizes = table(x=[str(k) for k in range(10)], y=["1", "2"] * 4 + ["3+", "3+"])
    assert TableEncoder("classification").fit(sizes).class_names == ("1", "2", "3+")


# Targets


@pytest.mark.parametrize(
    ("values", "task", "names"),
    [
        (["no", "yes", "no"], "classification", ("no", "yes")),
        (["True", "False", "True"], "classification", ("False", "True")),
        (["a", "b"], "classification", ("a", "b")),
        (["0", "1", "1"], "classification", ("0", "1")),  # XOR has four rows
        (["10", "9", "10", "9"], "classification", ("9", "10")),
        (["1.0", "2", "1", "+2"], "classification", ("1", "2")),
        (["-1", "3", "7", "-1", "3", "7"], "classification", ("-1", "3", "7")),
        ([str(k % 20) for k in range(40)], "classification", tuple(map(str, range(20)))),
        ([str(k % 20) for k in range(39)], "regression", ()),
        ([str(k % 21) for k in range(84)], "regression", ()),
        (["1", "2", "3"], "regression", ()),
        (["0.5", "1", "0.5", "1"], "regression", ()),
    ],
)
def test_the_task_is_found_out(values, task, names):
    train = table(x=[str(k) for k in range(len(values))], y=values)
    encoder = TableEncoder().fit(train)
    assert (encoder.task, encoder.class_names, encoder.target) == (task, names, "y")


def test_the_task_may_be_said():
    whole = table(x=["1", "2", "3"], y=["1", "2", "4"])
    assert TableEncoder("classification").fit(whole).class_names == ("1", "2", "4")
    zeros = table(x=["1", "2", "3"], y=["0", "1", "0"])
    assert TableEncoder("regression").fit(zeros).task == "regression"
    halves = table(x=["1", "2", "3"], y=["0.5", "2", "0.50"])
    encoder = TableEncoder("classification").fit(halves)
    assert encoder.class_names == ("0.5", "2")
    assert encoder.encode_target(halves).tolist() == [0, 1, 0]
    assert text_of(OptionError, lambda: TableEncoder("regresion")) == (
        "task 'regresion' is not known. Did you mean 'regression'? Known: classification, "
        "regression."
    )


def test_classes_there_and_back():
    encoder = TableEncoder().fit(TRAIN)
    y = encoder.encode_target(TRAIN)
    assert (y.dtype, y.tolist()) == (np.int64, [0, 1, 0, 1])
    assert encoder.decode_target(y).tolist() == ["no", "yes", "no", "yes"]
    assert encoder.decode_target([[1], [0]]).tolist() == [["yes"], ["no"]]


def test_numbers_there_and_back():
    train = table(x=["1", "2", "4"], y=["100.5", "200.5", "400"])
    encoder = TableEncoder().fit(train)
    y = encoder.encode_target(train)
    assert (y.shape, y.dtype) == ((3,), np.float32)
    assert y.mean() == pytest.approx(0, abs=1e-6)
    assert y.std() == pytest.approx(1)
    back = encoder.decode_target(y[:, None])
    assert (back.shape, back.dtype) == ((3, 1), np.float64)
    np.testing.assert_allclose(back[:, 0], [100.5, 200.5, 400], rtol=1e-6)


def test_missing_targets_name_their_lines():
    holes = table(x=["1"] * 4, y=["a", None, "b", None])
    assert text_of(DataError, lambda: TableEncoder().fit(holes)) == (
        "table: the target 'y' is missing on lines 3, 5. Fill it in, or leave those rows out."
    )
    encoder = TableEncoder().fit(TRAIN)
    assert text_of(DataError, lambda: encoder.encode_target(table(y=[None]))) == (
        "table: the target 'y' is missing on line 2. Fill it in, or leave those rows out."
    )
    many = table(x=["1"] * 12, y=[None] * 12)
    assert "on lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more." in text_of(
        DataError, lambda: TableEncoder().fit(many)
    )


@pytest.mark.parametrize(
    ("values", "task", "text"),
    [
        ([], None, "table: the target 'y' has no rows to learn from."),
        (
            ["1.0", "1"],
            None,
            "table: the target 'y' is 1 in every row: there is nothing to predict.",
        ),
        (
            ["a", "b", "c"],
            None,
            "table: the target 'y' has a different text in each of its 3 rows; classes must "
            "repeat.",
        ),
        (
            ["1,5", "2,5", "3,5"],
            None,
            "table: the target 'y' has a different text in each of its 3 rows; classes must "
            "repeat; numbers are written with a decimal point, 1.5 and not 1,5.",
        ),
        (
            ["1", "much", "3"],
            "regression",
            "table, line 3: the target 'y' of a regression must be a number, got 'much'.",
        ),
        (
            ["0", "5e-324", "0"],
            "regression",
            "table: the target 'y' varies by less than float64 can tell: there is nothing to "
            "learn.",
        ),
        (
            ["0.5", "1e308", "2"],
            None,
            "table: the target 'y' is from 0.5 to 1e+308, too far apart for a standard deviation "
            "in float64. Divide it by a number that suits it.",
        ),
    ],
)
def test_targets_that_cannot_be_learned(values, task, text):
    train = table(x=[str(k) for k in range(len(values))], y=values)
    assert text_of(DataError, lambda: TableEncoder(task).fit(train)) == text


def test_targets_met_later():
    encoder = TableEncoder().fit(TRAIN)
    assert text_of(DataError, lambda: encoder.encode_target(table(y=["no", "maybe"]))) == (
        "table, line 3: the target 'y' is 'maybe', a class that was not among the training rows. "
        "Known: no, yes."
    )
    assert text_of(DataError, lambda: encoder.encode_target(table(None, age=["1"]))) == (
        "table has no column 'y', the target. It has: age."
    )
    numeric = TableEncoder().fit(table(x=["1", "2"], y=["0", "1"]))
    assert numeric.encode_target(table(y=["1.0"])).tolist() == [1]
    assert "is 'one', a class" in text_of(
        DataError, lambda: numeric.encode_target(table(y=["one"]))
    )
    regression = TableEncoder().fit(table(x=["1", "2", "3"], y=["1", "2", "4"]))
    assert text_of(DataError, lambda: regression.encode_target(table(y=["1", "x"]))) == (
        "table, line 3: column 'y' holds numbers, got 'x'."
    )


def test_decoding_what_is_no_class():
    encoder = TableEncoder().fit(TRAIN)
    assert text_of(DtypeError, lambda: encoder.decode_target([0.2, 0.8])) == (
        "decode_target: the target 'y' has classes, so class indices are expected (integers), got "
        "float64; for scores, take the argmax of each row first."
    )
    for bad, shown in (([0, 2], "0 to 2"), ([-1], "-1 to -1")):
        assert text_of(DataError, lambda bad=bad: encoder.decode_target(bad)) == (
            f"decode_target: class indices of 'y' run from 0 to 1, got {shown}."
        )


# JSON

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
CELLS = st.one_of(st.none(), WORDS, st.integers().map(str), st.floats(width=32).map(repr))


@st.composite
def tables(draw):
    rows = draw(st.integers(2, 8))
    names = draw(
        st.lists(WORDS, min_size=1, max_size=4, unique=True).filter(lambda n: "y" not in n)
    )
    number = st.floats(-1e6, 1e6).map(repr)
    columns = {
        name: draw(
            st.lists(
                draw(st.sampled_from([CELLS, number, st.sampled_from(["p", "q", None])])),
                min_size=rows,
                max_size=rows,
            )
        )
        for name in names
    }
    columns["sure"] = [str(k) for k in range(rows)]
    kind = draw(st.sampled_from([st.sampled_from(["0", "1"]), st.sampled_from("uv"), number]))
    y = draw(st.lists(kind, min_size=rows, max_size=rows).filter(lambda v: len(set(v)) > 1))
    return Table((*columns, "y"), {**columns, "y": y}, "y")


@settings(deadline=None)  # a busy machine is no failure
@given(train=tables())
def test_json_round_trip_is_exact(train):
    try:
        encoder = TableEncoder().fit(train)
    except DataError as error:
        refused = str(error)
        encoder = None
    if encoder is None:
        # Spellings of one number in every row, such as 0.0 and -0.0.
        reasons = ("in every row", "less than float64", "values are numbers, and line")
        assert any(reason in refused for reason in reasons)
        return
    text = encoder.to_json()
    again = TableEncoder.from_json(text)
    assert again.to_json() == text
    assert (again.columns, again.ignored) == (encoder.columns, encoder.ignored)
    assert (again.task, again.class_names) == (encoder.task, encoder.class_names)
    assert np.array_equal(again.transform(train), encoder.transform(train))
    y = encoder.encode_target(train)
    assert np.array_equal(again.encode_target(train), y)
    assert np.array_equal(again.decode_target(y), encoder.decode_target(y))


def test_json_is_plain_ascii_without_nan():
    train = table(été=["1", "2", "3", "4"], y=["ü", "b", "ü", "b"])
    text = TableEncoder().fit(train).to_json()
    assert text.isascii()
    assert json.loads(text)["target"]["classes"] == ["b", "ü"]


def changed(**parts: object) -> str:
    return json.dumps({**json.loads(TableEncoder().fit(TRAIN).to_json()), **parts})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "The table encoder is not JSON: Expecting property name"),
        ("[" * 100_000, "The table encoder is not JSON: "),
        (None, "The table encoder is not JSON: the JSON object must be str"),
        ("[]", "This JSON is not a table encoder: no format 'chainrule table encoder' in it."),
        ("{}", "This JSON is not a table encoder: no format 'chainrule table encoder' in it."),
        (
            changed(version=3),
            "The table encoder has version 3, and this chainrule reads versions 1 to 2; a newer "
            "chainrule may read it.",
        ),
        (changed(target={}), "The table encoder is damaged: KeyError 'task'."),
        (changed(version=True), "The table encoder has version True, and this chainrule reads"),
        (changed(columns=[]), "The table encoder is damaged: ValueError no columns."),
        (
            changed(columns=[{"name": "a", "mean": 0, "std": 1}] * 2),
            "The table encoder is damaged: ValueError two columns of one name.",
        ),
        (changed(columns=[{"name": "a"}]), "The table encoder is damaged: KeyError 'mean'."),
        (
            changed(columns=[{"name": 1, "mean": 0, "std": 1}]),
            "The table encoder is damaged: TypeError expected text, got 1.",
        ),
        (
            changed(columns=[{"name": "a", "categories": "red"}]),
            "The table encoder is damaged: TypeError expected a list, got 'red'.",
        ),
        (
            changed(columns=[{"name": "a", "categories": ["red", "red"]}]),
            "The table encoder is damaged: ValueError categories that are none, empty or there "
            "twice: ['red', 'red'].",
        ),
        (
            changed(columns=[{"name": "a", "categories": []}]),
            "The table encoder is damaged: ValueError categories that are none, empty or there "
            "twice: [].",
        ),
        (
            changed(columns=[{"name": "a", "mean": math.nan, "std": 1}]),
            "The table encoder is damaged: TypeError expected a finite number, got nan.",
        ),
        (
            changed(columns=[{"name": "a", "mean": 0, "std": 0}]),
            "The table encoder is damaged: ValueError expected a positive number, got 0.",
        ),
        (
            changed(columns=[{"name": "a", "mean": 10**400, "std": 1}]),
            "The table encoder is damaged: OverflowError ",
        ),
        (changed(ignored=[]), "The table encoder is damaged: AttributeError "),
        (
            changed(columns=[{"kind": "boolean", "name": "b", "no": "yes", "yes": "no"}]),
            "The table encoder is damaged: ValueError words that do not mean no and yes: "
            "'yes', 'no'.",
        ),
    ],
)
def test_broken_json(text, message):
    assert text_of(FileFormatError, lambda: TableEncoder.from_json(text)).startswith(message)


@settings(deadline=None)  # a busy machine is no failure
@given(
    state=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["name", "task", "mean", "std", "classes"]), inner)
        ),
        max_leaves=6,
    ),
    part=st.sampled_from(["target", "columns", "ignored"]),
)
def test_no_json_makes_it_fail_otherwise(state, part):
    text = changed(**{part: state})
    encoder, error = None, None
    try:
        encoder = TableEncoder.from_json(text)
    except ChainruleError as caught:
        error = caught
    if encoder is None:
        assert isinstance(error, FileFormatError)
    else:
        assert isinstance(encoder.to_json(), str)


def test_which_columns_are_read_as_they_are_written(tmp_path):
    days = ["2020-01-01", "2021-02-03"] * 4
    given = table(n=list("31415926"), c=["07", "A"] * 4, d=days, y=["01", "B"] * 4)
    encoder = TableEncoder().fit(given)
    assert encoder.texts == {"c", "d", "y"}
    path = tmp_path / "later.csv"
    path.write_text("n,c,d,y\n01,07,2020-01-01,01\n")
    later = read_table(path, "y", texts=encoder.texts)
    assert later.columns["c"] == ["07"]
    assert encoder.transform(later)[0, 1:3].tolist() == [1, 0]
    assert encoder.encode_target(later).tolist() == [0]
    assert TableEncoder().fit(table(n=list("12345678"), y=list("12341234"))).texts == set()


def test_decimal_commas_are_kept():
    encoder = TableEncoder().fit(TRAIN)
    assert TableEncoder.from_json(encoder.to_json()).marks == Marks()
    encoder.marks = Marks(True, frozenset({"age"}), frozenset({"y"}))
    assert TableEncoder.from_json(encoder.to_json()).marks == encoder.marks


def test_what_is_learned_is_plain_records():
    encoder = TableEncoder().fit(TRAIN)
    assert encoder.columns[0] == NumberColumn("age", 40.0, pytest.approx(math.sqrt(800 / 3)))
    assert ClassTarget("y", ("a",), False).task == "classification"
    assert NumberTarget("y", 0.0, 1.0).class_names == ()
