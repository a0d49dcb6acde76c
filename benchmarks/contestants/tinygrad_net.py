"""tinygrad on the processor: its own optimizers in a TinyJit step.

It makes its kernels with clang; where there is none, its own x86 assembler is asked for.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from typing import Any

if shutil.which("clang") is None:
    os.environ.setdefault("DEV", "CPU:X86")

from tinygrad import Tensor, TinyJit
from tinygrad.nn.optim import SGD, Adam

from contestants.stepping import loop
from work import Array, Data, Fresh, Layers, Model, Run, Work

ACTIVATIONS = {"sigmoid": Tensor.sigmoid, "tanh": Tensor.tanh, "relu": Tensor.relu}


class Network:
    """The parameters, and the compiled step and outputs; made once, since compiling is slow."""

    def __init__(self, model: Model) -> None:
        self.model = model
        layers = model.initial_parameters(0)
        self.parameters = [Tensor(a).realize() for layer in layers for a in layer]
        # A TinyJit is bound to the shapes that it saw, so each number of rows has its own.
        self.step = cache(lambda rows: TinyJit(self._step))
        self.outputs = cache(lambda rows: TinyJit(self._outputs))
        self.restart(layers)

    def restart(self, layers: Layers) -> None:
        arrays = [a for layer in layers for a in layer]
        for parameter, array in zip(self.parameters, arrays, strict=True):
            parameter.assign(Tensor(array)).realize()
        make = Adam if self.model.optimizer == "adam" else SGD
        fresh = make(self.parameters, lr=self.model.rate)
        if not hasattr(self, "optimizer"):
            self.optimizer = fresh
            return
        for name in ("m", "v", "b1_t", "b2_t"):
            for old, new in zip(
                each(getattr(self.optimizer, name, [])), each(getattr(fresh, name, [])), strict=True
            ):
                old.assign(new).realize()

    def logits(self, x: Tensor) -> Tensor:
        for W, b in zip(self.parameters[:-2:2], self.parameters[1:-2:2], strict=True):
            x = ACTIVATIONS[self.model.hidden](x @ W + b)
        return x @ self.parameters[-2] + self.parameters[-1]

    @Tensor.train()
    def _step(self, x: Tensor, t: Tensor) -> Tensor:
        z = self.logits(x)
        loss = (
            z.binary_crossentropy_logits(t)
            if self.model.output == "sigmoid"
            else z.sparse_categorical_crossentropy(t)
        )
        self.optimizer.zero_grad()
        loss.backward()
        return loss.realize(*self.optimizer.schedule_step())

    def _outputs(self, x: Tensor) -> Tensor:
        z = self.logits(x)
        return (z.sigmoid() if self.model.output == "sigmoid" else z.softmax()).realize()


def each(state: Any) -> list[Tensor]:
    return state if isinstance(state, list) else [state]


network = cache(Network)


def prepare(work: Work, data: Data) -> Fresh:
    """Batches are picked in NumPy and handed over."""
    os.environ["OPTIM_DTYPE"] = work.net.dtype
    net = network(work.net)
    X = data.rows
    T = work.net.targets(data.labels) if work.net.output == "sigmoid" else data.labels

    def fresh() -> Run:
        net.restart(work.initial_parameters())

        def step(rows: Array | None) -> float:
            x, t = (X, T) if rows is None else (X[rows], T[rows])
            return float(net.step(len(x))(Tensor(x).realize(), Tensor(t).realize()).item())

        def predict(rows: Array) -> Array:
            outputs: Array = net.outputs(len(rows))(Tensor(rows).realize()).numpy()
            return outputs

        return Run(lambda: loop(work, len(X), step), predict)

    return fresh
