"""Steps that several threads share: the same numbers, and nobody in anybody's way."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from random_graphs import Case, cases
from threadpoolctl import ThreadpoolController

import chainrule as cr
from chainrule.engine import Repeated, blocks, crew, loop, sharing
from chainrule.engine.crew import Crew, one_blas_thread

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
    monkeypatch.setattr(sharing, "ROWS", 1)
    monkeypatch.setattr(blocks, "BLOCK", 3)


@pytest.fixture
def hands_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job is done the moment it is handed over: the worst order there is, every time."""
    monkeypatch.setattr(crew.Hand, "__init__", _at_once)


def _at_once(hand: Any) -> None:
    hand.start = lambda job: job and job()
    hand.wait = lambda: None
    hand.work = hand.check = hand.forget = lambda: None


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
