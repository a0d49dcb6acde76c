"""How well networks trained by chainrule do on digits and on MNIST, and in what time.

    python benchmarks/accuracy.py                 # digits, ten seeds; MNIST where it is found
    python benchmarks/accuracy.py --seeds 3

Prints a Markdown table: test accuracy (mean and range over the seeds) and seconds of training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import chainrule as cr
from chainrule.data import Dataset


@dataclass(frozen=True)
class Task:
    """A network, how it is trained, and on how many seeds."""

    name: str
    data: Callable[[], Dataset]
    layers: Callable[[], list[cr.Dense | cr.Dropout]]
    epochs: int | None
    rate: float
    batch: int
    seeds: int

    def run(self, data: Dataset, seed: int) -> tuple[float, float]:
        """Test accuracy and seconds of one training."""
        net = cr.Sequential(*self.layers())
        began = time.perf_counter()
        net.fit(
            data.X_train, data.y_train, optimizer=cr.Adam(self.rate), epochs=self.epochs,
            batch_size=self.batch, schedule="cosine", seed=seed, progress=False,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        scores = net.evaluate(data.X_test, data.y_test, metrics="accuracy")
        return scores["accuracy"], seconds


TASKS = (
    Task("digits 64-64-10", cr.data.digits,
         lambda: [cr.Dense(64, "relu"), cr.Dense(10, "softmax")], None, 0.01, 32, 10),
    Task("MNIST 784-100-10, 10 epochs", cr.data.mnist,
         lambda: [cr.Dense(100, "relu"), cr.Dense(10, "softmax")], 10, 0.002, 100, 1),
    Task("MNIST 784-512-512-10 with dropout, 10 epochs", cr.data.mnist,
         lambda: [cr.Dense(512, "relu"), cr.Dropout(0.2), cr.Dense(512, "relu"), cr.Dropout(0.2),
                  cr.Dense(10, "softmax")], 10, 0.001, 128, 1),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, help="how many seeds for each task")
    options = parser.parse_args()
    print("| network | seeds | test accuracy: mean (least to most) | seconds of training: median |")
    print("|---|---:|---:|---:|")
    for task in TASKS:
        if task.data is cr.data.mnist and cr.data.find_mnist() is None:
            print(f"| {task.name} | | MNIST is not on this machine: set CHAINRULE_DATA | |")
            continue
        data = task.data()
        seeds = options.seeds or task.seeds
        scores, seconds = zip(*[task.run(data, seed) for seed in range(seeds)], strict=True)
        print(
            f"| {task.name} | {seeds} | {np.mean(scores):.2%} ({min(scores):.2%} to "
            f"{max(scores):.2%}) | {np.median(seconds):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
