import sys

import jax
import jax.numpy as jnp
import numpy as np

d = np.load(sys.argv[1])
X, y = jnp.asarray(d["rows"]), jnp.asarray(d["labels"])
rng = np.random.default_rng(0)
he = np.sqrt(2 / 64)
theta = {
    "W1": jnp.asarray(rng.normal(0, he, (64, 64)), "float32"), "b1": jnp.zeros(64),
    "W2": jnp.asarray(rng.normal(0, he, (64, 10)), "float32"), "b2": jnp.zeros(10),
}  # fmt: skip
zeros = jax.tree.map(jnp.zeros_like, theta)


def logits(theta, x):
    return jax.nn.relu(x @ theta["W1"] + theta["b1"]) @ theta["W2"] + theta["b2"]


def loss(theta, rows):
    z = jax.nn.log_softmax(logits(theta, X[rows]))
    return -jnp.mean(jnp.take_along_axis(z, y[rows][:, None], axis=1))


def step(state, rows):
    theta, m, v, n = state
    g = jax.grad(loss)(theta, rows)
    n = n + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)

    def stepped(p, m, v):
        return p - 0.01 * m / (1 - 0.9**n) / (jnp.sqrt(v / (1 - 0.999**n)) + 1e-8)

    return (jax.tree.map(stepped, theta, m, v), m, v, n), None


@jax.jit
def epoch(state, batches, last):
    return step(jax.lax.scan(step, state, batches)[0], last)[0]


state = (theta, zeros, zeros, jnp.zeros(()))
whole = len(X) // 32 * 32
for _ in range(20):
    order = rng.permutation(len(X))
    state = epoch(state, order[:whole].reshape(-1, 32), order[whole:])
found = np.asarray(logits(state[0], d["test_rows"]).argmax(axis=1))
print((found == d["test_labels"]).mean())
