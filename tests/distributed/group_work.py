"""What the processes of a group do in these tests: a program of their own, run by the launcher.

With ``train FOLDER`` it trains every case and saves what came of it; ``begin FOLDER`` and
``go_on FOLDER`` are a training in two parts; ``trouble WHAT PROCESS FOLDER`` trains without end,
until something happens to one of them.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr

#: Rows, of which batches of 26 leave a last one of 18; neither can be cut into three equal shares.
ROWS, BATCH, EPOCHS = 252, 26, 5
STEPS = EPOCHS * -(-ROWS // BATCH)

CASES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "plain": ([cr.Dense(16, "tanh"), cr.Dense(3, "softmax")], {"optimizer": cr.SGD(0.1)}),
    "across rows": (
        [cr.Dense(16, "tanh"), cr.BatchNorm(), cr.Dropout(0.2), cr.Dense(3, "softmax")],
        {"optimizer": cr.Adam(0.01), "class_weight": {0: 1, 1: 2, 2: 3}, "schedule": "cosine"},
    ),
    "all rows": (
        [cr.Dense(16, "tanh"), cr.Dense(3, "softmax")],
        {"optimizer": cr.Adam(0.01), "batch_size": None, "epochs": STEPS, "validation": 0.1},
    ),
    "L-BFGS": (
        [cr.Dense(16, "tanh"), cr.Dense(3, "softmax")],
        {"optimizer": cr.optim.LBFGS(weight_decay=0.01), "epochs": 12, "validation": 0.1},
    ),
}

#: What is trained, in both precisions where rounding is all that may differ.
TRAINED = [("plain", "float32"), ("across rows", "float32"), ("across rows", "float64"),
           ("all rows", "float64"), ("L-BFGS", "float64")]  # fmt: skip


def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, 8))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 0)


def trained(case: str, dtype: str) -> dict[str, Any]:
    """Parameters and losses after 50 steps."""
    layers, options = CASES[case]
    net = cr.Sequential(*layers, dtype=dtype)
    given: dict[str, Any] = {"epochs": EPOCHS, "batch_size": BATCH, "metrics": "accuracy"}
    history = net.fit(*data(), engine="xla", seed=1, progress=False, **(given | options))
    return net.parameters | net.statistics | {"losses": np.array(history["loss"])}


def resumed(folder: Path, epochs: int, resume: bool) -> dict[str, Any]:
    """A training that writes checkpoints, or goes on from them."""
    layers, options = CASES["across rows"]
    net = cr.Sequential(*layers, dtype="float64")
    net.fit(
        *data(), engine="xla", seed=2, batch_size=BATCH, epochs=epochs,
        callbacks=[cr.Checkpoint(folder, every=2), cr.EarlyStopping(patience=50)],
        resume=folder if resume else None, progress=False,
        **(options | {"schedule": None}),
    )  # fmt: skip
    return net.parameters | net.statistics


def trouble(what: str, process: int, folder: Path) -> None:
    """Train on and on, until something happens to one process."""
    if what == "never" and os.environ["CHAINRULE_PROCESS"] == str(process):
        time.sleep(1000)
    group = cr.distributed.join()

    def happens(training: Any) -> None:
        if training.epoch == 3 and group.process == process:
            if what == "raise":
                raise ValueError("planted")
            if what == "ctrl-c":
                os.kill(os.getppid(), signal.SIGINT)
            else:
                os.kill(os.getpid(), getattr(signal, what))

    net = cr.Sequential(*CASES["plain"][0])
    callbacks = [happens, cr.Checkpoint(folder)]
    history = net.fit(*data(), epochs=10**6, engine="xla", callbacks=callbacks, progress=False)
    if group.is_first:
        print(history.stopped)


def main(what: str, *arguments: str) -> None:
    folder = Path(arguments[-1])
    if what == "trouble":
        trouble(arguments[0], int(arguments[1]), folder)
        return
    group = cr.distributed.join()
    results = {}
    if what == "train":
        for case, dtype in TRAINED if group.devices < 3 else TRAINED[::2]:
            for name, array in trained(case, dtype).items():
                results[f"{case} {dtype} {name}"] = array
    elif what == "begin":
        resumed(folder, 4, resume=False)
    else:
        results = resumed(folder, 8, resume=True)
    if group.is_first:
        np.savez(folder / "results.npz", **results)
        print(group.processes, group.devices)
    group.leave()


if __name__ == "__main__":
    main(*sys.argv[1:])
