"""What goes into a checkpoint's file comes out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from chainrule.errors import FileFormatError, OptionError
from chainrule.formats.checkpoint_file import FORMAT, load_checkpoint, save_checkpoint

NUMBERS = st.integers(-(2**200), 2**200) | st.floats(allow_nan=False) | st.none() | st.booleans()
ARRAYS = arrays.arrays(
    st.sampled_from([np.float32, np.float64, np.uint32, np.int64]),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    elements={"allow_nan": False},
)
CONTENT = st.recursive(
    NUMBERS | st.text(max_size=5) | ARRAYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return type(left) is type(right) and left == right


@given(content=st.dictionaries(st.text(max_size=5), CONTENT, max_size=4))
@settings(max_examples=60, deadline=None)
def test_there_and_back(content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("there") / "and_back.safetensors"
    save_checkpoint(file, content)
    assert equal(load_checkpoint(file), content)


def test_names_that_meet(tmp_path: Path) -> None:
    content = {"a": {"b": np.zeros(1)}, "a/b": np.ones(2), "/a/b": np.ones(3)}
    save_checkpoint(tmp_path / "met.safetensors", content)
    assert equal(load_checkpoint(tmp_path / "met.safetensors"), content)


def test_a_broken_description_is_told(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    file = tmp_path / "broken.safetensors"
    for text in ("{", '{"a": {"array of the file": "none"}}'):
        save_file({}, file, metadata={"format": FORMAT, "content": text})
        with pytest.raises(FileFormatError, match="what it says of the training is broken"):
            load_checkpoint(file)
    save_file({}, file, metadata={"format": FORMAT})
    with pytest.raises(FileFormatError, match="what it says of the training is broken"):
        load_checkpoint(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"callbacks": [["Mine", {"seen": {1, 2}}]]}, "callbacks/0/1/seen is of the type set."),
        ({"a": np.array(["text"])}, "a is of the type ndarray."),
        ({"a": 1j}, "a is of the type complex."),
    ],
)
def test_what_no_file_can_hold(content: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message) as raised:
        save_checkpoint(tmp_path / "kept", content)
    assert "Let state() say it by these, and restore() make it of them again." in str(raised.value)
    assert not list(tmp_path.iterdir())
