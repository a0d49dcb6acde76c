"""The floor of a training: what would be left if everything else took no time.

With batches: the matrix products of every step and nothing else, in NumPy's own BLAS; no
activation, no loss, no update, no shuffling, no fresh array. It learns nothing. On XOR, where calls
cost more than products: the whole training as a loop in C (``xor.c``), many networks abreast. It
does learn. Neither is a contestant.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from work import Array, Data, Fresh, Run, Work

#: Networks abreast in C: doubles in a register of 512 bits.
WIDEST = 8


def prepare(work: Work, data: Data) -> Fresh:
    """The C loop for XOR, the products for the rest."""
    return prepare_many(work, data) if work.net.output == "sigmoid" else products(work, data)


def products(work: Work, data: Data) -> Fresh:
    """Forward a product a layer, backward two: the gradient of the data is nobody's need."""
    weights = [W for W, _ in work.initial_parameters()]
    size = work.batch or len(data.rows)
    starts = range(0, len(data.rows), size)
    batches = [data.rows[at : at + size] for at in starts][: work.steps]

    def buffers(rows: int) -> list[Array]:
        return [np.zeros((rows, n), work.net.dtype) for n in work.net.sizes[1:]]

    forward = {len(x): buffers(len(x)) for x in batches}
    backward = {len(x): buffers(len(x)) for x in batches}
    gradients = [np.empty_like(W) for W in weights]

    def train() -> Any:
        for _ in range(work.epochs):
            for x in batches:
                values, slopes = [x, *forward[len(x)]], backward[len(x)]
                for i, W in enumerate(weights):
                    np.dot(values[i], W, out=values[i + 1])
                for i in reversed(range(len(weights))):
                    np.dot(values[i].T, slopes[i], out=gradients[i])
                    if i:
                        np.dot(slopes[i], weights[i].T, out=slopes[i - 1])
        return []

    buffers_of = cache(buffers)

    def predict(rows: Array) -> Array:
        for W, out in zip(weights, buffers_of(len(rows)), strict=True):
            rows = np.dot(rows, W, out=out)
        return rows

    return lambda: Run(train, predict if work.kind == "inference" else None)


@cache
def library(lanes: int) -> Any:
    """``xor.c``, compiled for this processor. Raises FileNotFoundError without gcc."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise FileNotFoundError("gcc is not here to compile the floor")
    source = Path(__file__).with_name("xor.c")
    with tempfile.TemporaryDirectory() as folder:
        compiled, linked = str(Path(folder) / "xor.o"), str(Path(folder) / "xor.so")
        options = ["-Ofast", "-march=native", f"-DLANES={lanes}", "-fPIC", "-c"]
        subprocess.run([compiler, *options, str(source), "-o", compiled], check=True)
        # Linked with -Ofast as well, loading it would round subnormal numbers of this process to 0.
        subprocess.run([compiler, "-shared", compiled, "-o", linked, "-lm"], check=True)
        return ctypes.CDLL(linked)


def prepare_many(work: Work, data: Data) -> Fresh:
    """XOR networks in C, as many abreast as fit into the widest registers."""
    lanes = WIDEST if work.networks % WIDEST == 0 else 1
    train_in_c = library(lanes).train
    X, T = np.ascontiguousarray(data.rows), work.net.targets(data.labels)
    inputs, units, _ = work.net.sizes
    blocks = work.networks // lanes

    def fresh() -> Run:
        seeds = range(work.seed, work.seed + work.networks)
        starts = [work.net.initial_parameters(seed) for seed in seeds]
        flat = [np.concatenate([a.ravel() for layer in start for a in layer]) for start in starts]
        # (blocks, parameters, lanes): a block's networks lie side by side.
        theta = np.array(flat).reshape(blocks, lanes, -1).swapaxes(1, 2).copy()
        losses = np.zeros((blocks, work.epochs, lanes))

        def train() -> Any:
            for block, curve in zip(theta, losses, strict=True):
                train_in_c(
                    *(ctypes.c_void_p(a.ctypes.data) for a in (X, T, block, curve)),
                    *(ctypes.c_int(n) for n in (len(X), inputs, units, work.epochs)),
                    ctypes.c_double(work.net.rate),
                )
            return losses.swapaxes(0, 1).reshape(work.epochs, -1)

        def predict(rows: Array) -> Array:
            each = theta.swapaxes(1, 2).reshape(work.networks, -1)
            W1, b1, W2, b2 = np.split(each, np.cumsum([inputs * units, units, units]), axis=1)
            h = np.tanh(rows @ W1.reshape(-1, inputs, units) + b1[:, None])
            p: Array = 1 / (1 + np.exp(-(h @ W2[:, :, None] + b2[:, None])))
            return p if work.networks > 1 else p[0]

        return Run(train, predict)

    return fresh
