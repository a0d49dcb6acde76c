"""What all tests share: how their cases are named."""


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case of bytes by its argument: pytest would spell the bytes out.

    Compressed bytes hold the time they were made. Processes that collect the tests within
    different seconds would then know them by different names, and run none.
    """
    return argname if isinstance(val, bytes) else None
