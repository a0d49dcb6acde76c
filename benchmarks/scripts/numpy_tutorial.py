import sys

import numpy as np

d = np.load(sys.argv[1])
X, T = d["rows"], np.eye(10, dtype=np.float32)[d["labels"]]
rng = np.random.default_rng(0)
W1 = rng.normal(0, np.sqrt(2 / 64), (64, 64)).astype(np.float32)
W2 = rng.normal(0, np.sqrt(2 / 64), (64, 10)).astype(np.float32)
b1, b2 = np.zeros(64, np.float32), np.zeros(10, np.float32)
theta = [W1, b1, W2, b2]
m = [np.zeros_like(p) for p in theta]
v = [np.zeros_like(p) for p in theta]


def forward(x):
    h = np.maximum(x @ W1 + b1, 0)
    z = h @ W2 + b2
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return h, e / e.sum(axis=1, keepdims=True)


step = 0
for _ in range(20):
    order = rng.permutation(len(X))
    for at in range(0, len(X), 32):
        rows = order[at : at + 32]
        x, t = X[rows], T[rows]
        h, p = forward(x)
        dz2 = (p - t) / len(x)
        dz1 = dz2 @ W2.T * (h > 0)
        gradients = [x.T @ dz1, dz1.sum(axis=0), h.T @ dz2, dz2.sum(axis=0)]
        step += 1
        for i, (q, g) in enumerate(zip(theta, gradients, strict=True)):
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g**2
            q -= 0.01 * m[i] / (1 - 0.9**step) / (np.sqrt(v[i] / (1 - 0.999**step)) + 1e-8)
print((forward(d["test_rows"])[1].argmax(axis=1) == d["test_labels"]).mean())
