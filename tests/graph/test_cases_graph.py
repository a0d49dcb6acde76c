"""Numbers that textbooks and tutorials print, with the right ones beside those that are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr


def column(*numbers: float) -> Any:
    return np.array(numbers).reshape(-1, 1)


class TestOneAffineLayer:
    """One affine layer, sigmoid, squared error. Reported is the mean, differentiated is the sum."""

    X = np.array([[0.0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
    t = column(0, 1, 1, 0)
    W = column(0.47143516, -1.19097569, 1.43270697)  # NumPy's legacy generator, seed 1234
    b = np.zeros((1, 1))

    def predict(self, W: Any, b: Any) -> Any:
        return 1 / (1 + np.exp(-(self.X @ W + b)))

    def total(self, W: Any, b: Any) -> Any:
        return np.sum((self.predict(W, b) - self.t) ** 2)

    def mean(self, W: Any, b: Any) -> Any:
        return np.mean((self.predict(W, b) - self.t) ** 2)

    def test_the_weights_are_that_generators(self) -> None:
        drawn = np.random.RandomState(1234).randn(3, 1)
        np.testing.assert_allclose(drawn, self.W, atol=5e-9)

    def test_forward(self) -> None:
        W, b = cr.tensor(self.W), cr.tensor(self.b)
        affine, y = self.X @ W + b, self.predict(W, b)
        printed = column(1.43270697, 0.71316644, 1.90414213, 0.24173127)
        np.testing.assert_allclose(affine.value, printed, atol=1.5e-8)
        printed = column(0.80732274, 0.67110045, 0.87035962, 0.56014025)
        np.testing.assert_allclose(y.value, printed, atol=1e-8)
        assert np.mean((y.value > 0.5) == self.t) == 0.5
        loss = self.mean(W, b).item()
        # Printed from weights of full length; ours are those eight digits.
        assert loss == pytest.approx(0.27262716361994604, abs=1e-8)
        full = np.random.RandomState(1234).randn(3, 1)
        assert self.mean(full, self.b) == pytest.approx(0.27262716361994604, rel=1e-14)
        assert self.mean(cr.tensor(full), b).item() == pytest.approx(0.27262716361994604, rel=1e-14)

    def test_gradient_of_the_sum_and_one_step(self) -> None:
        gW, gb = cr.grad(self.total, (0, 1))(self.W, self.b)
        np.testing.assert_allclose(gW, column(-0.17444809, 0.13082577, 0.35273266), atol=1e-8)
        np.testing.assert_allclose(gb, 0.35273266, atol=1e-8)
        stepped = self.W - 0.01 * gW
        np.testing.assert_allclose(stepped, column(0.47317964, -1.19228395, 1.42917964), atol=1e-8)
        np.testing.assert_allclose(self.b - 0.01 * gb, -0.00352733, atol=1e-8)

    def test_the_trap_the_gradient_of_what_is_reported_is_a_quarter(self) -> None:
        of_sum, of_mean = (cr.grad(f)(self.W, self.b) for f in (self.total, self.mean))
        np.testing.assert_allclose(of_mean, of_sum / 4, rtol=1e-14)

    def test_a_thousand_steps(self) -> None:
        W, b = column(-2.24268495, 1.15003572, 0.99194602), self.b
        assert self.mean(W, b) == pytest.approx(0.5532968592, abs=5e-10)
        graph = cr.trace(self.total, W, b)
        gradient = graph.backward().compile("reference")
        reported = []
        for _ in range(1000):
            reported.append(self.mean(W, b))
            gW, gb = gradient(W, b)
            W, b = W - 0.01 * gW, b - 0.01 * gb
        # Printed is what the thousandth step reports, before it moves: the loss after 999 moves.
        assert reported[-1] == pytest.approx(0.1083563564, abs=5e-10)
        assert self.mean(W, b) == pytest.approx(0.1081599916, abs=5e-10)


class TestSoftmaxWithCrossEntropy:
    x = np.array([0.6, 0.9])
    W = np.array([[0.47210107, -1.07798534, 0.85648856], [-1.54253597, -1.10336889, 0.32830708]])
    right = np.array([[0.07169663, -0.55800115, 0.48630452], [0.10754495, -0.83700172, 0.72945677]])
    #: Printed: 1e-7 was added inside the logarithm, and the slope taken by differences.
    printed = np.array([0.07169653, -0.55800035, 0.48630382])
    label = 1

    def loss(self, W: Any) -> Any:
        scores = self.x @ W
        p = np.exp(scores) / np.sum(np.exp(scores))
        return -np.sum(np.eye(3)[self.label] * np.log(p))

    def with_a_bit_added(self, W: Any) -> Any:
        p = cr.softmax(self.x @ W)
        return -np.sum(np.eye(3)[self.label] * np.log(p + 1e-7))

    def test_scores(self) -> None:
        scores = self.x @ cr.tensor(self.W)
        np.testing.assert_allclose(scores.value, [-1.10502173, -1.6398232, 0.80936951], atol=1e-8)

    def test_loss(self) -> None:
        assert self.loss(cr.tensor(self.W)).item() == pytest.approx(2.6592873638593244, abs=1e-8)
        z = (self.x @ self.W)[None]
        fused = cr.softmax_cross_entropy(z, np.array([1]))
        assert fused[0] == pytest.approx(2.6592873638593244, abs=1e-8)

    def test_gradient(self) -> None:
        np.testing.assert_allclose(cr.grad(self.loss)(self.W), self.right, atol=1e-8)
        fused = cr.grad(lambda W: cr.sum(cr.softmax_cross_entropy(self.x @ W, np.array(1))))
        np.testing.assert_allclose(fused(self.W), self.right, atol=1e-8)

    def test_what_was_printed_is_the_loss_with_a_bit_added(self) -> None:
        value, g = cr.value_and_grad(self.with_a_bit_added)(self.W)
        assert value == pytest.approx(2.6592859352182034, abs=1e-8)
        assert abs(value - 2.6592873638593244) > 1e-6
        np.testing.assert_allclose(g[0], self.printed, atol=1.5e-8)
        assert np.all(np.abs(self.right[0] - self.printed) > 5e-8)

    def test_with_the_label_shown_the_loss_is_another(self) -> None:
        """The page shows the label 2, with which none of its numbers agree: cells out of order."""
        z = (self.x @ self.W)[None]
        assert cr.softmax_cross_entropy(z, np.array([2]))[0] == pytest.approx(0.21009465, abs=1e-8)


class TestShopping:
    """Two apples at 100 each, and a tax of 1.1."""

    def test_forward_and_backward(self) -> None:
        price, number, tax = cr.tensor(100.0), cr.tensor(2.0), cr.tensor(1.1)
        apples = price * number
        total = apples * tax
        assert total.item() == pytest.approx(220.0, rel=1e-15)
        total.backward()
        assert tax.grad == 200.0
        assert apples.grad == 1.1
        assert price.grad == 2.2
        assert number.grad == pytest.approx(110.0, rel=1e-15)

    def test_as_a_graph(self) -> None:
        graph = cr.trace(lambda price, number, tax: price * number * tax, 100.0, 2.0, 1.1)
        assert graph.evaluate(100.0, 2.0, 1.1) == pytest.approx(220.0, rel=1e-15)
        slopes = graph.backward("tax", "price", "number").evaluate(100.0, 2.0, 1.1)
        np.testing.assert_allclose(slopes, [200.0, 2.2, 110.0], rtol=1e-15)


class TestSigmoidByNodes:
    """Negate, exponential, plus 1, reciprocal: four local slopes whose product is y (1 - y)."""

    def test_local_slopes(self) -> None:
        for x in (-3.0, -0.2, 0.0, 1.3):
            a = -x
            e = np.exp(a)
            d = 1 + e
            y = 1 / d
            local = [
                cr.grad(cr.negative)(x), cr.grad(cr.exp)(a), cr.grad(lambda u: u + 1)(e),
                cr.grad(lambda u: 1 / u)(d),
            ]  # fmt: skip
            np.testing.assert_allclose(local, [-1.0, e, 1.0, -(y**2)], rtol=1e-15)
            np.testing.assert_allclose(np.prod(local), y * (1 - y), rtol=1e-14)

    def test_the_whole(self) -> None:
        for x in (-3.0, -0.2, 0.0, 1.3):
            y = 1 / (1 + np.exp(-x))
            whole = cr.grad(lambda x: 1 / (1 + np.exp(-x)))(x)
            np.testing.assert_allclose(whole, y * (1 - y), rtol=1e-14)

    def test_node_by_node_where_no_form_is_recognised(self) -> None:
        """With the 1 a leaf of its own every node stays, and has the slope from there on."""
        x, one = cr.tensor(0.7), cr.tensor(1.0)
        a = -x
        e = np.exp(a)
        d = one + e
        y = 1 / d
        y.backward()
        slope = -(y.value**2)
        np.testing.assert_allclose([d.grad, e.grad, one.grad], [slope] * 3, rtol=1e-15)
        np.testing.assert_allclose(a.grad, slope * e.value, rtol=1e-15)
        np.testing.assert_allclose(x.grad, y.value * (1 - y.value), rtol=1e-14)


class TestAffineBySymbols:
    """Y = W X with W 3x2: dY_i/dW_jk is X_k where i = j, else 0."""

    def test_every_derivative(self) -> None:
        W, X = np.arange(6.0).reshape(3, 2) - 2.5, np.array([0.3, -1.7])
        for i in range(3):
            g = cr.grad(lambda W, i=i: (W @ X)[i])(W)
            expected = np.zeros((3, 2))
            expected[i] = X
            np.testing.assert_array_equal(g, expected)

    def test_by_sympy(self) -> None:
        import sympy

        W = np.array(sympy.symbols("w:3:2", real=True)).reshape(3, 2)
        X = np.array(sympy.symbols("x:2", real=True))
        Y = cr.ops.linear.MatMul().symbol(W, X)
        for i in range(3):
            for j in range(3):
                for k in range(2):
                    assert sympy.diff(Y[i], W[j, k]) == (X[k] if i == j else 0)


class TestLinearActivationsCollapse:
    """Three layers of y = c x are y = c³ x."""

    @pytest.mark.parametrize("c", [0.5, -1.3, 2.0])
    def test_value_and_slope(self, c: float) -> None:
        x = np.linspace(-2.0, 2.0, 9)

        def three(x: Any) -> Any:
            for _ in range(3):
                x = c * x
            return x

        np.testing.assert_allclose(three(cr.tensor(x)).value, c**3 * x, rtol=1e-15)
        slope = cr.grad(lambda x: cr.sum(three(x)))(x)
        np.testing.assert_allclose(slope, np.full(9, c**3), rtol=1e-15)
        curvature = cr.grad(lambda x: cr.sum(cr.grad(lambda z: cr.sum(three(z) ** 2))(x)))(x)
        np.testing.assert_allclose(curvature, np.full(9, 2 * c**6), rtol=1e-14)
