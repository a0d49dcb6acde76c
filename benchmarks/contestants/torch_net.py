"""PyTorch, as quick as idiomatic code gets: eager, with fused Adam, or compiled.

Batches are rows of one tensor picked by ``index_select``, because a DataLoader would spend more
time on collecting rows than the network on learning.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import nn

from contestants.stepping import loop
from machine import one_thread
from work import Array, Data, Fresh, Layers, Model, Run, Work

if one_thread():
    torch.set_num_threads(1)

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}


def prepare(work: Work, data: Data, *, fused: bool = False, compiled: bool = False) -> Fresh:
    """The tensors share memory with the arrays, so nothing is copied before or while timing."""
    net, forward = network(work.net, compiled)
    X = torch.from_numpy(data.rows)
    y = torch.from_numpy(data.labels)
    criterion: nn.Module = nn.CrossEntropyLoss()
    if work.net.output == "sigmoid":
        y = y.to(X.dtype).unsqueeze(1)
        criterion = nn.BCEWithLogitsLoss()

    def fresh() -> Run:
        restart(net, work.initial_parameters())
        optimizer = optimizer_of(work.net, net, fused)

        def step(rows: Array | None) -> torch.Tensor:
            x, t = X, y
            if rows is not None:
                picked = torch.from_numpy(rows)
                x, t = X.index_select(0, picked), y.index_select(0, picked)
            optimizer.zero_grad()
            loss: torch.Tensor = criterion(forward(x), t)
            loss.backward()
            optimizer.step()
            return loss.detach()

        def predict(rows: Array) -> Array:
            with torch.inference_mode():
                logits = forward(torch.from_numpy(rows))
                if work.net.output == "sigmoid":
                    return logits.sigmoid().numpy()
                return logits.softmax(dim=1).numpy()

        return Run(lambda: loop(work, len(X), step, mean), predict)

    return fresh


def mean(losses: list[torch.Tensor]) -> float:
    return torch.stack(losses).mean().item()


@cache
def network(model: Model, compiled: bool) -> tuple[nn.Sequential, nn.Module]:
    """The layers, and what to call them by; made once, since compiling takes seconds."""
    dtype = getattr(torch, model.dtype)
    layers: list[nn.Module] = []
    for n, m in zip(model.sizes, model.sizes[1:], strict=False):
        layers += [nn.Linear(n, m, dtype=dtype), ACTIVATIONS[model.hidden]()]
    net = nn.Sequential(*layers[:-1])
    return net, torch.compile(net) if compiled else net


def restart(net: nn.Sequential, layers: Layers) -> None:
    """Put the workload's first parameters into the network."""
    linear = [layer for layer in net if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for layer, (weights, biases) in zip(linear, layers, strict=True):
            layer.weight.copy_(torch.from_numpy(weights.T))
            layer.bias.copy_(torch.from_numpy(biases))


def optimizer_of(model: Model, net: nn.Sequential, fused: bool) -> torch.optim.Optimizer:
    """SGD or Adam; fused does the whole update in one kernel."""
    if model.optimizer == "adam":
        return torch.optim.Adam(net.parameters(), lr=model.rate, fused=fused)
    return torch.optim.SGD(net.parameters(), lr=model.rate, fused=fused)


def prepare_many(work: Work, data: Data) -> Fresh:
    """All networks in one stack of parameters, by batched products; SGD."""
    X = torch.from_numpy(data.rows)
    T = torch.from_numpy(work.net.targets(data.labels)).expand(work.networks, -1, -1)
    activation = ACTIVATIONS[work.net.hidden]()

    def fresh() -> Run:
        seeds = range(work.seed, work.seed + work.networks)
        layers = list(zip(*map(work.net.initial_parameters, seeds), strict=True))
        theta = []
        for layer in layers:
            theta.append(torch.from_numpy(np.stack([W for W, _ in layer])).requires_grad_())
            theta.append(torch.from_numpy(np.stack([b[None] for _, b in layer])).requires_grad_())
        optimizer = torch.optim.SGD(theta, lr=work.net.rate)
        W1, b1, W2, b2 = theta

        def forward(x: torch.Tensor) -> torch.Tensor:
            return torch.baddbmm(b2, activation(torch.matmul(x, W1) + b1), W2)

        def step(rows: Array | None) -> torch.Tensor:
            optimizer.zero_grad()
            each = nn.functional.binary_cross_entropy_with_logits(forward(X), T, reduction="none")
            losses = each.mean(dim=(1, 2))
            losses.sum().backward()
            optimizer.step()
            return losses.detach()

        def predict(rows: Array) -> Array:
            with torch.inference_mode():
                return forward(torch.from_numpy(rows)).sigmoid().numpy()

        return Run(
            lambda: loop(work, len(X), step, lambda losses: torch.stack(losses).mean(0).numpy()),
            predict,
        )

    return fresh
