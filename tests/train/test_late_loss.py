"""The loss, later: what the step keeps is enough, and gives the same losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.origin import came_from
from chainrule.train.late_loss import SMALL, LateLoss, late_loss
from chainrule.train.step import flat, training_step
from chainrule.train.steps import COUNT

RNG = np.random.default_rng(5)
X = RNG.normal(size=(6, 3))
CASES: dict[str, tuple[Any, Any, str]] = {
    "binary": (cr.Dense(1, "sigmoid"), (X[:, :1] > 0) * 1.0, "binary_cross_entropy"),
    "classes": (cr.Dense(3, "softmax"), X.argmax(axis=1), "cross_entropy"),
    "numbers": (cr.Dense(2), X[:, :2] ** 2, "mean_squared_error"),
}


def late(net: cr.Sequential, loss: str, x: Any, t: Any) -> LateLoss:
    data = {"x": x, "t": t}
    net.build(x.shape[1], seed=1)
    step = training_step(net, net.loss_for(loss), cr.SGD(0.1), {}, data)
    return late_loss(step, data, COUNT)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("engine", ["numpy", "reference"])
def test_losses_and_parameters_are_those_of_steps_with_their_loss(case: str, engine: str) -> None:
    layer, t, loss = CASES[case]
    nets = [cr.Sequential(cr.Dense(4, "tanh"), layer, dtype="float64") for _ in range(2)]
    options: dict[str, Any] = {"loss": loss, "optimizer": cr.SGD(0.1), "batch_size": None}
    at_once = nets[0].fit(X, t, epochs=2 * COUNT + 7, seed=2, engine=engine, **options)
    expected = nets[1].build(3, seed=2).evaluate(X, t)["loss"]
    assert at_once["loss"][0] == pytest.approx(expected, rel=1e-12)
    one_by_one = []
    for _ in range(2 * COUNT + 7):
        one_by_one.append(nets[1].evaluate(X, t)["loss"])
        nets[1].fit(X, t, epochs=1, engine="reference", **options)
    np.testing.assert_allclose(at_once["loss"], one_by_one, rtol=1e-10)


def test_the_scores_are_kept_and_the_step_is_without_its_loss() -> None:
    layer, t, loss = CASES["binary"]
    found = late(cr.Sequential(layer, dtype="float64"), loss, X, t)
    assert found.losses is not None
    assert [found.step.graph.outputs[place].shape for place in found.kept] == [(6, 1)]
    assert not any(node.op and "cross_entropy" in node.op.name for node in found.step.graph.nodes)
    assert found.losses.outputs[0].shape == (COUNT,)


def test_a_loss_of_many_rows_is_not_put_off() -> None:
    x = RNG.normal(size=(SMALL + 1, 2))
    found = late(cr.Sequential(cr.Dense(1, "sigmoid")), "binary_cross_entropy", x, x[:, :1] > 0)
    assert found.losses is None
    assert [found.step.graph.outputs[place].shape for place in found.kept] == [()]


def test_a_rate_that_changes_gives_the_same_losses_as_the_definition() -> None:
    layer, t, loss = CASES["binary"]
    losses = []
    for engine in ("numpy", "reference"):
        net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dropout(0.2), layer, dtype="float64")
        history = net.fit(
            X, t, loss=loss, epochs=300, batch_size=None, seed=3, engine=engine,
            optimizer=cr.SGD(0.2), schedule=cr.Cosine(),
        )  # fmt: skip
        losses.append(history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-9)
    assert len(set(losses[0])) == 300


def test_an_update_stays_behind_the_products() -> None:
    """All its passes follow one another, so that they can be made in one go."""
    net = cr.Sequential(cr.Dense(5, "relu"), cr.Dense(3, "softmax")).build(3, seed=1)
    batch = {"x": X.astype(np.float32), "t": X.argmax(axis=1)}
    theta = flat(net.parameters, net.dtype)
    adam = cr.Adam(0.01)
    step = training_step(net, net.loss_for(), adam, adam.init(theta), batch)
    nodes = late_loss(step, (), COUNT).step.graph.nodes
    last_product = max(i for i, node in enumerate(nodes) if came_from(node, "matmul"))
    passes = [i for i, x in enumerate(nodes) if x.shape == theta.shape and x.inputs]
    assert min(passes) > last_product
