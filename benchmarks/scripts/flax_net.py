import sys

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

d = np.load(sys.argv[1])
X, y = jnp.asarray(d["rows"]), jnp.asarray(d["labels"])
rngs = nnx.Rngs(0)
net = nnx.Sequential(nnx.Linear(64, 64, rngs=rngs), nnx.relu, nnx.Linear(64, 10, rngs=rngs))
optimizer = nnx.Optimizer(net, optax.adam(0.01), wrt=nnx.Param)


@nnx.jit
def step(net, optimizer, rows):
    def loss(net):
        z = net(X[rows])
        return optax.softmax_cross_entropy_with_integer_labels(z, y[rows]).mean()

    optimizer.update(net, nnx.grad(loss)(net))


rng = np.random.default_rng(0)
for _ in range(20):
    order = rng.permutation(len(X))
    for at in range(0, len(X), 32):
        step(net, optimizer, order[at : at + 32])
found = np.asarray(net(d["test_rows"]).argmax(axis=1))
print((found == d["test_labels"]).mean())
