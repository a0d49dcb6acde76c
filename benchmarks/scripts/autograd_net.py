import sys

import autograd.numpy as anp
import numpy as np
from autograd import grad
from autograd.misc.optimizers import adam

d = np.load(sys.argv[1])
X, T = d["rows"], np.eye(10, dtype=np.float32)[d["labels"]]
rng = np.random.default_rng(0)
he = np.sqrt(2 / 64)
theta = [
    rng.normal(0, he, (64, 64)).astype(np.float32), np.zeros(64, np.float32),
    rng.normal(0, he, (64, 10)).astype(np.float32), np.zeros(10, np.float32),
]  # fmt: skip
steps = -(-len(X) // 32)
orders = [rng.permutation(len(X)) for _ in range(20)]


def logits(theta, x):
    W1, b1, W2, b2 = theta
    return anp.dot(anp.maximum(anp.dot(x, W1) + b1, 0), W2) + b2


def loss(theta, i):
    rows = orders[i // steps][i % steps * 32 : (i % steps + 1) * 32]
    z = logits(theta, X[rows])
    z = z - anp.max(z, axis=1, keepdims=True)
    return anp.mean(anp.log(anp.sum(anp.exp(z), axis=1)) - anp.sum(z * T[rows], axis=1))


theta = adam(grad(loss), theta, num_iters=20 * steps, step_size=0.01)
found = logits(theta, d["test_rows"]).argmax(axis=1)
print((found == d["test_labels"]).mean())
