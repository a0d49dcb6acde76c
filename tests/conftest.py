"""What all tests share: how cases are named, and what a busy machine must not change."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: an example may take as long as it takes.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# A shell's job in the background begins with Ctrl-C ignored, and so would all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case of bytes by its argument: pytest would spell the bytes out.

    Compressed bytes hold the time they were made. Processes that collect the tests within
    different seconds would then know them by different names, and run none.
    """
    return argname if isinstance(val, bytes) else None


# How each generator of random numbers that a module of tests holds stood when it was imported.
_BEGINNINGS: dict[int, tuple[np.random.Generator, Any]] = {}


def _begin_again(module: object) -> None:
    for rng in vars(module).values():
        if isinstance(rng, np.random.Generator):
            _, state = _BEGINNINGS.setdefault(id(rng), (rng, rng.bit_generator.state))
            rng.bit_generator.state = state


def pytest_itemcollected(item: pytest.Item) -> None:
    _begin_again(item.module)  # type: ignore[attr-defined]


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> None:
    if request.scope in ("function", "class", "module"):
        _begin_again(request.module)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test draws the same numbers whichever tests ran before it in this process."""
    _begin_again(item.module)  # type: ignore[attr-defined]
    return (yield)
