"""Steps that several threads share: the same numbers, and nobody in anybody's way."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from random_graphs import Case, cases
from threadpoolctl import ThreadpoolController

import chainrule as cr
from chainrule.engine import ReferenceRepeated, Repeated, blocks, crew, loop, sharing
from chainrule.engine.crew import Crew, one_blas_thread
from chainrule.engine.turns import Turns

STEPS = 3
quietly = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    max_examples=300,
    derandomize=True,
    phases=[Phase.generate],
)


@pytest.fixture
def three_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three threads share whatever can be shared, however small."""
    monkeypatch.setattr(loop, "cores", lambda: 3)
    monkeypatch.setattr(loop, "threads", lambda: 3)
    monkeypatch.setattr(sharing, "PART", 1e-12)
    monkeypatch.setattr(sharing, "PASS", 0.0)
    monkeypatch.setattr(sharing, "ROWS", 1)
    monkeypatch.setattr(blocks, "BLOCK", 3)


@pytest.fixture
def hands_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job is done the moment it is handed over: the worst order there is, every time."""
    monkeypatch.setattr(crew.Hand, "__init__", _at_once)


def _at_once(hand: Any) -> None:
    hand.start = lambda job: job()
    hand.work = lambda cores: None
    hand.wait = hand.dismiss = hand.check = hand.forget = lambda: None


def run(case: Case) -> tuple[list[Any], bool]:
    """What some steps keep and replace, and whether anything was shared."""
    graph = case.graph
    bound = dict(zip(graph.input_names(), map(np.array, case.arrays), strict=True))
    kept = {
        place: np.zeros((STEPS, *node.shape), node.dtype)
        for place, node in enumerate(graph.outputs)
        if place not in case.replaces
    }
    steps = Repeated(graph, bound, case.replaces, (), kept)
    with np.errstate(all="ignore"):
        steps.run(iter(steps.rows))
    return [*kept.values(), *bound.values()], "wait" in steps.source


@quietly
@given(cases())
def together_as_alone(case: Case) -> None:
    with pytest.MonkeyPatch.context() as alone:
        alone.setattr(loop, "threads", lambda: 1)
        expected, _ = run(case)
    found, shared = run(case)
    SHARED.append(shared)
    for a, b in zip(expected, found, strict=True):
        # A product of fewer rows may add its entries in another order.
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-9, err_msg=str(case))


SHARED: list[bool] = []


@pytest.mark.usefixtures("three_threads")
def test_random_graphs_give_the_same_numbers_by_several_threads() -> None:
    SHARED.clear()
    together_as_alone()
    assert np.mean(SHARED) > 0.2


@pytest.mark.usefixtures("three_threads", "hands_first")
def test_random_graphs_give_the_same_numbers_in_the_worst_order() -> None:
    together_as_alone()


@pytest.mark.usefixtures("three_threads", "hands_first")
def test_memory_that_is_used_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: a thread may write where another still has to read."""
    monkeypatch.setattr(sharing, "_in_the_way", lambda *_: False)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        together_as_alone()


def network(units: int = 512, rows: int = 256) -> tuple[cr.Sequential, np.ndarray, np.ndarray]:
    """A network whose steps have enough for two threads to do, and data for it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 200)).astype(np.float32)
    net = cr.Sequential(cr.Dense(units, "relu"), cr.Dense(units, "relu"), cr.Dense(3, "softmax"))
    return net, X, rng.integers(3, size=rows)


def trained(threads: int, monkeypatch: pytest.MonkeyPatch, **options: Any) -> cr.Sequential:
    monkeypatch.setattr(loop, "cores", lambda: threads)
    monkeypatch.setattr(loop, "threads", lambda: threads)
    net, X, y = network()
    net.fit(X, y, epochs=3, batch_size=100, seed=1, **options)
    return net


def test_a_network_trained_by_two_threads_is_the_one_trained_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two, again = (trained(n, monkeypatch, optimizer=cr.SGD(0.1)) for n in (1, 2, 2))
    for name, array in two.parameters.items():
        np.testing.assert_allclose(array, one.parameters[name], rtol=1e-3, atol=1e-5)
        assert array.tobytes() == again.parameters[name].tobytes()


def kept_to(monkeypatch: pytest.MonkeyPatch, here: bool) -> None:
    """The hands are always here, or never."""

    def of(turns: Any, steps: int) -> Iterator[int]:
        turns._crew.set_here(here)
        yield steps

    monkeypatch.setattr(Turns, "of", of)


def test_whoever_does_the_jobs_the_bits_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = trained(2, monkeypatch)
    for here in (True, False):
        kept_to(monkeypatch, here)
        for name, array in trained(2, monkeypatch).parameters.items():
            assert array.tobytes() == tried.parameters[name].tobytes(), (name, here)


def test_each_thread_gathers_the_rows_that_it_goes_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    def gathers(threads: int) -> tuple[int, int]:
        """How many batches are gathered by the loop itself, and how often a hand is given rows."""
        sources: list[str] = []
        with monkeypatch.context() as patch:
            patch.setattr(loop, "cores", lambda: threads)
            patch.setattr(loop, "threads", lambda: threads)
            made = loop.Repeated.__init__

            def init(steps: Any, *given: Any, **options: Any) -> None:
                made(steps, *given, **options)
                sources.append(steps.source)

            patch.setattr(loop.Repeated, "__init__", init)
            net, X, y = network(units=300)
            net.fit(X, y, epochs=1, batch_size=128, seed=1)
        body = sources[0].split("in rows:")[1]
        return body.count("(i, 0, "), body.count("partial(")

    assert gathers(1) == (2, 0)
    assert gathers(2) == (1, 1)  # y alone: X is gathered by the jobs that multiply it


def test_a_batch_that_is_needed_whole_is_gathered_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where other rows of a batch are read as well, or by others, no job gathers it."""
    monkeypatch.setattr(loop, "cores", lambda: 2)
    monkeypatch.setattr(loop, "threads", lambda: 2)
    rng = np.random.default_rng(0)
    data, w = rng.normal(size=(500, 300)), rng.normal(size=(300, 300))

    batches = [rng.permutation(500)[:300] for _ in range(2)]

    def made(kind: Any, step: Any) -> tuple[np.ndarray, Any]:
        x, kept = np.zeros((300, 300)), {0: np.zeros((2, 300, 300))}
        graph = cr.trace(step, x, w)
        steps = kind(graph, {"x": x, "w": w}, {}, (), kept, {"x": data})
        steps.run(iter([(*row, i) for row, i in zip(steps.rows, batches, strict=True)]))
        return kept[0], steps

    for step, by_jobs in (
        (lambda x, w: cr.tanh(x @ w), True),
        (lambda x, w: x @ w + x, True),
        (lambda x, w: x @ w + x.T, False),
        (lambda x, w: x.T @ w, False),
        (lambda x, w: x @ w + cr.sum(x * x), True),  # a pass first; read whole later
        (lambda x, w: w @ x, False),
    ):
        (found, steps), (expected, _) = made(Repeated, step), made(ReferenceRepeated, step)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
        assert ("partial(" in steps.source) is by_jobs, steps.source


def test_what_is_shared_is_the_large_and_what_follows_it() -> None:
    sources = []
    for threads in (1, 2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "cores", lambda threads=threads: threads)
            patch.setattr(loop, "threads", lambda threads=threads: threads)
            x, w = np.zeros((2048, 256), np.float32), np.zeros((256, 256), np.float32)
            graph = cr.trace(lambda x, w: cr.relu(x @ w + 1.0) * 2.0, x, w)
            kept = {0: np.zeros((1, 2048, 256), np.float32)}
            sources.append(Repeated(graph, {"x": x, "w": w}, {}, (), kept).source)
    assert ["wait" in source for source in sources] == [False, True]
    assert ["_dot(" in source for source in sources] == [True, False]


def test_small_steps_ask_for_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> int:
        raise AssertionError("asked for threads")

    monkeypatch.setattr(loop, "threads", never)
    monkeypatch.setattr(loop, "cores", lambda: 64)
    cr.Sequential(cr.Dense(8, "tanh"), cr.Dense(1, "sigmoid")).fit(*cr.data.gate("xor"), epochs=5)


def blas_threads() -> list[int]:
    libraries = ThreadpoolController().lib_controllers
    return [lib.num_threads for lib in libraries if lib.user_api == "blas"]


def test_blas_is_held_to_one_thread_and_let_go_by_the_last() -> None:
    before = blas_threads()
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        first, second = one_blas_thread(), one_blas_thread()
        first.__enter__()
        second.__enter__()
        assert set(blas_threads()) == {1}
        first.__exit__(None, None, None)
        assert set(blas_threads()) == {1}
        second.__exit__(None, None, None)
        assert max(blas_threads()) == 2
    assert blas_threads() == before


def test_an_interrupt_between_start_and_wait_leaves_no_thread_and_no_result() -> None:
    team, done = Crew(2), threading.Event()
    hand = team.hands[0]

    def interrupted() -> None:
        with team.at_work():
            hand.start(lambda: done.wait(0.05))
            raise KeyboardInterrupt

    count = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert threading.active_count() == count
    result: list[int] = []
    with team.at_work():
        hand.start(lambda: result.append(1))
        hand.wait()
        assert result == [1]


def test_what_a_job_raises_is_raised_here() -> None:
    team = Crew(2)
    with pytest.raises(ZeroDivisionError), team.at_work():  # noqa: PT012
        team.hands[0].start(lambda: 1 / 0)
        team.hands[0].wait()


def test_jobs_compute_without_warnings_like_the_step_itself() -> None:
    team = Crew(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with team.at_work():
            team.hands[0].start(lambda: np.exp(np.full(1000, 1e4)))
            team.hands[0].wait()


def test_without_threadpoolctl_blas_keeps_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "cores", lambda: 4)
    monkeypatch.setattr(crew, "_controller", lambda: None)
    assert crew.threads() == 1


def test_no_more_threads_than_blas_would_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "cores", lambda: 4)
    with ThreadpoolController().limit(limits=1, user_api="blas"):
        assert crew.threads() == 1
    with ThreadpoolController().limit(limits=2, user_api="blas"):
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
    assert places.told == {"hand": [{5, 7}], "caller": [{2, 3}, {2, 3, 5, 7}] * 2}


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
