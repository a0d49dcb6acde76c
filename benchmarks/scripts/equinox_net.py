import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

d = np.load(sys.argv[1])
X, y = jnp.asarray(d["rows"]), jnp.asarray(d["labels"])
net = eqx.nn.MLP(64, 10, 64, 1, key=jax.random.key(0))
optimizer = optax.adam(0.01)
state = optimizer.init(eqx.filter(net, eqx.is_inexact_array))


@eqx.filter_grad
def gradient(net, x, t):
    return optax.softmax_cross_entropy_with_integer_labels(jax.vmap(net)(x), t).mean()


@eqx.filter_jit
def step(net, state, rows):
    updates, state = optimizer.update(gradient(net, X[rows], y[rows]), state)
    return eqx.apply_updates(net, updates), state


rng = np.random.default_rng(0)
for _ in range(20):
    order = rng.permutation(len(X))
    for at in range(0, len(X), 32):
        net, state = step(net, state, order[at : at + 32])
found = np.asarray(jax.vmap(net)(d["test_rows"]).argmax(axis=1))
print((found == d["test_labels"]).mean())
