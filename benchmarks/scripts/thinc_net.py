import sys

import numpy as np
from thinc.api import Adam, Relu, Softmax, chain, fix_random_seed

d = np.load(sys.argv[1])
X, T = d["rows"], np.eye(10, dtype=np.float32)[d["labels"]]
fix_random_seed(0)
net = chain(Relu(64), Softmax()).initialize(X=X, Y=T)
optimizer = Adam(0.01, L2=0.0, grad_clip=0.0)
for _ in range(20):
    for x, t in net.ops.multibatch(32, X, T, shuffle=True):
        p, backprop = net.begin_update(x)
        backprop((p - t) / len(x))
        net.finish_update(optimizer)
print((net.predict(d["test_rows"]).argmax(axis=1) == d["test_labels"]).mean())
