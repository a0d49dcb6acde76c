"""What cannot be recorded, or does not fit, is refused with words that teach."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DtypeError, GradientError, OptionError, RecordingError, ShapeError

T = cr.tensor([1.0, 2.0, 3.0], name="t")


def _assign(t: Any) -> None:
    t[0] = 5.0


def _assign_mask(t: Any) -> None:
    t[t < 0] = 0.0


def _into_array(t: Any) -> Any:
    total = np.zeros(3)
    total += t
    return total


def _fill(t: Any) -> Any:
    rows = np.zeros((2, 3))
    rows[0] = t
    return rows


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "t[0] = 5": (_assign, r"assigning into a Tensor cannot be recorded.*cr\.where\(mask, new, t\)"),
    "t[mask] = 0": (_assign_mask, r"a node never changes.*instead of t\[mask\] = new"),
    "array += t": (_into_array, r"np\.add writing into an array.*a = a \+ t, and let it be new"),
    "array[0] = t": (_fill, r"turning a Tensor into a NumPy array would leave the graph"),
    "np.asarray": (np.asarray, r"gradients through it would silently be zero.*take t\.value"),
    "np.array": (np.array, r"turning a Tensor into a NumPy array would leave the graph"),
    "no rule": (np.sort, r"np\.sort has no rule for Tensors.*one \(.*concatenate.*t\.value"),
    "no rule, ufunc": (np.cbrt, r"np\.cbrt has no rule for Tensors, so it cannot be recorded"),
    "no rule, linalg": (np.linalg.norm, r"np\.linalg\.norm has no rule for Tensors"),
    "accumulate": (np.add.accumulate, r"np\.add\.accumulate has no rule for Tensors"),
    "sum(dtype=)": (
        lambda t: np.sum(t, dtype=np.float32),
        r"np\.sum was given an option that cannot be recorded \(dtype\)",
    ),
    "ufunc(out=)": (
        lambda t: np.exp(t, out=np.zeros(3)),
        r"np\.exp writing into an array \(out=, or \+= on an array\) cannot be recorded",
    ),
    "sum(out=)": (
        lambda t: np.sum(t, axis=0, out=np.zeros(())),
        r"np\.sum\(\.\.\., out=\.\.\.\) cannot be recorded: leave out= away",
    ),
    "ufunc(where=)": (
        lambda t: np.exp(t, where=np.array([True, False, True])),
        r"np\.exp was given an option that cannot be recorded \(where\)",
    ),
    "std(ddof=)": (
        lambda t: np.std(t, ddof=1),
        r"recorded \(ddof\).*Leave it away, and multiply the variance by n / \(n - ddof\)",
    ),
    "sum(dtype=), instead": (
        lambda t: np.sum(t, dtype=float),
        r"Leave it away, and convert with t\.astype\(dtype\)",
    ),
    "%": (lambda t: t % 2, r"%, the remainder, has no rule for Tensors, so it cannot be recorded"),
    "%, right": (lambda t: 2 % t, r"%, the remainder, has no rule for Tensors"),
    "//": (lambda t: t // 2, r"//, a division rounded down, has no rule.*Write it with functions"),
    "round": (round, r"round\(\) has no rule for Tensors"),
    "a format": (lambda t: f"{t:.2f}", r"format '\.2f' is of one number, and .*such as t\.mean"),
    "a string": (
        lambda t: t + "1",
        r"str cannot stand in a graph: numbers, arrays and Tensors can",
    ),
    "None": (lambda t: t * None, r"NoneType cannot stand in a graph"),
}


@pytest.mark.parametrize(("code", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("how", ["eager", "traced"])
def test_refused(code: Callable[[Any], Any], message: str, how: str) -> None:
    with pytest.raises(RecordingError, match=message):
        code(T) if how == "eager" else cr.trace(code, T)


WHILE_TRACING: dict[str, tuple[Callable[[Any], Any], str]] = {
    "if": (lambda t: t if t[0] > 0 else -t, r"a decision on .*Write cr\.where\(condition, a, b\)"),
    "and": (lambda t: (t[0] > 0) and t, r"and & \| ~ instead of and or not"),
    "while": (lambda t: [None for _ in iter(lambda: bool(t[0] > 1), False)], r"a decision on"),
    "float": (lambda t: float(t[0]), r"float\(\) of <Tensor \(\) float64, traced> cannot be rec"),
    "int": (lambda t: int(t[0]), r"Leave out int\(\) and compute with the Tensor itself"),
    "math.exp": (lambda t: math.exp(t[0]), r"float\(\) of .* cannot be recorded: its value is not"),
    "value": (lambda t: t.value, r"has no value: it is being traced, so only its shape and dtype"),
    "item": (lambda t: t[0].item(), r"has no value: it is being traced"),
    "the end of a slice": (lambda t: t[: t[0]], r"has no value: it is being traced"),
    "a mask": (lambda t: t[t > 1], r"how many entries it picks is not known yet.*cr\.where\(cond"),
}


@pytest.mark.parametrize(("code", "message"), WHILE_TRACING.values(), ids=WHILE_TRACING)
def test_refused_only_while_tracing(code: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        cr.trace(code, T)


def test_the_message_names_the_tensor() -> None:
    with pytest.raises(
        RecordingError, match=r"a decision on <Tensor 'angle' \(\) float64, traced>"
    ):
        cr.trace(lambda angle: 1.0 if angle else 0.0, 3.0)


MISFITS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "add": (
        lambda: T + np.ones((2, 2)), ShapeError,
        r"add needs shapes that broadcast, got \(3,\) and \(2, 2\).*reshape\(-1, 1\)"),
    "matmul": (
        lambda: cr.tensor(np.ones((32, 100))) @ np.ones((784, 100)), ShapeError,
        r"matmul needs equal inner sizes, got \(32, 100\) @ \(784, 100\): 100 is not 784\. "
        r"Perhaps the second is meant transposed: a @ b\.T"),
    "matmul, first": (
        lambda: cr.tensor(np.ones((5, 2))) @ np.ones((5, 3)), ShapeError,
        r"Perhaps the first is meant transposed: a\.T @ b"),
    "matmul, neither": (
        lambda: cr.tensor(np.ones((4, 5))) @ np.ones((3, 2)), ShapeError,
        r"The left side has 5 columns and the right side was made for 3\."),
    "matmul of numbers": (
        lambda: cr.tensor(2.0) @ T, ShapeError, r"got \(\) @ \(3,\)\. For numbers use \*"),
    "matmul, batches": (
        lambda: cr.tensor(np.ones((2, 3, 4))) @ np.ones((3, 4, 5)), ShapeError,
        r"the leading axes do not broadcast"),
    "dot": (
        lambda: np.dot(cr.tensor(np.ones((2, 2, 2))), T), OptionError,
        r"with more than two axes write cr\.matmul"),
    "reshape": (
        lambda: T.reshape(2, 2), ShapeError,
        r"reshape from \(3,\) \(3 entries\) to \(2, 2\) \(4 entries\): the number of entries"),
    "reshape -1": (lambda: T.reshape(2, -1), ShapeError, r"no size fits in the place of -1"),
    "reshape -1 -1": (lambda: T.reshape(-1, -1), ShapeError, r"only one may be -1"),
    "sum": (
        lambda: T.sum(axis=1), ShapeError,
        r"sum over axis 1, but the input has 1 axes \(its shape is \(3,\)\), counted from 0"),
    "sum, twice": (lambda: T.sum(axis=(0, -1)), OptionError, r"sum got the same axis twice"),
    "sum, float": (lambda: T.sum(axis=0.0), OptionError, r"sum needs whole numbers as axis, got 0"),
    "max of nothing": (
        lambda: cr.tensor(np.ones((0, 2))).max(axis=0), ShapeError,
        r"max of no entries at all: the input has shape \(0, 2\)"),
    "concatenate": (
        lambda: cr.concatenate([T, np.ones((1, 2))]), ShapeError,
        r"concatenate along axis 0 needs shapes that agree in all other axes, got"),
    "concatenate nothing": (
        lambda: cr.concatenate([]), OptionError, r"concatenate needs at least one part, got none"),
    "transpose": (
        lambda: T.transpose(1, 0), ShapeError, r"transpose with axes .* name each of its 1 axes"),
    "squeeze": (
        lambda: T.squeeze(0), ShapeError, r"squeeze of axis 0: only axes of size 1 go"),
    "expand_dims": (lambda: cr.expand_dims(T, 3), ShapeError, r"expand_dims at 3: .* has 1 axes"),
    "broadcast_to": (
        lambda: cr.broadcast_to(T, (2,)), ShapeError, r"broadcast_to from \(3,\) to \(2,\): only"),
    "index": (
        lambda: T[0, 0], ShapeError, r"indexing a Tensor of shape \(3,\): too many indices"),
    "index too far": (
        lambda: T[3], ShapeError, r"indexing a Tensor of shape \(3,\): index 3 is out of bounds"),
    "slice by floats": (
        lambda: T[0.5:2], DtypeError,
        r"ends and the step of a slice are whole numbers, got 0\.5:2:None"),
    "index of an array": (
        lambda: cr.ops.indexing.getitem(T.value, (0, 0)), ShapeError, r"too many indices"),
    "index by floats": (
        lambda: T[np.array([0.0])], DtypeError, r"got float64\. Write indices\.astype\(int\)"),
    "clip": (lambda: cr.clip(T, 2.0, 1.0), OptionError, r"clip needs low <= high, got low=2\.0"),
    "clip arrays": (
        lambda: cr.clip(T, np.zeros(3)), OptionError, r"For arrays write cr\.maximum\(cr\.minimum"),
    "one_hot": (
        lambda: cr.one_hot([0, 5], 3), OptionError, r"one_hot of labels from 0 to 5.*3 classes"),
    "one_hot floats": (
        lambda: cr.one_hot([0.0], 3), DtypeError, r"one_hot needs integer labels, got float64"),
    "cross-entropy, no such class": (
        lambda: cr.softmax_cross_entropy(cr.tensor(np.ones((2, 3))), [0, 3]), OptionError,
        r"softmax_cross_entropy of labels from 0 to 3, but there are 3 classes: 0 to 2"),
    "cross-entropy of softmax, no such class": (
        lambda: cr.cross_entropy(cr.softmax(np.ones((2, 3)) * cr.tensor(1.0)), np.array([0, -1])),
        OptionError, r"labels from -1 to 0, but there are 3 classes"),
    "& of whole numbers": (
        lambda: cr.tensor([6]) & 3, DtypeError,
        r"& is for conditions, such as \(t > 0\) & \(t < 1\), and here is int64\. Compare first "),
    "| of floats": (lambda: (T > 1) | T, DtypeError, r"\| is .*here is float64.*cr\.logical_or"),
    "np.bitwise_and": (lambda: np.bitwise_and(3, cr.tensor([6])), DtypeError, r"& is for cond"),
    "~ of whole numbers": (
        lambda: ~cr.tensor([6]), DtypeError, r"such as ~\(t > 0\), and here is int64\."),
    "argmax of nothing": (
        lambda: cr.argmax(cr.tensor(np.ones((0, 2)))), ShapeError,
        r"argmax of no entries at all: the input has shape \(0, 2\)"),
    "swapaxes": (
        lambda: np.swapaxes(T, 0, 1), ShapeError, r"swapaxes of axes 0 and 1: the input has 1"),
    "transpose of an axis beyond": (
        lambda: np.transpose(cr.tensor(np.ones((2, 3))), (0, 3)), ShapeError,
        r"transpose with axes \(0, 3\) of shape \(2, 3\): name each of its 2 axes once"),
    "squeeze of an axis beyond": (
        lambda: np.squeeze(cr.tensor(np.ones((2, 1))), 3), ShapeError,
        r"squeeze of axis 3: only axes of size 1 go, shape is \(2, 1\)"),
    "expand_dims twice": (
        lambda: np.expand_dims(T, (0, 0)), ShapeError, r"expand_dims at \(0, 0\): the input has 1"),
    "a condition too long": (
        lambda: cr.tensor(np.ones(2))[np.array([True, True, False])], ShapeError,
        r"indexing a Tensor of shape \(2,\): boolean index did not match.*np\.flatnonzero\(mask\)"),
    "a condition too short": (
        lambda: T[np.array([True, False])], ShapeError, r"A condition has the sizes of what it"),
    "a condition too short, of the second axis": (
        lambda: cr.tensor(np.ones((2, 3)))[0, cr.tensor([True, False])], ShapeError,
        r"along axis 1; size of axis is 3 but size of corresponding boolean axis is 2"),
    "a condition too short, after dots": (
        lambda: cr.tensor(np.ones((2, 2, 3)))[..., [True, False]], ShapeError, r"along axis 2"),
    "a condition alone": (
        lambda: T[True], DtypeError, r"got True alone\. Write cr\.where\(condition, x, 0\)"),
    "softmax": (lambda: cr.softmax(T, axis=1), ShapeError, r"softmax over axis 1"),
    "softmax axes": (lambda: cr.softmax(T, axis=(0,)), ShapeError, r"softmax goes along one axis"),
    "cross-entropy": (
        lambda: cr.softmax_cross_entropy(cr.tensor(np.ones((4, 3))), np.array([0, 1])), ShapeError,
        r"softmax_cross_entropy of logits \(4, 3\) and class indices \(2,\)"),
    "cross-entropy, labels": (
        lambda: cr.softmax_cross_entropy(cr.tensor(np.ones((4, 3))), np.ones((4, 2))), ShapeError,
        r"class indices \(4,\) or labels \(4, 3\) were expected"),
    "a word as data": (lambda: cr.tensor("abc"), DtypeError, r"given were entries of <U3"),
    "ragged data": (lambda: cr.tensor([[1.0], [1.0, 2.0]]), DtypeError, r"a Tensor holds numbers"),
    # gradients
    "integer grad": (
        lambda: cr.tensor([1, 2]).grad, DtypeError,
        r"a Tensor of int64 has no gradient.*array\.astype\(float\)"),
    "grad at integers": (
        lambda: cr.grad(lambda x: x * x)(3), DtypeError,
        r"grad needs floats, and the tensor holds int64.*Write 3\. instead of 3"),
    "grad at an integer Tensor": (
        lambda: cr.grad(lambda x: x * x)(cr.tensor(3, name="n")), DtypeError,
        r"grad needs floats, and n holds int64"),
    "grad at a word": (
        lambda: cr.grad(lambda x: x)("abc"), GradientError, r"grad needs arguments of numbers"),
    "differentiate by integers": (
        lambda: cr.differentiate(T.sum(), [cr.tensor(1)]), DtypeError, r"a gradient needs floats"),
    "backward of integers": (
        lambda: cr.tensor(1).backward(), DtypeError, r"backward\(\) needs floats"),
    "backward of several": (
        lambda: (T * 2).backward(), GradientError,
        r"backward\(\) needs one number, and got shape \(3,\)\. Reduce it first.*"
        r"y\.backward\(cotangent\)"),
    "grad of several": (
        lambda: cr.grad(lambda x: x * 2)(np.ones(3)), GradientError, r"grad needs one number"),
    "a cotangent of another shape": (
        lambda: (T * 2).backward(np.ones(2)), GradientError,
        r"the cotangent has shape \(2,\); it weighs the entries of a Tensor of shape \(3,\)"),
    "wrt": (
        lambda: cr.grad(lambda x: x, wrt=1)(1.0), OptionError,
        r"wrt=1 names arguments by place from 0, and 1 were given"),
    # graphs
    "unknown input": (
        lambda: cr.trace(lambda weights: weights.sum(), T.value).backward("weight"), OptionError,
        r"input 'weight' is not known\. Did you mean 'weights'\? Known: weights\."),
    "unknown engine": (
        lambda: cr.trace(lambda x: x.sum(), T.value).compile("nunpy"), OptionError,
        r"engine 'nunpy' is not known\. Did you mean 'numpy'\?"),
    "too few arrays": (
        lambda: cr.trace(lambda a, b: a + b, 1.0, 2.0).evaluate(1.0), OptionError,
        r"the graph takes a, b; given were 1 arrays by place"),
    "a wrong name": (
        lambda: cr.trace(lambda a, b: a + b, 1.0, 2.0).evaluate(1.0, c=2.0), OptionError,
        r"the graph takes a, b; given were 1 arrays by place and c\."),
    "by place and by name": (
        lambda: cr.trace(lambda a, b: a + b, 1.0, 2.0).evaluate(1.0, 2.0, a=3.0), OptionError,
        r"the graph takes a, b; given were 2 arrays by place and a\."),
    "backward of a graph of several": (
        lambda: cr.trace(lambda a: a * 2, T.value).backward(), GradientError,
        r"backward needs a graph with one output of one entry, and this one gives \(3,\)"),
    "nothing returned": (
        lambda: cr.trace(lambda a: None, 1.0), RecordingError, r"returned nothing: it must return"),
    "a word as argument": (
        lambda: cr.trace(lambda a: a, "abc"), RecordingError, r"the argument a is str"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "error", "message"), MISFITS.values(), ids=MISFITS)
def test_misfit(code: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        code()


def test_shapes_are_refused_in_the_same_words_while_tracing() -> None:
    with pytest.raises(ShapeError, match=r"Perhaps the second is meant transposed: a @ b\.T"):
        cr.trace(lambda a, b: a @ b, np.ones((32, 100)), np.ones((784, 100)))
    with pytest.raises(ShapeError, match=r"softmax_cross_entropy of logits"):
        cr.trace(cr.ops.loss.softmax_cross_entropy, np.ones((4, 3)), np.ones((4, 2)))


def test_a_placeholder_of_another_trace_is_refused() -> None:
    kept: list[Any] = []
    cr.trace(lambda secret: kept.append(secret) or secret, 1.0)
    with pytest.raises(
        RecordingError, match=r"<Tensor 'secret' \(\) float64, traced>.*not among its inputs"
    ):
        cr.trace(lambda x: x + kept[0], 1.0)


def test_a_float_of_many_says_what_to_write() -> None:
    with pytest.raises(RecordingError, match=r"float\(\) is of one number, .*of \(3,\).*np\.tanh"):
        math.tanh(T)


@pytest.mark.parametrize("name", ["cumsum", "prod", "tolist"])
def test_what_only_an_array_has_says_what_to_write(name: str) -> None:
    with pytest.raises(
        AttributeError, match=rf"a Tensor has no {name}.*take t\.value\.{name} where"
    ):
        getattr(T, name)
    with pytest.raises(AttributeError, match=r"^'Tensor' object has no attribute 'sums'$"):
        T.sums  # noqa: B018
    assert not hasattr(T, "__array_interface__")


def test_a_number_is_written_as_its_format_says() -> None:
    assert f"{cr.sum(T):.3f} {T[:1]:+.0e}" == "6.000 +1e+00"
    assert f"{T}" == repr(T)


def test_errors_are_what_a_numpy_user_catches() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        T + np.ones(2)
    with pytest.raises(TypeError, match="assigning"):
        T[0] = 1.0


@pytest.mark.parametrize("function", [lambda x: x * float(x), lambda x: x * math.sin(x)])
def test_a_float_inside_a_gradient_is_refused(function):
    with pytest.raises(RecordingError, match=r"float\(\) inside a function that is being diff"):
        cr.grad(function)(3.0)


def test_an_item_inside_a_gradient_is_a_constant():
    assert cr.grad(lambda x: x * x.item())(3.0) == 3.0


def test_float_of_a_tensor_outside_of_a_gradient_is_its_number():
    assert float(cr.tensor(2.5)) == 2.5


def test_wrt_is_a_place():
    with pytest.raises(OptionError, match=r"wrt names arguments by place, as 0 or \(0, 2\); got"):
        cr.grad(lambda x: x, wrt="x")(3.0)


def _backward(function: Callable[[Any], Any], x: Any) -> Any:
    leaf = cr.tensor(x)
    function(leaf).backward()
    return leaf.grad


@pytest.mark.parametrize("way", [
    lambda function, x: cr.grad(function)(x),
    lambda function, x: cr.trace(function, x).backward(),
    lambda function, x: cr.trace(function, x).value_and_gradients(),
    _backward,
], ids=["grad", "backward of a graph", "value and gradients", "backward of a Tensor"])  # fmt: skip
@pytest.mark.parametrize(("function", "x", "what"), [
    (lambda x: abs(x + 1j) ** 2, 2.0, "what add made holds complex128"),
    (lambda x: abs(x.astype("complex128")), 2.0, "what astype made holds complex128"),
    (lambda x: cr.sum(abs(x * np.array([1j, 2.0]))), 2.0, "what multiply made holds complex128"),
    (lambda z: abs(z * z), 1 + 2j, "holds complex128"),
], ids=["plus i", "cast", "times an array", "of a complex number"])  # fmt: skip
def test_no_gradient_leads_through_complex_numbers(
    way: Any, function: Any, x: Any, what: str
) -> None:
    """It would be zero without a word: |x + i|² has the derivative 2x."""
    with pytest.raises(DtypeError, match=what) as refused:
        way(function, x)
    assert str(refused.value).endswith(
        "and gradients are of real numbers: those of complex ones are not known here. Keep real "
        "and imaginary parts as two arrays of floats; |a + bi|² is a**2 + b**2."
    )


def test_complex_numbers_beside_the_chain_are_no_matter() -> None:
    spectrum = np.fft.fft(np.arange(2.0))

    def function(x: Any) -> Any:
        return cr.sum(x * abs(cr.tensor(spectrum)))

    np.testing.assert_array_equal(cr.grad(function)(np.ones(2)), np.abs(spectrum))
    np.testing.assert_array_equal(_backward(function, np.ones(2)), np.abs(spectrum))


EMPTY = np.zeros((3, 0))


@pytest.mark.parametrize("function", [
    lambda x: np.mean(x), lambda x: np.sum(np.mean(x, axis=0)), lambda x: np.sum(np.var(x, axis=0)),
    lambda x: np.sum(np.mean(x, axis=1)), lambda x: np.sum(np.max(x, axis=0)),
    lambda x: np.sum(cr.logsumexp(x, axis=0)), lambda x: np.sum(cr.softmax(x, axis=0)),
])  # fmt: skip
def test_a_gradient_by_no_entries_has_none(function: Any) -> None:
    with np.errstate(all="ignore"):
        assert cr.grad(function)(EMPTY).shape == (3, 0)
        assert cr.trace(function, EMPTY).backward().evaluate(EMPTY).shape == (3, 0)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "max", "min"])
def test_there_is_no_largest_of_no_entries(name: str) -> None:
    function = getattr(cr, name)
    said = rf"{name} of no entries at all: the input has shape \(3, 0\)\."
    for x in (EMPTY, cr.tensor(EMPTY)):
        with pytest.raises(ShapeError, match=said):
            function(x, axis=1)
    with pytest.raises(ShapeError, match=said):
        cr.trace(lambda x: function(x, axis=1), EMPTY)
