"""A planned step: what it allocates, what its source is like; what compiled graphs refuse."""

from __future__ import annotations

import ast
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from engine_checks import assert_engines_agree
from random_graphs import same_bits

import chainrule as cr
from chainrule.engine import Program
from chainrule.engine.lower import Writer
from chainrule.engine.memory import ALIGNMENT
from chainrule.errors import DtypeError, OptionError, ShapeError
from chainrule.graph.graph import Graph

RNG = np.random.default_rng(5)
X = RNG.standard_normal((20, 20))
SHAPES = {"W1": (784, 100), "b1": (100,), "W2": (100, 10), "b2": (10,)}
BATCH = 512
# NumPy itself casts and broadcasts through buffers of so many entries, given back at once; they are
# made small here, so that they do not hide an array.
BUFFER = 512
HIDDEN = BATCH * 100 * 4


def training_step() -> tuple[Graph, dict[str, np.ndarray]]:
    """784-100-10, softmax cross-entropy, momentum: what a fit runs thousands of times."""
    arrays = {name: 0.05 * RNG.standard_normal(shape) for name, shape in SHAPES.items()}
    arrays |= {f"m{name}": np.zeros(shape) for name, shape in SHAPES.items()}
    arrays |= {"x": RNG.standard_normal((BATCH, 784)), "t": RNG.integers(0, 10, BATCH)}
    arrays = {k: a.astype(np.float32) if a.dtype.kind == "f" else a for k, a in arrays.items()}
    arrays["rate"] = np.array(0.1, np.float32)

    def step(W1: Any, b1: Any, W2: Any, b2: Any, *rest: Any) -> Any:
        *memory, x, t, rate = rest

        def loss(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
            hidden = cr.relu(x @ W1 + b1)
            return cr.mean(cr.softmax_cross_entropy(hidden @ W2 + b2, t))

        parameters = (W1, b1, W2, b2)
        value, gradients = cr.value_and_grad(loss, wrt=(0, 1, 2, 3))(*parameters)
        memory = [0.9 * m + g for m, g in zip(memory, gradients, strict=True)]
        new = [p - rate * m for p, m in zip(parameters, memory, strict=True)]
        return *new, *memory, value

    named = [cr.tensor(array, name=name) for name, array in arrays.items()]
    return cr.trace(step, *named).simplify(), arrays


@pytest.fixture(scope="module")
def step() -> tuple[Program, Graph, dict[str, np.ndarray]]:
    graph, arrays = training_step()
    replaces = dict(enumerate(list(arrays)[:8]))
    return Program(graph, arrays, replaces), graph, arrays


def test_a_planned_step_allocates_nothing(step: Any) -> None:
    program, _, arrays = step
    program.run()
    usual = np.setbufsize(BUFFER)
    tracemalloc.start()
    try:
        program.run()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(5):
            program.run()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        np.setbufsize(usual)
    assert peak - before < BUFFER * (8 + 8 + 4) + 2048 < HIDDEN / 10
    assert after - before < 1000
    assert np.isfinite(arrays["W1"]).all()


def test_the_allocation_test_can_fail() -> None:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        np.zeros((BATCH, 100), np.float32) + 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before >= HIDDEN


def test_buffers_are_far_smaller_than_all_intermediate_results(step: Any) -> None:
    program, graph, _ = step
    made = [node for node in graph.nodes if node.inputs and not node.op.is_view]
    everything = sum(node.size * node.dtype.itemsize for node in made)
    assert program.nbytes < everything / 3
    # The gradient of W1, the hidden layer and its gradient are needed at once; the rest is small.
    assert program.nbytes < 1.25 * (784 * 100 * 4 + 2 * HIDDEN)


def test_a_long_chain_lives_in_one_buffer() -> None:
    def chain(x: Any) -> Any:
        for _ in range(50):
            x = cr.tanh(x) * 1.5
        return x

    program = Program(cr.trace(chain, X), {"x": X.copy()}, {})
    assert program.nbytes <= X.nbytes + ALIGNMENT


def test_buffers_are_aligned(step: Any) -> None:
    program, _, _ = step
    assert program.outputs[-1].ctypes.data % ALIGNMENT == 0


def test_source_has_only_calls_of_local_names(step: Any) -> None:
    program, _, _ = step
    (function,) = ast.parse(program.source).body
    assert isinstance(function, ast.FunctionDef)
    arguments = {argument.arg for argument in function.args.args}
    *calls, last = function.body
    assert ast.unparse(last) == "return None"
    assert len(calls) > 20
    for node in (inner for line in calls for inner in ast.walk(line)):
        assert not isinstance(node, ast.Attribute | ast.Subscript | ast.Dict)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            arguments.add(node.id)  # a number
        elif isinstance(node, ast.Name):
            assert node.id in arguments, f"{node.id} is not local to the step"
    for line in calls:
        is_number = isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)
        assert is_number or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Call))


def test_swapping_needs_no_look_ups_either() -> None:
    bound = {"a": X.copy(), "b": X + 1}
    program = Program(cr.trace(lambda a, b: (b, a), X, X), bound, {0: "a", 1: "b"})
    tree = ast.parse(program.source)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]


def test_what_nobody_reads_is_not_computed() -> None:
    program = Program(cr.trace(lambda x: cr.astype(x > 0, "float64") * x, X), {"x": X}, {})
    assert program.source.count("greater(") == 1


def test_the_same_part_of_two_ops_is_computed_once(step: Any) -> None:
    program, _, _ = step  # the labels become ones and zeros in the loss and in its derivative
    assert program.source.count(" equal(") == 1


def test_outputs_of_ops_that_are_not_opened_lie_in_outputs() -> None:
    def function(x: Any) -> Any:
        return cr.argmax(x, 1), cr.sum(x), cr.where(x > 0, x, -x), x[np.array([1, 0])].T

    bound = {"x": X.copy()}
    program = Program(cr.trace(function, X), bound, {})
    program.run()
    expected = cr.trace(function, X).compile("reference")(X)
    assert all(same_bits(a, b) for a, b in zip(expected, program.outputs, strict=True))
    first = program.outputs[0]
    bound["x"][...] = -X
    program.run()
    assert program.outputs[0] is first
    assert same_bits(first, np.argmax(-X, 1))


FREE: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "one entry of a vector": (lambda x: (x * 2)[3, 1] + 0.5, (X,)),
    "a number from a vector": (lambda x: cr.exp(x[0] * 2)[1] * 3, (X,)),
    "reversed, then reshaped": (lambda x: (x * 2)[::-1].reshape(-1) * 1.5, (X,)),
    "every other, then reshaped": (lambda x: (x * 2)[::2].reshape(5, -1) * 1.5, (X,)),
    "a part read after its join": (
        lambda x: (a := x * 2, cr.exp(cr.concatenate([a, x * 3]) + 1) * 2, a * 5)[1:],
        (X,),
    ),
    "the same part twice": (lambda x: cr.concatenate([cr.exp(x)] * 2) * 2, (X,)),
    "a part and its transpose": (lambda x: (a := x * 2, cr.concatenate([a.T, a]))[1], (X,)),
    "two joins of one part": (
        lambda x: (a := x * 2, cr.concatenate([a, x]), cr.concatenate([x, a]))[1:],
        (X,),
    ),
    "softmax of a transpose": (lambda x: cr.softmax(x.T), (X,)),
    "variance of a transpose": (lambda x: cr.var(x.T, 1), (X,)),
    "input as output": (lambda x: x, (X,)),
    "view of input as output": (lambda x: x[::-1].T, (X,)),
    "constant as output": (lambda x: (np.ones(3), np.float32(2)), (X,)),
    "one node twice": (lambda x: (x + 1,) * 2, (X,)),
    "no input at all": (lambda: cr.tensor([1.0, 2.0]) * 2, ()),
    "labels in an index without axes": (lambda x, i: (x * 2)[i] * 3, (X, np.array(4))),
    "empty": (lambda x: (cr.exp(x), cr.sum(x, 0), cr.concatenate([x, x])), (np.zeros((0, 3)),)),
}


@pytest.mark.parametrize("name", FREE)
def test_compiled_graphs_that_once_went_wrong_or_might(name: str) -> None:
    function, arrays = FREE[name]
    assert_engines_agree(cr.trace(function, *arrays), [array.copy() for array in arrays])


def test_results_of_one_call_survive_the_next() -> None:
    run = cr.trace(lambda x: {"new": cr.tanh(x) * 2, "same": x}, X).compile()
    first = run(X)
    kept = {name: array.copy() for name, array in first.items()}
    run(X + 1)
    assert all(same_bits(first[name], kept[name]) for name in kept)
    assert not np.shares_memory(first["same"], X)


def test_large_constants_stay_apart() -> None:
    # Only small constants are known by their contents; large ones were once known by an id that a
    # later array could get.
    writer = Writer()
    slots = [writer.arange(n) for n in range(100, 200)]
    assert [slot.size for slot in slots] == list(range(100, 200))


def test_large_constants_are_kept_alive() -> None:
    writer = Writer()
    given = np.arange(100.0)
    writer.constant(given)
    assert any(kept is given for kept in writer._alive)


def test_thousands_of_nodes() -> None:
    def long(x: Any) -> Any:
        kept = x
        for i in range(3000):
            x = cr.sin(x + kept) if i % 7 else x * 0.5
        return x

    assert_engines_agree(cr.trace(long, X[0]), [X[0]])


def test_an_open_op_may_use_planned_functions_only() -> None:
    with pytest.raises(AttributeError, match=r"an open op may not use xp\.fft: it cannot be plan"):
        Writer().fft  # noqa: B018


ENGINE = pytest.mark.parametrize("engine", ["numpy", "reference"])
PRODUCT = cr.trace(lambda x, w: cr.exp(x @ w), np.ones((2, 3)), np.ones((3, 4), np.float32))


@ENGINE
def test_wrong_number_of_arrays(engine: str) -> None:
    with pytest.raises(ShapeError, match=r"^the graph takes 2 arrays \(x, w\), got 1\.$"):
        PRODUCT.compile(engine)(np.ones((2, 3)))


@ENGINE
def test_wrong_shape(engine: str) -> None:
    with pytest.raises(
        ShapeError,
        match=r"^input 'w' was traced with shape \(3, 4\) and is given \(4, 3\)\. A graph holds "
        r"for one shape: trace it again for another\.$",
    ):
        PRODUCT.compile(engine)(np.ones((2, 3)), np.ones((4, 3)))


@ENGINE
def test_wrong_kind_of_number(engine: str) -> None:
    with pytest.raises(
        DtypeError, match=r"^input 'x' was traced as float64 and is given complex128\.$"
    ):
        PRODUCT.compile(engine)(np.ones((2, 3)) * 1j, np.ones((3, 4)))
    labels = cr.trace(lambda t: cr.one_hot(t, 3), np.array([1, 2]))
    with pytest.raises(DtypeError, match=r"^input 't' was traced as int64 and is given float64\.$"):
        labels.compile(engine)(np.array([1.0, 2.0]))


@ENGINE
def test_numbers_of_the_same_kind_are_converted(engine: str) -> None:
    result = PRODUCT.compile(engine)([[1, 0, 0], [0, 1, 0]], np.ones((3, 4)).tolist())
    assert result.dtype == np.float64
    assert np.array_equal(result, np.full((2, 4), np.e))


@ENGINE
def test_overflow_gives_inf_without_a_warning(engine: str) -> None:
    result = PRODUCT.compile(engine)(np.full((2, 3), 1e6), np.ones((3, 4)))
    assert np.isposinf(result).all()


def test_unknown_engine() -> None:
    with pytest.raises(
        OptionError, match=r"^engine 'nunpy' is not known\. Did you mean 'numpy'\? Known: .*numpy"
    ):
        PRODUCT.compile("nunpy")
    with pytest.raises(OptionError, match=r"^engine 'nunpy' is not known\. Did you mean 'numpy'"):
        cr.engine.program(PRODUCT, {}, {}, "nunpy")


def test_an_engine_is_there_in_a_process_that_asked_for_none():
    code = (
        "import numpy as np; from chainrule.graph import trace; "
        "print(trace(lambda x: x * 2, np.ones(2)).compile('numpy')(np.ones(2)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[2. 2.]\n"
