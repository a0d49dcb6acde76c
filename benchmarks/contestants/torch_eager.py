"""PyTorch in eager mode, as quick as idiomatic code gets.

Batches are rows of one tensor picked by a shuffled permutation, because a DataLoader would spend
more time on collecting rows than the network on learning; by ``index_select``, which takes a third
of the time of ``X[rows]``. SGD's ``foreach`` and ``fused`` were tried and change nothing here.
"""

from __future__ import annotations

import torch
from torch import nn

from contestants import Training
from workloads import Array, Data, Workload

torch.set_num_threads(1)

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


def prepare(work: Workload, data: Data, epochs: int) -> Training:
    """The tensors share memory with the arrays, so nothing is copied before or while timing."""
    torch.manual_seed(work.seed)
    net = network(work)
    X = torch.from_numpy(data.rows)
    y = torch.from_numpy(data.labels)
    criterion: nn.Module = nn.CrossEntropyLoss()
    if work.output == "sigmoid":
        y = y.to(X.dtype).unsqueeze(1)
        criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=work.rate)

    def step(rows: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss: torch.Tensor = criterion(net(rows), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def train() -> list[float]:
        losses = []
        for _ in range(epochs):
            if work.batch is None:
                losses.append(step(X, y).item())
                continue
            batches = torch.randperm(len(X)).split(work.batch)
            steps = [step(X.index_select(0, rows), y.index_select(0, rows)) for rows in batches]
            losses.append(torch.stack(steps).mean().item())
        return losses

    def predict(rows: Array) -> Array:
        with torch.no_grad():
            logits = net(torch.from_numpy(rows))
            if work.output == "sigmoid":
                return logits.sigmoid().numpy()
            return logits.softmax(dim=1).numpy()

    return Training(train, predict)


def network(work: Workload) -> nn.Sequential:
    """The layers with the workload's weights; the output activation belongs to the loss."""
    dtype = getattr(torch, work.dtype)
    layers = [
        nn.Linear(n, m, dtype=dtype) for n, m in zip(work.sizes, work.sizes[1:], strict=False)
    ]
    with torch.no_grad():
        for layer, (weights, biases) in zip(layers, work.initial_parameters(), strict=True):
            layer.weight.copy_(torch.from_numpy(weights.T))
            layer.bias.copy_(torch.from_numpy(biases))
    return nn.Sequential(layers[0], ACTIVATIONS[work.hidden](), layers[1])
