"""BLAS's threads are held to one by any number of threads, and let go by the last."""

from __future__ import annotations

import threading
from typing import Any

from threadpoolctl import ThreadpoolController

from chainrule.engine import blas


def threads_now() -> list[int]:
    libraries = ThreadpoolController().lib_controllers
    return [lib.num_threads for lib in libraries if lib.user_api == "blas"]


def test_blas_is_held_to_one_thread_and_let_go_by_the_last() -> None:
    before = threads_now()
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        first, second = blas.on_one_thread(), blas.on_one_thread()
        first.__enter__()
        second.__enter__()
        assert set(threads_now()) == {1}
        first.__exit__(None, None, None)
        assert set(threads_now()) == {1}
        second.__exit__(None, None, None)
        assert max(threads_now()) == 2
    assert threads_now() == before


def in_a_thread(function: Any) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_any_thread_may_hold_blas_back_and_any_other_let_it_go() -> None:
    with ThreadpoolController().limit(limits=2, user_api="blas"):  # set by this thread
        holds = blas.on_one_thread()
        in_a_thread(holds.__enter__)
        assert set(threads_now()) == {1}
        in_a_thread(lambda: holds.__exit__(None, None, None))
        assert max(threads_now()) == 2
