"""The reference: the workload's training in float64 NumPy, the plainest way.

Every array has a leading axis of networks, so that it serves one and a stack of many. It is not a
contestant and not timed: it says where an honest training ends.
"""

from __future__ import annotations

import numpy as np

from work import ADAM, Array, Data, Model, Reference, Work


def reference(work: Work, data: Data) -> Reference:
    """Train (or, for inference, only look) and score on the test rows."""
    net = work.net
    starts = [net.initial_parameters(work.seed + i) for i in range(work.networks)]
    theta: list[Array] = []
    for layer in zip(*starts, strict=True):
        theta.append(np.stack([W for W, _ in layer]).astype(np.float64))
        theta.append(np.stack([b for _, b in layer])[:, None, :].astype(np.float64))
    if work.kind == "training":
        train(work, data, theta)
    outputs = forward(net, theta, data.test_rows.astype(np.float64))[-1]
    scores = np.array([net.score(p, data.test_labels) for p in outputs])
    loss, accuracy = scores.mean(axis=0)
    return Reference(float(loss), float(accuracy))


def train(work: Work, data: Data, theta: list[Array]) -> None:
    """Change ``theta`` (W1, b1, W2, b2, ...) as the workload says."""
    net = work.net
    X, T = data.rows.astype(np.float64), net.targets(data.labels).astype(np.float64)
    first = [np.zeros_like(p) for p in theta]
    second = [np.zeros_like(p) for p in theta]
    step = 0
    for batches in work.orders(len(X)):
        for rows in batches:
            step += 1
            x, t = (X, T) if work.batch is None else (X[rows], T[rows])
            gradients = backward(net, theta, forward(net, theta, x), t)
            for p, g, m, v in zip(theta, gradients, first, second, strict=True):
                p -= net.rate * (g if net.optimizer == "sgd" else adam(g, m, v, step))


def adam(g: Array, m: Array, v: Array, step: int) -> Array:
    """Adam's direction (Kingma and Ba, 2015), its moments changed in place."""
    m += (1 - ADAM["beta1"]) * (g - m)
    v += (1 - ADAM["beta2"]) * (g * g - v)
    corrected = np.sqrt(v / (1 - ADAM["beta2"] ** step)) + ADAM["epsilon"]
    direction: Array = m / (1 - ADAM["beta1"] ** step) / corrected
    return direction


def forward(net: Model, theta: list[Array], x: Array) -> list[Array]:
    """The input and every layer's output, each (networks, rows, units)."""
    values = [x[None]]
    for i in range(0, len(theta), 2):
        z = values[-1] @ theta[i] + theta[i + 1]
        values.append(activate(net.output if i + 2 == len(theta) else net.hidden, z))
    return values


def activate(name: str, z: Array) -> Array:
    """The activation called ``name``."""
    if name == "sigmoid":
        return 0.5 + 0.5 * np.tanh(0.5 * z)
    if name == "tanh":
        return np.tanh(z)
    if name == "relu":
        return np.maximum(z, 0.0)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    softmax: Array = e / e.sum(axis=-1, keepdims=True)
    return softmax


SLOPES = {
    "sigmoid": lambda h: h * (1 - h),
    "tanh": lambda h: 1 - h * h,
    "relu": lambda h: (h > 0).astype(h.dtype),
}


def backward(net: Model, theta: list[Array], values: list[Array], t: Array) -> list[Array]:
    """The gradient of the mean cross-entropy, in the order of ``theta``."""
    d = (values[-1] - t) / len(t)
    gradients: list[Array] = []
    for i in range(len(theta) - 2, -1, -2):
        h = values[i // 2]
        gradients[:0] = [np.swapaxes(h, 1, 2) @ d, d.sum(axis=1, keepdims=True)]
        if i:
            d = d @ np.swapaxes(theta[i], 1, 2) * SLOPES[net.hidden](h)
    return gradients
