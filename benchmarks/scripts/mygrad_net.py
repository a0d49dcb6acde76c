import sys

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu
from mygrad.nnet.losses import softmax_crossentropy

d = np.load(sys.argv[1])
X, y = d["rows"], d["labels"]
rng = np.random.default_rng(0)
he = np.sqrt(2 / 64)
W1 = mg.tensor(rng.normal(0, he, (64, 64)).astype(np.float32))
W2 = mg.tensor(rng.normal(0, he, (64, 10)).astype(np.float32))
b1, b2 = mg.zeros(64, dtype=np.float32), mg.zeros(10, dtype=np.float32)
theta = [W1, b1, W2, b2]
m = [np.zeros_like(p.data) for p in theta]
v = [np.zeros_like(p.data) for p in theta]


def logits(x):
    return relu(x @ W1 + b1) @ W2 + b2


step = 0
for _ in range(20):
    order = rng.permutation(len(X))
    for at in range(0, len(X), 32):
        rows = order[at : at + 32]
        softmax_crossentropy(logits(X[rows]), y[rows]).backward()
        step += 1
        for i, p in enumerate(theta):
            m[i] = 0.9 * m[i] + 0.1 * p.grad
            v[i] = 0.999 * v[i] + 0.001 * p.grad**2
            p.data -= 0.01 * m[i] / (1 - 0.9**step) / (np.sqrt(v[i] / (1 - 0.999**step)) + 1e-8)
found = logits(d["test_rows"]).data.argmax(axis=1)
print((found == d["test_labels"]).mean())
