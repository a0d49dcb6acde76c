"""Addresses for groups on this machine."""

from __future__ import annotations

import socket

import pytest


@pytest.fixture
def address() -> str:
    """A host and a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"127.0.0.1:{found.getsockname()[1]}"
