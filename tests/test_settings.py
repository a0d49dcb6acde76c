"""Settings: what is right is handed back, what is wrong is told with who needs what."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from chainrule import settings
from chainrule.errors import OptionError


def test_what_is_right_is_handed_back(tmp_path: Path) -> None:
    assert settings.whole_number("It", "size", 3) == 3
    assert settings.whole_number("It", "size", np.int64(0), least=0) == 0
    assert settings.number("It", "rate", 0.5, above=0.0, most=0.5) == 0.5
    assert settings.number("It", "rate", np.float32(2), least=2.0) == 2.0
    assert settings.folder("It", str(tmp_path / "new")) == tmp_path / "new"
    assert settings.folder("It", tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: settings.whole_number("It", "size", 0), "a whole number of 1 or more, got 0."),
        (lambda: settings.whole_number("It", "size", 2.0), "a whole number of 1 or more, got 2.0."),
        (
            lambda: settings.whole_number("It", "size", True),
            "a whole number of 1 or more, got True.",
        ),
        (lambda: settings.number("It", "size", "1"), "a number, got '1'."),
        (lambda: settings.number("It", "size", None), "a number, got None."),
        (lambda: settings.number("It", "size", math.nan), "a number, got nan."),
        (lambda: settings.number("It", "size", math.inf, above=0.0), "a number above 0, got inf."),
        (lambda: settings.number("It", "size", 0, above=0.0), "a number above 0, got 0."),
        (
            lambda: settings.number("It", "size", 1.5, least=0.0, most=1.0),
            "a number of 0 or more up to 1, got 1.5.",
        ),
    ],
)
def test_what_is_wrong_is_told(make: Callable[[], object], text: str) -> None:
    with pytest.raises(OptionError) as error:
        make()
    assert str(error.value) == f"It needs size to be {text}"


def test_a_function_can_be_called() -> None:
    settings.function("It", "f", len)
    with pytest.raises(OptionError) as error:
        settings.function("It", "f", np.ones(2))
    assert str(error.value) == (
        "It needs f to be a function, got ndarray: write the name of one, or f=lambda x: ..."
    )


def test_a_folder_is_a_path_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"It writes to a folder: give its path, not 3\."):
        settings.folder("It", 3)
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match=r"It writes to a folder, and .*file is a file"):
        settings.folder("It", tmp_path / "file")
