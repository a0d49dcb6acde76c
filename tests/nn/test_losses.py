from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import chainrule as cr
from chainrule.errors import OptionError, ShapeError
from chainrule.nn.losses import NAMED, PUBLIC, Loss, loss

RNG = np.random.default_rng(5)
ROWS, K = 7, 4
P = RNG.uniform(0.05, 0.95, (ROWS, 3))
T = RNG.uniform(0.0, 1.0, (ROWS, 3))
WEIGHTS = RNG.uniform(0.0, 3.0, ROWS)
LOGITS = RNG.standard_normal((ROWS, K)) * 3
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
INDICES = RNG.integers(0, K, ROWS)
ONE_HOT = np.eye(K)[INDICES]
SOFT = RNG.dirichlet(np.ones(K), ROWS)

# Each entry's loss according to PyTorch.
ENTRIES: dict[str, Callable[..., torch.Tensor]] = {
    "binary_cross_entropy": functools.partial(functional.binary_cross_entropy, reduction="none"),
    "mean_squared_error": functools.partial(functional.mse_loss, reduction="none"),
    "sum_squared_error": functools.partial(functional.mse_loss, reduction="none"),
    "half_sum_squared_error": lambda p, t: functional.mse_loss(p, t, reduction="none") / 2,
    "mean_absolute_error": functools.partial(functional.l1_loss, reduction="none"),
    "huber": functools.partial(functional.huber_loss, reduction="none"),
}
SUMS = {"sum_squared_error", "half_sum_squared_error"}


def torch_loss(name: str, p: torch.Tensor, t: Any, weights: Any = None) -> torch.Tensor:
    entries = ENTRIES[name](p, torch.tensor(t))
    if weights is not None:
        w = torch.tensor(weights)
        if name in SUMS:
            return (entries.sum(1) * w).sum()
        return (entries.mean(1) * w).sum() / w.sum()
    return entries.sum() if name in SUMS else entries.mean()


def value_and_gradient(function: Callable[[Any], Any], x: Any) -> tuple[float, np.ndarray]:
    """The value and the gradient that PyTorch finds."""
    leaf = torch.tensor(x, requires_grad=True)
    value = function(leaf)
    value.backward()
    assert leaf.grad is not None
    return value.item(), leaf.grad.numpy()


def check(ours: Callable[[Any], Any], theirs: Callable[[Any], Any], x: np.ndarray) -> None:
    value, gradient = value_and_gradient(theirs, x)
    leaf = cr.tensor(x)
    recorded = ours(leaf)
    recorded.backward()
    assert recorded.shape == ()
    np.testing.assert_allclose(recorded.value, value, rtol=1e-12)
    np.testing.assert_allclose(leaf.grad, gradient, rtol=1e-11, atol=1e-14)
    plain = ours(x)
    assert not isinstance(plain, cr.Tensor)
    np.testing.assert_allclose(plain, value, rtol=1e-12)


# --- against PyTorch ----------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("name", ENTRIES)
def test_values_and_gradients_agree_with_pytorch(name: str, weights: Any) -> None:
    far = 3.0 if name == "huber" else 1.0  # so that both branches of huber are met
    check(
        lambda p: PUBLIC[name](p, T * far, weights),
        lambda p: torch_loss(name, p, T * far, weights),
        P,
    )


@pytest.mark.parametrize("delta", [0.1, 0.5, 2.0])
def test_huber_with_a_delta(delta: float) -> None:
    check(
        lambda p: cr.huber(p, T, delta=delta),
        lambda p: functional.huber_loss(p, torch.tensor(T), delta=delta),
        P,
    )


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("targets", [INDICES, INDICES.astype(np.uint8), ONE_HOT, SOFT])
def test_cross_entropy_of_a_softmax_agrees_with_pytorch(targets: Any, weights: Any) -> None:
    t = torch.tensor(targets.astype(np.int64) if targets.ndim == 1 else targets)

    def theirs(z: torch.Tensor) -> torch.Tensor:
        rows = functional.cross_entropy(z, t, reduction="none")
        w = torch.ones(ROWS, dtype=torch.float64) if weights is None else torch.tensor(weights)
        return (rows * w).sum() / w.sum()

    check(lambda z: cr.cross_entropy(cr.softmax(z), targets, weights), theirs, LOGITS)


@pytest.mark.parametrize("targets", [INDICES, INDICES.tolist(), ONE_HOT, SOFT])
def test_cross_entropy_of_bare_probabilities(targets: Any) -> None:
    t = torch.tensor(ONE_HOT if np.ndim(targets) == 1 else targets)
    check(
        lambda p: cr.cross_entropy(p, targets),
        lambda p: -(t * torch.log(p)).sum(1).mean(),
        PROBABILITIES,
    )


def test_binary_cross_entropy_of_a_sigmoid_agrees_with_pytorch() -> None:
    t = T[:, :1]
    check(
        lambda z: cr.binary_cross_entropy(cr.sigmoid(z), t, WEIGHTS),
        lambda z: (
            functional.binary_cross_entropy_with_logits(
                z, torch.tensor(t), weight=torch.tensor(WEIGHTS[:, None]), reduction="sum"
            )
            / WEIGHTS.sum()
        ),
        LOGITS[:, :1],
    )


@pytest.mark.parametrize("name", PUBLIC)
def test_one_dimensional_outputs(name: str) -> None:
    if name == "cross_entropy":
        assert cr.cross_entropy(PROBABILITIES[0], 2) == pytest.approx(-np.log(PROBABILITIES[0, 2]))
        return
    p, t = P[:, 0], T[:, 0]
    assert PUBLIC[name](p, t) == pytest.approx(PUBLIC[name](p[:, None], t[:, None]))
    assert PUBLIC[name](p, t, WEIGHTS) == pytest.approx(
        PUBLIC[name](p[:, None], t[:, None], WEIGHTS)
    )
    assert PUBLIC[name](p.tolist(), t.tolist()) == pytest.approx(PUBLIC[name](p, t))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_weight_of_two_is_a_row_written_twice(name: str) -> None:
    p, t = (PROBABILITIES, SOFT) if name == "cross_entropy" else (P, T)
    weights = np.ones(ROWS)
    weights[2], weights[4] = 2, 0
    rows = [0, 1, 2, 2, 3, 5, 6]
    assert PUBLIC[name](p, t, weights) == pytest.approx(PUBLIC[name](p[rows], t[rows]), rel=1e-12)


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(name: str, dtype: type) -> None:
    p, t = (PROBABILITIES, SOFT) if name == "cross_entropy" else (P, T)
    p, t, w = p.astype(dtype), t.astype(dtype), WEIGHTS.astype(dtype)
    assert PUBLIC[name](cr.tensor(p), t).dtype == dtype
    assert PUBLIC[name](cr.tensor(p), t, w).dtype == dtype
    assert PUBLIC[name](p, t, w).dtype == dtype


# --- at the edge of numbers ---------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e3, 1e4, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_behind_a_sigmoid(size: float, dtype: type) -> None:
    z = cr.tensor(np.array([[size], [-size], [size], [-size]], dtype))
    t = np.array([[1], [0], [0], [1]], dtype)
    value = cr.binary_cross_entropy(cr.sigmoid(z), t)
    value.backward()
    # Right answers cost nothing, wrong ones |z|; the slope is σ(z) - t.
    np.testing.assert_allclose(value.value, dtype(size) / 2, rtol=1e-6)
    np.testing.assert_array_equal(z.grad, np.array([[0], [0], [1], [-1]]) / 4)


@pytest.mark.parametrize("size", [1e3, 1e4, 1e30])
@pytest.mark.parametrize("labels", ["indices", "one-hot", "soft"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_behind_a_softmax(size: float, labels: str, dtype: type) -> None:
    z = cr.tensor(np.array([[size, -size], [size, -size]], dtype))
    hot = np.array([[1, 0], [0, 1]], dtype)
    t = {"indices": np.array([0, 1]), "one-hot": hot, "soft": 0.5 * hot + dtype(0.25)}[labels]
    value = cr.cross_entropy(cr.softmax(z), t)
    value.backward()
    # One row of two is wrong by 2 |z|, or each by its share of that.
    np.testing.assert_allclose(value.value, dtype(size), rtol=1e-6)
    soft = t if t.ndim == 2 else hot
    np.testing.assert_allclose(z.grad, (np.array([[1, 0], [1, 0]]) - soft) / 2, atol=1e-7)


@pytest.mark.parametrize("size", [1e3, 1e4])
@pytest.mark.parametrize("last", ["sigmoid", "softmax"])
@pytest.mark.parametrize("engine", ["numpy", "reference"])
def test_a_network_with_huge_logits_learns_and_is_measured(
    size: float, last: str, engine: str
) -> None:
    units = 1 if last == "sigmoid" else 2
    net = cr.Sequential(cr.Dense(units, last, weight_init=0.0)).build(1)
    net.parameters["W1"][...] = [[size, -size][:units]] if units == 2 else [[size]]
    X, y = np.array([[1.0], [-1.0], [1.0], [-1.0]]), np.array([0, 1, 0, 1])
    scores = net.evaluate(X, y, metrics="accuracy", engine=engine)
    # The sigmoid is sure and wrong; the softmax sure and right.
    assert scores["loss"] == pytest.approx(size if last == "sigmoid" else 0.0, rel=1e-6)
    assert scores["accuracy"] == (0 if last == "sigmoid" else 1)
    before = net.parameters["W1"].copy()
    history = net.fit(X, y, epochs=2, batch_size=None, optimizer=cr.SGD(1.0), engine=engine)
    assert history.stopped is None
    assert np.isfinite(history["loss"]).all()
    moved = 0.0 if last == "softmax" else -2.0
    np.testing.assert_allclose(net.parameters["W1"] - before, moved, atol=1e-3)


def test_rounded_predictions_that_are_right_cost_nothing() -> None:
    # float32 rounds a sigmoid or softmax to exactly 0 and 1 long before it is certain.
    p = np.array([[1, 0], [0, 1]], np.float32)
    assert cr.cross_entropy(p, [0, 1]) == 0
    assert cr.cross_entropy(p, p) == 0
    assert cr.binary_cross_entropy(p, p) == 0
    with np.errstate(divide="ignore"):
        assert cr.cross_entropy(p, [1, 0]) == np.inf
        assert cr.binary_cross_entropy(p, 1 - p) == np.inf


def test_rows_whose_weights_are_all_zero_have_a_loss_of_zero() -> None:
    p = cr.tensor(P)
    value = cr.mean_squared_error(p, T, np.zeros(ROWS))
    value.backward()
    assert value.item() == 0
    np.testing.assert_array_equal(p.grad, np.zeros_like(P))


def test_a_batch_of_zero_weights_does_not_end_a_training() -> None:
    X, y = np.arange(8.0).reshape(-1, 1) / 8, np.arange(8.0)
    net = cr.Sequential(cr.Dense(1))
    history = net.fit(X, y, batch_size=2, epochs=3, sample_weight=[0, 0, 0, 0, 0, 0, 0, 1])
    assert history.stopped is None
    assert np.isfinite(history["loss"]).all()


def test_a_softmax_along_another_axis_is_taken_as_it_is() -> None:
    p = cr.softmax(cr.tensor(LOGITS[:, :3]), axis=0)
    t = INDICES % 3
    assert cr.cross_entropy(p, t).item() == pytest.approx(cr.cross_entropy(p.value, t))


# --- shapes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("wrap", [np.asarray, cr.tensor])
def test_a_column_is_never_broadcast_against_a_row(name: str, wrap: Callable[..., Any]) -> None:
    column, row = P[:, :1], T[:, 0]
    for p, t in ((column, row), (row, column)):
        with pytest.raises(ShapeError) as caught:
            PUBLIC[name](wrap(p), t)
        assert str(caught.value) == (
            f"{name} of outputs {p.shape} and targets {t.shape}: they must have the same shape. "
            "(n,) against (n, 1) would broadcast to (n, n): write t.reshape(-1, 1)."
        )


@pytest.mark.parametrize(
    "targets",
    [
        INDICES[:, None],
        INDICES.astype(float),
        ONE_HOT[:, :3],
        INDICES[:, None].astype(float),
        np.int64(1),
    ],
)
def test_cross_entropy_names_the_shapes_it_wants(targets: np.ndarray) -> None:
    for p in (PROBABILITIES, cr.softmax(cr.tensor(LOGITS))):
        with pytest.raises(ShapeError) as caught:
            cr.cross_entropy(p, targets)
        assert str(caught.value) == (
            f"cross_entropy of outputs (7, 4) and targets {targets.shape}: class indices (7,) "
            "(integers) or labels (7, 4) were expected."
        )


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.parametrize("shape", [(ROWS, 1), (1,), (), (ROWS - 1,)])
def test_weights_are_one_a_row(name: str, shape: tuple[int, ...]) -> None:
    p, t = (PROBABILITIES, SOFT) if name == "cross_entropy" else (P, T)
    with pytest.raises(ShapeError) as caught:
        PUBLIC[name](p, t, np.ones(shape))
    assert str(caught.value) == (
        f"{name}: weights have shape {shape}; one number for each row is (7,)."
    )


# --- what a loss may be -------------------------------------------------------------------------


def test_specs() -> None:
    for name, known in NAMED.items():
        assert loss(name) is known
        assert loss(known) is known
        assert loss(PUBLIC[name]) is known
    assert list(NAMED) == list(PUBLIC)


def test_mistakes_are_explained() -> None:
    with pytest.raises(OptionError, match=r"loss 'cross_entrop' is not known. Did you mean"):
        loss("cross_entrop")
    with pytest.raises(OptionError, match=r"a loss is a name or a function \(outputs, targets\),"):
        loss(3)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"huber needs delta > 0, got 0."):
        cr.huber(P, T, delta=0)


def test_a_loss_of_ones_own_trains_and_refuses_weights() -> None:
    def fourth(p: Any, t: Any) -> Any:
        return cr.mean((p - t) ** 4)

    X = np.linspace(-1, 1, 20)[:, None]
    net = cr.Sequential(cr.Dense(1))
    history = net.fit(X, 2 * X + 1, loss=fourth, optimizer=cr.Adam(0.1), epochs=50)
    assert history["loss"][-1] < 0.01 * history["loss"][0]
    assert net.evaluate(X, 2 * X + 1)["loss"] == pytest.approx(
        np.mean((net.predict(X) - 2 * X - 1) ** 4), rel=1e-4
    )
    with pytest.raises(OptionError, match="weights need a loss that chainrule knows row by row"):
        net.fit(X, X, loss=fourth, sample_weight=np.ones(20), epochs=1)
    rows = Loss("fourth", lambda p, t: (p - t) ** 4)
    assert net.evaluate(X, X, loss=rows, sample_weight=np.ones(20)) == pytest.approx(
        net.evaluate(X, X, loss=fourth)
    )
