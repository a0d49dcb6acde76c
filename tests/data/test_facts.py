"""The facts of a table: there and back through JSON, and what is said of damaged ones."""

from __future__ import annotations

import json

import pytest

from chainrule.data.facts import (
    ColumnFacts,
    HardRow,
    Predictions,
    ScoreFacts,
    SplitFacts,
    Suspect,
    TableFacts,
)
from chainrule.errors import FileFormatError

FACTS = TableFacts(
    source="t.csv",
    format="csv",
    rows=10,
    file_bytes=99,
    streamed=False,
    target="y",
    task="classification",
    task_text="Predicting 'y': 2 classes.",
    classes=("nein", "ja ✓"),
    class_counts=(6, 2),
    class_weights=(),
    columns=(
        ColumnFacts("a", "number", "input", "", ("a",), 1, None, 0.0, 2.0, 1.0, 0.5),
        ColumnFacts("b", "category", "left out", "always 'x'", common=(("x", 10),)),
    ),
    split=SplitFacts("stratified", None, 6, 2, 2, "A fifth."),
    scores=(ScoreFacts("network", "the network", "accuracy", 0.5, 0.1, 0.9, "Wilson"),),
    suspects=(Suspect("duplicates", None, 0.5, "1 of 2 rows."),),
    notes=("A note.",),
    predictions=Predictions(
        (2, 9), ("ja ✓", "nein"), ("nein", "nein"), ((0.75, 0.25), (1.0, 0.0)), 2
    ),
    hardest=(HardRow(2, {"a": "1", "b": ""}, "ja ✓", "nein", 1.4),),
)


def test_there_and_back():
    again = TableFacts.from_json(FACTS.to_json())
    assert again == FACTS
    assert isinstance(again.columns[0], ColumnFacts)
    assert again.columns[1].common == (("x", 10),)


def changed(**parts):
    state = json.loads(FACTS.to_json())
    return json.dumps(state | parts)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "The table's facts are not JSON: Expecting property name"),
        ("[]", "This JSON is none of a table's facts: no format 'chainrule table facts'."),
        (
            changed(version=9),
            "The table's facts have version 9, and this chainrule reads version 1; a newer "
            "chainrule may read them.",
        ),
        (changed(facts={}), "The table's facts are damaged: TypeError "),
        (changed(facts=[]), "The table's facts are damaged: TypeError "),
        (changed(facts={"columns": 3}), "The table's facts are damaged: TypeError "),
    ],
)
def test_damaged_facts(text, message):
    with pytest.raises(FileFormatError) as caught:
        TableFacts.from_json(text)
    assert str(caught.value).startswith(message)
