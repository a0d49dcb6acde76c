"""Formulas: what a textbook would print."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser
from op_checks import CASES, Case, weights

import chainrule as cr
from chainrule.graph.apply import apply
from chainrule.graph.graph import Graph
from chainrule.nn import losses
from chainrule.show.formula import formula, statements

X, W, V, T = np.ones((4, 2)), np.ones((2, 3)), np.ones((3, 1)), np.ones((4, 1))


def lines(graph: Graph) -> dict[str, str]:
    """The right sides of a formula by their left sides."""
    return dict(statements(graph))


def of(function: Any, *arrays: Any) -> dict[str, str]:
    return lines(cr.trace(function, *arrays))


def loss_by_z(function: Any, *arrays: Any) -> str:
    """∂L/∂z, as the formula of the backward pass writes it."""
    graph = cr.trace(function, *arrays).backward("X", "w")
    return lines(graph)[r"\frac{\partial L}{\partial z}"]


# --- the whole of it ---------------------------------------------------------------------------


def test_a_network_forward_and_backward() -> None:
    net = cr.Sequential(cr.Dense(3, "tanh"), cr.Dense(1, "sigmoid"), dtype="float64").build(2)
    graph = net.graph(4, loss="binary_cross_entropy")
    assert graph.formula() == (
        "\\begin{aligned}\n"
        r"Z^{[1]} &= X W^{[1]} + b^{[1]} \\" "\n"
        r"A^{[1]} &= \tanh Z^{[1]} \\" "\n"
        r"Z^{[2]} &= A^{[1]} W^{[2]} + b^{[2]} \\" "\n"
        r"\hat{y} &= \sigma(Z^{[2]}) \\" "\n"
        r"L &= -\frac{1}{m} \sum_{i} (y_{i}\, \ln \hat{y}_{i} + (1 - y_{i}) "
        r"\ln (1 - \hat{y}_{i})) \\" "\n"
        r"m &= 4 \quad \text{(rows of } X \text{)}" "\n"
        "\\end{aligned}"
    )  # fmt: skip
    by = {name: rf"\frac{{\partial L}}{{\partial {name}}}" for name in
          ("Z^{[1]}", "Z^{[2]}", "W^{[1]}", "W^{[2]}", "b^{[1]}", "b^{[2]}")}  # fmt: skip
    found = lines(graph.backward())
    assert found[by["Z^{[2]}"]] == r"\frac{\hat{y} - y}{m}"
    assert found[by["W^{[2]}"]] == rf"A^{{[1]\top}} {by['Z^{[2]}']}"
    assert found[by["b^{[2]}"]] == rf"\sum_{{i}} \left({by['Z^{[2]}']}\right)_{{i}}"
    assert found[by["Z^{[1]}"]] == (
        rf"\left({by['Z^{[2]}']} W^{{[2]\top}}\right) \odot (1 - A^{{[1]}} \odot A^{{[1]}})"
    )
    assert found[by["W^{[1]}"]] == rf"X^{{\top}} {by['Z^{[1]}']}"
    assert found[by["b^{[1]}"]] == rf"\sum_{{i}} \left({by['Z^{[1]}']}\right)_{{i:}}"
    assert graph._repr_latex_() == f"$\\displaystyle {graph.formula()}$"


# --- what is simplified ------------------------------------------------------------------------


def test_sigmoid_with_cross_entropy_is_the_difference() -> None:
    def known(X: Any, w: Any, y: Any) -> Any:
        z = X @ w
        return cr.binary_cross_entropy(cr.sigmoid(z), y)

    def written_out(X: Any, w: Any, y: Any) -> Any:
        z = X @ w
        y_hat = 1 / (1 + np.exp(-z))
        return -np.mean(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))

    for function in (known, written_out):
        assert loss_by_z(function, X, W[:, :1], T) == r"\frac{\hat{y} - y}{m}"


def test_softmax_with_cross_entropy_is_the_difference() -> None:
    def by_class(X: Any, w: Any, y: Any) -> Any:
        z = X @ w
        p = cr.softmax(z)
        return cr.cross_entropy(p, y)

    def by_label(X: Any, w: Any, y: Any) -> Any:
        z = X @ w
        return cr.cross_entropy(cr.softmax(z), cr.one_hot(y, 3))

    labels = np.array([0, 2, 1, 1])
    assert loss_by_z(by_class, X, W, labels) == r"\frac{p - \operatorname{onehot}(y)}{m}"
    found = loss_by_z(by_label, X, W, labels)
    assert found.startswith(r"\frac{1}{m}\, (\hat{y} \odot") or r"\hat{y}" in found
    assert of(by_class, X, W, labels)["L"] == r"-\frac{1}{m} \sum_{i} \ln p_{i, y_{i}}"


def test_mean_squared_error() -> None:
    def squares(X: Any, w: Any, y: Any) -> Any:
        z = X @ w
        return cr.mean((z - y) ** 2)

    assert loss_by_z(squares, X, W[:, :1], T) == r"\frac{2\, (z - y)}{m}"
    assert of(squares, X, W[:, :1], T)["L"] == r"\frac{1}{m} \sum_{i} (z_{i} - y_{i})^{2}"
    two = of(squares, X, W, np.ones((4, 3)))["L"]
    assert two == r"\frac{1}{3\, m} \sum_{i, j} (z_{ij} - y_{ij})^{2}"


def test_a_sum_has_no_m() -> None:
    def squares(X: Any, w: Any, y: Any) -> Any:
        z = X @ w
        return cr.sum((z - y) ** 2) * 0.5

    assert loss_by_z(squares, X, W[:, :1], T) == "z - y"


def test_a_number_of_the_user_is_no_m() -> None:
    def scaled(x: Any) -> Any:
        y = 0.25 * x
        return cr.mean(y)

    found = of(scaled, np.ones(4))
    assert found["y"] == r"0.25\, x"
    assert found["m"] == r"4 \quad \text{(rows of } x \text{)}"


def test_the_letter_m_may_be_taken() -> None:
    found = of(lambda m: cr.mean(m * m), np.ones(4))
    assert found["L"] == r"\frac{1}{n} \sum_{i} m_{i}\, m_{i}"


def test_the_forward_pass_stays_as_it_was_written() -> None:
    def odd(x: Any, w: Any) -> Any:
        y = 2.0 * (3.0 * x) - (w - x) * 0.5
        return cr.sum(y)

    assert of(odd, X, X)["y"] == r"2 \cdot 3\, x - \frac{1}{2}\, (w - x)"


# --- brackets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda a, b: (a + b) * b, r"(a + b) \odot b"),
        (lambda a, b: a + b * b, r"a + b \odot b"),
        (lambda a, b: a - (b - a), r"a - (b - a)"),
        (lambda a, b: a - b - a, r"a - b - a"),
        (lambda a, b: (a + b) @ b, r"(a + b) b"),
        (lambda a, b: a @ (b * b), r"a (b \odot b)"),
        (lambda a, b: a @ b * b, r"(a b) \odot b"),
        (lambda a, b: (a @ b).T, r"(a b)^{\top}"),
        (lambda a, b: -(a + b), r"-(a + b)"),
        (lambda a, b: a / (b + 1.0), r"\frac{a}{b + 1}"),
        (lambda a, b: (a + b) ** 2, r"(a + b)^{\odot 2}"),
        (lambda a, b: np.tanh(a @ b) + np.exp(-b), r"\tanh (a b) + e^{-b}"),
        (lambda a, b: np.abs(a - b), r"\left|a - b\right|"),
        (lambda a, b: np.maximum(a + b, 0.5 * a), r"\max(a + b, \frac{1}{2}\, a)"),
        (lambda a, b: a * np.float64(1e-5), r"10^{-5}\, a"),
        (lambda a, b: cr.astype(a > b, float) * a, r"\mathbb{1}[a > b] \odot a"),
    ],
)  # fmt: skip
def test_brackets_where_they_are_needed(function: Any, text: str) -> None:
    assert of(function, np.ones((3, 3)), np.ones((3, 3)))["y"] == text


def test_vectors() -> None:
    u, v = np.ones(3), np.ones(4)
    assert of(lambda u, w: u @ w, u, u)["L"] == r"u \cdot w"
    assert of(lambda u, v: np.outer(u, v), u, v)["y"] == r"u\, v^{\top}"
    found = lines(cr.trace(lambda A, v: cr.sum(A @ v), np.ones((3, 4)), v).backward())
    assert found[r"\frac{\partial L}{\partial v}"] == r"A^{\top} \mathbf{1}"
    assert found[r"\frac{\partial L}{\partial A}"] == r"\mathbf{1}\, v^{\top}"


def test_a_gradient_that_is_something_else_already() -> None:
    graph = cr.trace(lambda a, b: cr.sum(a * b) + cr.sum(a), np.ones(3), np.ones(3)).backward()
    found = lines(graph)
    assert found[r"\frac{\partial L}{\partial b}"] == "a"
    assert found[r"\frac{\partial L}{\partial a}"] == "1 + b"


def test_sums_have_letters_of_their_own() -> None:
    x, a = np.ones((3, 4)), np.ones(3)
    assert of(lambda a: cr.sum(a * cr.sum(a)), a)["L"] == r"\sum_{i} a_{i}\, \sum_{j} a_{j}"
    assert of(lambda x: cr.max(x, 1), x)["y"] == r"\max_{j} x_{:j}"
    assert of(lambda x: cr.var(x, 0), x)["y"] == r"\operatorname{var}_{i} x_{i:}"
    assert of(lambda x: cr.logsumexp(x, 1), x)["y"] == r"\ln \sum_{j} e^{x_{:j}}"
    assert of(lambda x: cr.sum(x.T * 2.0), x)["L"] == r"\sum_{i, j} 2\, x_{ji}"
    assert of(lambda x, a: cr.sum(x.T * a), x, a)["L"] == r"\sum_{i, j} x_{ji}\, a_{j}"


def test_a_long_expression_is_cut() -> None:
    def long(x: Any) -> Any:
        for _ in range(10):
            x = np.sin(x) + np.cos(x) * 2.0
        return x

    found = of(lambda x: long(x), 1.0)
    assert max(map(len, found.values())) < 200
    assert len(found) > 5


# --- every op ----------------------------------------------------------------------------------


def parsed(latex: str) -> None:
    """Raise unless Matplotlib's reader of TeX, which we did not write, understands it."""
    for begin in (r"\begin{cases}", r"\begin{pmatrix}"):
        if begin in latex:
            assert latex.count(begin) == latex.count(begin.replace("begin", "end"))
            return
    MathTextParser("path").parse(f"${latex}$")


def check_latex(graph: Graph) -> None:
    for left, right in statements(graph):
        for side in (left, right):
            assert side.count("{") == side.count("}")
            assert side.count(r"\left") == side.count(r"\right")
            assert "@" not in side
            parsed(side)
    assert formula(graph).startswith("\\begin{aligned}\n")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_op(case: Case) -> None:
    check_latex(cr.trace(lambda *x: apply(case.op, *x), *case.inputs))
    if case.is_differentiable:
        v = weights(case.value.shape, np.random.default_rng(3))
        graph = cr.trace(lambda *x: cr.sum(apply(case.op, *x[:-1]) * x[-1]), *case.inputs, v)
        check_latex(graph.backward(*[graph.input_names()[i] for i in case.floats]))


@pytest.mark.parametrize("last", ["sigmoid", "softmax", "softplus"])
@pytest.mark.parametrize("name", sorted(losses.NAMED))
def test_every_loss(name: str, last: str) -> None:
    if name == "binary_cross_entropy" and last == "softplus":
        last = "sigmoid"  # a probability is at most 1
    graph = cr.Sequential(cr.Dense(3, last)).build(2).graph(3, loss=name)
    check_latex(graph)
    check_latex(graph.backward())
    assert "0.33" not in graph.backward().formula()


def test_every_layer() -> None:
    net = cr.Sequential(
        cr.Flatten(), cr.Dense(3, "gelu"), cr.LayerNorm(), cr.BatchNorm(), cr.Dropout(0.5),
        cr.Dense(2, "softmax"),
    ).build((2, 2))  # fmt: skip
    graph = net.graph(3, loss="cross_entropy")
    check_latex(graph)
    check_latex(graph.backward())
    assert "0.33" not in graph.backward().formula()


def test_the_reader_of_tex_would_notice() -> None:
    with pytest.raises(ValueError, match="Expected"):
        parsed(r"\frac{1}{")


def test_the_axis_is_said_where_it_is_not_the_usual_one() -> None:
    M, cube = np.ones((2, 2)), np.ones((2, 2, 2))

    def formula(function: Any, x: Any = M) -> str:
        return of(function, x)["y"]

    assert formula(lambda M: cr.softmax(M, axis=1)) == r"\operatorname{softmax}(M)"
    along = r"\operatorname{softmax}_{\text{axis }0}(M)"
    assert formula(lambda M: cr.softmax(M, axis=0)) == along
    assert formula(lambda M: cr.log_softmax(M, axis=0)) == rf"\ln{along}"
    assert formula(lambda M: np.concatenate([M, M], 1)) == r"\left[M,\ M\right]"
    assert formula(lambda M: np.concatenate([M, M], 0)) == r"\left[M;\ M\right]"
    beside = r"\left[M,\ M\right]"
    assert formula(lambda M: np.concatenate([M, M], 2), cube) == beside
    assert formula(lambda M: np.concatenate([M, M], 1), cube) == rf"{beside}_{{\text{{axis }}1}}"
