"""Steps that several threads share: the same numbers, and nobody in anybody's way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_graphs import Case, cases

import chainrule as cr
from chainrule.engine import ReferenceRepeated, Repeated, bells, blocks, crew, loop, sharing
from chainrule.engine.bells import SleepingBell, SpinningBell
from chainrule.engine.crew import Crew
from chainrule.engine.together import SharedSource
from chainrule.engine.turns import Turns

STEPS, ROWS = 3, 12
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
    hand.come = lambda cores: None
    hand.wait = hand.dismiss = hand.leave = lambda: None


@pytest.fixture
def hands_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job is done when it is waited for: the other worst order."""
    kept_to(monkeypatch, here=False)


def kept_to(monkeypatch: pytest.MonkeyPatch, here: bool) -> None:
    """The hands are always here, or never."""

    def of(turns: Any, steps: int) -> Iterator[int]:
        turns._crew.set_here(here)
        yield steps

    monkeypatch.setattr(Turns, "of", of)


def run(case: Case) -> tuple[list[Any], str]:
    """What some steps keep and replace, and their source.

    Inputs that nothing replaces are batches, gathered anew for each step.
    """
    graph, rng = case.graph, np.random.default_rng(0)
    bound = dict(zip(graph.input_names(), map(np.array, case.arrays), strict=True))
    gathered = {
        name: np.concatenate([batch, batch[::-1]])
        for name, batch in bound.items()
        if name not in case.replaces.values() and batch.ndim and len(batch) == ROWS
    }
    kept = {
        place: np.zeros((STEPS, *node.shape), node.dtype)
        for place, node in enumerate(graph.outputs)
        if place not in case.replaces
    }
    steps = Repeated(graph, bound, case.replaces, (), kept, gathered)
    rows = steps.rows or [()] * STEPS
    if gathered:
        rows = [(*row, rng.permutation(2 * ROWS)[:ROWS]) for row in rows]
    with np.errstate(all="ignore"):
        steps.run(iter(rows))
    return [*kept.values(), *bound.values()], steps.source


@quietly
@given(cases())
def together_as_alone(case: Case) -> None:
    with pytest.MonkeyPatch.context() as alone:
        alone.setattr(loop, "threads", lambda: 1)
        expected, _ = run(case)
    found, source = run(case)
    SHARED.append("wait" in source)
    GATHERED.append("partial(" in source)
    # A product of fewer rows may add its entries in another order.
    products = {x.dtype.itemsize for x in case.graph.nodes if x.op and x.op.name == "matmul"}
    within = 1e-3 if 4 in products else 1e-9
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(b, a, rtol=within, atol=within, err_msg=str(case))


SHARED, GATHERED = list[bool](), list[bool]()


@pytest.mark.usefixtures("three_threads")
def test_random_graphs_give_the_same_numbers_by_several_threads() -> None:
    SHARED.clear()
    GATHERED.clear()
    together_as_alone()
    assert np.mean(SHARED) > 0.2
    assert np.mean(GATHERED) > 0.02


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("order", ["hands_first", "hands_last"])
def test_random_graphs_give_the_same_numbers_in_the_worst_orders(
    order: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(order)
    together_as_alone()


@pytest.mark.usefixtures("three_threads", "hands_first")
def test_memory_that_is_used_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: a thread may write where another still has to read."""
    monkeypatch.setattr(sharing, "_in_the_way", lambda *_: False)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        together_as_alone()


@pytest.mark.usefixtures("three_threads", "hands_first")
def test_a_batch_that_is_read_before_its_rows_are_there_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A planted fault: any share gathers a batch, whoever else reads it."""

    def careless(source: Any, batch: np.ndarray) -> Any:
        shares = source._shares.values()
        return next((share for share in shares if share.parts[-1].stop == len(batch)), None)

    monkeypatch.setattr(SharedSource, "_share_that_gathers", careless)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        together_as_alone()


def test_long_graphs_are_shared_without_comparing_all_with_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared, look = [0], np.may_share_memory

    def counted(a: Any, b: Any) -> bool:
        compared[0] += 1
        return look(a, b)

    def deep(x: Any, w: Any) -> Any:
        for _ in range(150):
            x = cr.tanh(x @ w)
        return x

    for name in ("cores", "threads"):
        monkeypatch.setattr(loop, name, lambda: 2)
    monkeypatch.setattr(np, "may_share_memory", counted)
    x, w = np.ones((256, 256)), np.ones((256, 256))
    kept = {0: np.zeros((1, 256, 256))}
    source = Repeated(cr.trace(deep, x, w), {"x": x, "w": w}, {}, (), kept, {"x": x}).source
    assert "partial(" in source
    assert compared[0] < 20 * 300


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
    assert ["matmul(" in source for source in sources] == [True, False]


def test_small_steps_ask_for_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> int:
        raise AssertionError("asked for threads")

    monkeypatch.setattr(loop, "threads", never)
    monkeypatch.setattr(loop, "cores", lambda: 64)
    cr.Sequential(cr.Dense(8, "tanh"), cr.Dense(1, "sigmoid")).fit(*cr.data.gate("xor"), epochs=5)


@pytest.mark.parametrize("threads", [1, 2])
def test_rows_may_come_from_a_generator(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    for name in ("cores", "threads"):
        monkeypatch.setattr(loop, name, lambda: threads)
    x, w = np.ones((256, 256)), np.eye(256)
    kept = {0: np.zeros((2, 256, 256))}
    steps = Repeated(cr.trace(lambda x, w: x @ w, x, w), {"x": x, "w": w}, {}, (), kept, {"x": x})
    steps.run((*row, np.arange(256)) for row in steps.rows)
    assert ("wait" in steps.source) is (threads == 2)
    assert kept[0].all()


def test_no_more_hands_than_have_something_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cores", "threads"):
        monkeypatch.setattr(loop, name, lambda: 64)
    made: list[int] = []
    monkeypatch.setattr(loop, "Crew", lambda threads: made.append(threads) or Crew(threads))
    x, w = np.ones((40, 300)), np.ones((300, 300))  # 65 µs: work for two
    graph = cr.trace(lambda x, w: cr.relu(x @ w), x, w)
    Repeated(graph, {"x": x, "w": w}, {}, (), {0: np.zeros((1, 40, 300))}, {"x": x})
    v = np.ones(3 * blocks.BLOCK)
    graph = cr.trace(lambda v: cr.exp(v) * 2.0 + v, v)
    Repeated(graph, {"v": v}, {}, (), {0: np.zeros((1, v.size))}, {"v": v})
    assert made == [2, 3]


@given(
    size=st.integers(2, 5_000), count=st.integers(2, 8), work=st.floats(1e-6, 1e6),
    kind=st.sampled_from([SleepingBell, SpinningBell]),
)  # fmt: skip
@settings(deadline=None, derandomize=True)
def test_parts_are_all_rows_once_and_longer_for_who_begins_first(
    size: int, count: int, work: float, kind: Any
) -> None:
    count = min(count, size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bells, "kind", lambda: kind)
        found = sharing.parts(size, count, work)
    rows = [row for part in found for row in range(size)[part]]
    assert rows == list(range(size))
    lengths = [part.stop - part.start for part in found]
    assert len(lengths) == count
    assert min(lengths) > 0
    if kind is SleepingBell:
        assert lengths[0] + sharing.WHOLE >= max(lengths)  # each end is rounded
    in_order = np.array(lengths)[np.argsort(kind.starts(count), kind="stable")]
    assert np.all(np.diff(in_order) <= 2 * sharing.WHOLE)
    if size >= 4 * sharing.WHOLE * count:
        assert all(part.start % sharing.WHOLE == 0 for part in found)


def test_who_begins_later_gets_less_so_that_all_end_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bells, "kind", lambda: SleepingBell)
    # 100 µs by two threads, of which one begins 30 µs later: 65 here, 35 there.
    assert sharing.parts(1600, 2, 100.0) == (slice(0, 1040), slice(1040, 1600))
    # Where that is nothing beside the work, the parts are equal.
    assert sharing.parts(1600, 2, 1e9) == (slice(0, 800), slice(800, 1600))
    # Three: 60 here and 30 for each of the others.
    assert sharing.parts(1600, 3, 120.0) == (slice(0, 800), slice(800, 1200), slice(1200, 1600))
    # However little there is to do, everyone gets something.
    assert sharing.parts(1600, 2, 1.0) == (slice(0, 1200), slice(1200, 1600))
    assert sharing.parts(2, 2, 1.0) == (slice(0, 1), slice(1, 2))
    # Who is awake begins at once, and the caller 4 µs later: 48 here and 52 there.
    monkeypatch.setattr(bells, "kind", lambda: SpinningBell)
    assert sharing.parts(1600, 2, 100.0) == (slice(0, 768), slice(768, 1600))
    assert sharing.parts(4000, 2, 100.0) == (slice(0, 1920), slice(1920, 4000))
    # Four: 22 here, and 34, 30 and 26 for the others.
    four = sharing.parts(1120, 4, 112.0)
    assert [part.stop - part.start for part in four] == pytest.approx([220, 340, 300, 260], abs=16)
    # Of very little, nobody's part is less than nothing.
    assert all(part.stop >= part.start for part in sharing.parts(1600, 16, 1.0))
