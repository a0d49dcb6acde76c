import sys

import numpy as np

if not hasattr(np, "int"):
    np.int = int

import dezero
from dezero import functions, optimizers
from dezero.models import MLP

d = np.load(sys.argv[1])
X, y = d["rows"], d["labels"]
np.random.seed(0)
net = MLP((64, 10), activation=functions.relu)
optimizer = optimizers.Adam(0.01).setup(net)
for _ in range(20):
    order = np.random.permutation(len(X))
    for at in range(0, len(X), 32):
        rows = order[at : at + 32]
        loss = functions.softmax_cross_entropy(net(X[rows]), y[rows])
        net.cleargrads()
        loss.backward()
        optimizer.update()
with dezero.no_grad():
    found = net(d["test_rows"]).data.argmax(axis=1)
print((found == d["test_labels"]).mean())
