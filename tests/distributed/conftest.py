"""Addresses for groups on this machine."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

import pytest


@pytest.fixture
def address() -> str:
    """A host and a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"127.0.0.1:{found.getsockname()[1]}"


@pytest.fixture
def alike() -> Callable[[str, str], bool]:
    """Whether a text is as expected, where ``...`` stands for anything within a line."""

    def check(expected: str, text: str) -> bool:
        return re.fullmatch(".*".join(map(re.escape, expected.split("..."))), text) is not None

    return check
