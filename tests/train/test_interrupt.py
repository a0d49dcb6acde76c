"""Ctrl-C keeps what was learnt."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import chainrule as cr

X = np.random.default_rng(3).standard_normal((40, 3))
Y = X[:, :1]


def interrupt_after(epoch: int) -> Any:
    def callback(training: Any) -> None:
        if training.epoch == epoch:
            raise KeyboardInterrupt

    return callback


@pytest.mark.parametrize("batch_size", [None, 16])
def test_an_interrupt_between_epochs(batch_size: int | None) -> None:
    net, short = cr.Sequential(cr.Dense(1)), cr.Sequential(cr.Dense(1))
    history = net.fit(X, Y, epochs=50, batch_size=batch_size, callbacks=interrupt_after(3))
    assert history.stopped == "interrupted by the user in epoch 4"
    assert history["epoch"] == [1, 2, 3]
    assert all(len(values) == 3 for values in history.columns.values())
    # What is left is what three epochs learn.
    short.fit(X, Y, epochs=3, batch_size=batch_size)
    np.testing.assert_array_equal(net.parameters["W1"], short.parameters["W1"])


def test_callbacks_still_end() -> None:
    """Early stopping puts the best parameters back, as after any other training."""
    ended: list[int] = []

    class End(cr.Callback):
        def on_end(self, training: Any) -> None:
            ended.append(training.epoch)

    net = cr.Sequential(cr.Dense(1))
    snapshots = cr.Snapshots()

    def worse(training: Any) -> None:
        training.history.columns["accuracy"] = [0.5, 0.9, 0.1, 0.1][: training.epoch]

    net.fit(
        X, Y, epochs=50,
        callbacks=[worse, End(), snapshots, cr.EarlyStopping("accuracy"), interrupt_after(4)],
    )  # fmt: skip
    assert ended == [4]
    np.testing.assert_array_equal(net.parameters["W1"], snapshots.taken[2][1]["W1"])


def test_no_restart_after_an_interrupt() -> None:
    X, y = cr.data.gate("xor")
    history = cr.Sequential(cr.Dense(2, "tanh"), cr.Dense(1, "sigmoid")).fit(
        X, y, restarts=3, callbacks=interrupt_after(2)
    )
    assert history.stopped == "interrupted by the user in epoch 3"
    assert history.tries == []


def test_an_interrupt_of_lbfgs() -> None:
    net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1))
    history = net.fit(X, Y**2, optimizer="lbfgs", epochs=50, callbacks=interrupt_after(2))
    assert history.stopped == "interrupted by the user in epoch 3"
    assert len(history) == 2
    assert np.isfinite(net.predict(X)).all()


CHILD = """
import json, sys
import numpy as np
import chainrule as cr

class Ready(cr.Callback):
    def on_epoch(self, training):
        self.passed = training.epoch
    def on_tick(self, training, position):
        if position > 2:
            print("ready", flush=True)

rng = np.random.default_rng(0)
X = rng.standard_normal((30000, 8))
net = cr.Sequential(cr.Dense(8, "tanh"), cr.BatchNorm(), cr.Dense(1))
history = net.fit(X, X[:, :1], batch_size=3, epochs=1000, optimizer=sys.argv[1], callbacks=Ready())
arrays = {**net.parameters, **net.statistics}
print(json.dumps({
    "stopped": history.stopped,
    "epochs": history["epoch"],
    "lengths": [len(values) for values in history.columns.values()],
    "finite": all(bool(np.isfinite(a).all()) for a in arrays.values()),
    "loss": net.evaluate(X, X[:, :1])["loss"],
}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process there")
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_real_signal_in_the_middle_of_an_epoch(optimizer: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, optimizer],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=120)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 0, err
    told = json.loads(out.splitlines()[-1])
    epochs = told["epochs"]
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) >= 2
    assert told["stopped"] == f"interrupted by the user in epoch {len(epochs) + 1}"
    assert set(told["lengths"]) == {len(epochs)}
    assert told["finite"]
    assert told["loss"] < 0.5
