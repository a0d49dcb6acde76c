"""How good networks get on handwritten digits, with the library's defaults."""

from __future__ import annotations

import os

import numpy as np
import pytest

import chainrule as cr
from chainrule.data.dataset import Dataset


def test_digits_with_the_defaults() -> None:
    """64 relu units; the mean over three seeds, each with a split of its own."""
    scores = []
    for seed in range(3):
        data = cr.data.digits(seed=seed)
        net = cr.Sequential(cr.Dense(64, "relu"), cr.Dense(10, "softmax"))
        history = net.fit(data.X_train, data.y_train, seed=seed)
        assert history.stopped is None
        scores.append(net.evaluate(data.X_test, data.y_test, metrics="accuracy")["accuracy"])
    assert np.mean(scores) >= 0.97, scores
    assert min(scores) >= 0.95, scores


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    folder = os.environ.get("CHAINRULE_DATA")
    if not folder or not os.path.isdir(os.path.join(folder, "mnist")):
        pytest.skip(f"no folder mnist in CHAINRULE_DATA={folder}, so no MNIST files to learn from")
    return cr.data.mnist()


@pytest.mark.parametrize("seed", [0, 1])
def test_mnist_in_one_epoch(mnist: Dataset, seed: int) -> None:
    net = cr.Sequential(cr.Dense(100, "sigmoid"), cr.Dense(10, "softmax")).build(784, seed=seed)
    before = net.evaluate(mnist.X_test, mnist.y_test, metrics="accuracy")
    # Ten classes and nothing learnt: about every tenth by chance, at a loss of about ln 10.
    assert before["accuracy"] == pytest.approx(0.1, abs=0.08)
    assert before["loss"] == pytest.approx(np.log(10), abs=0.5)
    net.fit(
        mnist.X_train, mnist.y_train, optimizer=cr.SGD(0.5), batch_size=100, epochs=1, seed=seed
    )
    after = net.evaluate(mnist.X_test, mnist.y_test, metrics="accuracy")
    assert after["accuracy"] > 0.91
