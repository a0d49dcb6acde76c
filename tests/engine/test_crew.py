"""The crew: threads that come and go, take jobs, and keep to cores of their own."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from chainrule.engine import bells, blas, crew
from chainrule.engine.bells import SleepingBell, SpinningBell
from chainrule.engine.crew import Crew


@pytest.fixture(autouse=True, params=[SleepingBell, SpinningBell])
def each_kind_of_bells(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param is not bells.kind() is SleepingBell:
        pytest.skip("this system's C library has no spin locks")
    monkeypatch.setattr(bells, "kind", lambda: request.param)


def blas_threads() -> list[int]:
    libraries = ThreadpoolController().lib_controllers
    return [lib.num_threads for lib in libraries if lib.user_api == "blas"]


def test_an_interrupt_between_start_and_wait_leaves_no_thread_and_no_result() -> None:
    team, done = Crew(2), threading.Event()
    hand = team.hands[0]

    def interrupted() -> None:
        with team.at_work():
            team.set_here(True)
            hand.start(lambda: done.wait(0.05))
            raise KeyboardInterrupt

    count = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert threading.active_count() == count
    result: list[int] = []
    with team.at_work():
        team.set_here(True)
        hand.start(lambda: result.append(1))
        hand.wait()
        assert result == [1]


@pytest.mark.parametrize("when", ["limit", "restore_original_limits"])
def test_ctrl_c_while_blas_is_held_back_or_let_go_leaves_nothing_half_done(
    monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """SIGINT comes after BLAS's threads were set, and before that is noted anywhere."""
    controller, ran = ThreadpoolController(), list[bool]()
    limiter = type(controller.limit(limits=None))
    place = limiter if when.startswith("restore") else type(controller)
    function, came = getattr(place, when), list[int]()

    def interrupted(*given: Any, **options: Any) -> Any:
        if when.startswith("restore") and not came:
            came.append(1)
            signal.raise_signal(signal.SIGINT)
        result = function(*given, **options)
        if not came:
            came.append(1)
            signal.raise_signal(signal.SIGINT)
        return result

    with controller.limit(limits=2, user_api="blas"), monkeypatch.context() as patch:
        count = threading.active_count()
        patch.setattr(place, when, interrupted)
        with pytest.raises(KeyboardInterrupt), Crew(2).at_work():
            ran.append(True)
        assert max(blas_threads()) == 2
        assert threading.active_count() == count
    assert ran == ([True] if when.startswith("restore") else [])


@pytest.mark.parametrize("here", [True, False])
def test_what_a_job_raises_is_raised_by_who_waits_for_it(here: bool) -> None:
    team, hand = Crew(2), None
    with pytest.raises(ZeroDivisionError), team.at_work():  # noqa: PT012
        team.set_here(here)
        hand = team.hands[0]
        hand.start(lambda: 1 / 0)
        hand.wait()
        pytest.fail("the steps went on")
    with team.at_work():  # and is forgotten then
        assert hand is not None
        team.set_here(here)
        hand.start(lambda: None)
        hand.wait()


def test_an_interrupt_while_the_threads_begin_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    team, count, start = Crew(3), threading.active_count(), threading.Thread.start
    begun: list[threading.Thread] = []

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        begun.append(thread)
        if len(begun) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), team.at_work():
        team.set_here(True)
    assert threading.active_count() == count
    result: list[int] = []
    with team.at_work():
        team.set_here(True)
        for hand in team.hands:
            hand.start(lambda: result.append(1))
            hand.wait()
    assert result == [1, 1]


def test_a_thread_that_begins_after_it_was_dismissed_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception came out of ``Thread.start`` while the thread was about to begin."""
    began, late = threading.Event(), list[threading.Thread]()

    def interrupted(thread: threading.Thread) -> None:
        def run() -> None:
            began.wait()
            thread.run()

        late.append(threading.Thread(target=run, daemon=True))
        start(late[-1])
        raise TimeoutError

    start = threading.Thread.start
    team = Crew(2)
    with monkeypatch.context() as patch, pytest.raises(TimeoutError), team.at_work():  # noqa: PT012
        patch.setattr(threading.Thread, "start", interrupted)
        team.set_here(True)
    result: list[int] = []
    with team.at_work():  # it is of no matter to those who come then
        team.set_here(True)
        began.set()
        late[0].join(5)
        assert not late[0].is_alive()
        team.hands[0].start(lambda: result.append(1))
        team.hands[0].wait()
    assert result == [1]


def test_what_ends_a_hand_before_its_first_job_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else could end a wait that spins."""

    def failing(_: set[int]) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise MemoryError("no place")

    monkeypatch.setattr(crew, "_keep_to", failing)
    team = Crew(2)
    with pytest.raises(MemoryError, match="no place"), team.at_work():  # noqa: PT012
        team.set_here(True)
        team.hands[0].start(lambda: None)
        team.hands[0].wait()


@pytest.mark.parametrize(
    ("told", "most"),
    [("max 100000", 4), ("150000 100000", 1), ("300000 100000", 3), ("50000 100000", 1), ("", 4)],
)
def test_a_containers_share_of_the_processor_counts(
    told: str, most: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """More threads than that would only bring the moment when the system stops them all."""
    file = tmp_path / "cpu.max"
    if told:
        file.write_text(told + "\n")
    monkeypatch.setattr(crew, "_cores", lambda: {0, 1, 2, 3})
    monkeypatch.setattr(crew, "CPU_MAX", file)
    crew._quota.cache_clear()
    try:
        assert crew.cores() == most
    finally:
        crew._quota.cache_clear()


def test_jobs_compute_without_warnings_like_the_step_itself() -> None:
    team = Crew(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with team.at_work():
            team.set_here(True)
            team.hands[0].start(lambda: np.exp(np.full(1000, 1e4)))
            team.hands[0].wait()


def test_without_threadpoolctl_blas_keeps_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "cores", lambda: 4)
    monkeypatch.setattr(blas, "_controller", lambda: None)
    assert crew.threads() == 1


def test_no_more_threads_than_blas_would_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "cores", lambda: 4)
    with ThreadpoolController().limit(limits=1, user_api="blas"):
        assert crew.threads() == 1
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        assert crew.threads() == 2


def test_a_step_is_planned_alike_while_another_training_holds_blas_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crew, "cores", lambda: 4)
    with ThreadpoolController().limit(limits=2, user_api="blas"), blas.on_one_thread():
        assert set(blas_threads()) == {1}
        assert crew.threads() == 2


class Places:
    """Where each thread was told to run: what Linux would do with four cores."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: dict[str, list[set[int]]] = {}
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 3, 5, 7}, raising=False)
        monkeypatch.setattr(os, "sched_setaffinity", self.tell, raising=False)

    def tell(self, _: int, cores: set[int]) -> None:
        is_main = threading.current_thread() is threading.main_thread()
        self.told.setdefault("caller" if is_main else "hand", []).append(set(cores))


def test_each_thread_keeps_to_cores_of_its_own_while_the_hands_are_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places, team = Places(monkeypatch), Crew(2)
    with team.at_work():
        team.set_here(True)
        team.hands[0].start(lambda: None)
        team.hands[0].wait()
        assert places.told == {"hand": [{5, 7}], "caller": [{2, 3}]}
        team.set_here(False)
        assert places.told["caller"][-1] == {2, 3, 5, 7}
        team.set_here(True)
    assert places.told == {"hand": [{5, 7}] * 2, "caller": [{2, 3}, {2, 3, 5, 7}] * 2}


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_the_caller_gets_its_cores_back_whatever_happens(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    places, team = Places(monkeypatch), Crew(2)
    with pytest.raises(error), team.at_work():  # noqa: PT012
        team.set_here(True)
        raise error
    assert places.told["caller"] == [{2, 3}, {2, 3, 5, 7}]


def test_more_threads_than_cores_go_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    places, team = Places(monkeypatch), Crew(6)
    with team.at_work():
        team.set_here(True)
    assert sorted(map(sorted, places.told["hand"])) == [[3], [5], [7]]


def test_cores_that_may_not_be_chosen_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_: int, cores: set[int]) -> None:
        raise PermissionError(1, "Operation not permitted")

    Places(monkeypatch)
    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    team, result = Crew(2), list[int]()
    with team.at_work():
        team.set_here(True)
        team.hands[0].start(lambda: result.append(1))
        team.hands[0].wait()
    assert result == [1]


def test_where_the_system_tells_no_cores_all_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    assert crew.cores() == (os.cpu_count() or 1)
    team, result = Crew(3), list[int]()
    with team.at_work():
        team.set_here(True)
        for hand in team.hands:
            hand.start(lambda: result.append(1))
        for hand in team.hands:
            hand.wait()
    assert result == [1, 1]


def test_a_hand_that_is_away_leaves_its_job_to_who_waits() -> None:
    team, done = Crew(2), list[bool]()

    def job() -> None:
        done.append(threading.current_thread() is threading.main_thread())

    with team.at_work():
        for here in (True, False, True):
            team.set_here(here)
            team.hands[0].start(job)
            team.hands[0].wait()
    assert done == [False, True, False]


def test_threads_are_there_while_they_are_needed_and_no_longer() -> None:
    """A hand that waits keeps its core busy."""
    team, count = Crew(3), threading.active_count()
    with team.at_work():
        for here in (False, True, True, False, True):
            team.set_here(here)
            assert threading.active_count() == count + 2 * here
    assert threading.active_count() == count
    with team.at_work():
        done: list[int] = []
        team.hands[0].start(lambda: done.append(1))  # nobody is here: the caller does it
        team.hands[0].wait()
        assert done == [1]
        assert threading.active_count() == count
