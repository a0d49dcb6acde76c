"""Groups whose processes are threads of a test: what ends them, and calls made at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chainrule.errors import ChainruleError

#: Long enough for any of these events, short enough for a test that fails.
SECONDS = 10.0


class Ended:
    """What ends a process, as tests see it."""

    def __init__(self) -> None:
        self.why: str | None = None
        self._event = threading.Event()

    def __call__(self, process: int, why: str) -> None:
        self.why = why
        self._event.set()

    def wait(self) -> str | None:
        assert self._event.wait(SECONDS)
        return self.why


def together(*calls: Callable[[], Any]) -> list[Any]:
    """The results, or the errors, of calls made at the same time."""

    def caught(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (ChainruleError, KeyboardInterrupt, RuntimeError) as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(caught, calls))
