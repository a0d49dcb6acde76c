"""What all tests share: how cases are named, and what a busy machine must not change."""

from __future__ import annotations

import signal

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
