import os
import shutil
import sys

if shutil.which("clang") is None:
    os.environ.setdefault("DEV", "CPU:X86")

import numpy as np
from tinygrad import Tensor, TinyJit
from tinygrad.nn import Linear
from tinygrad.nn.optim import Adam

d = np.load(sys.argv[1])
X, y = d["rows"], d["labels"]
Tensor.manual_seed(0)
first, second = Linear(64, 64), Linear(64, 10)
optimizer = Adam([first.weight, first.bias, second.weight, second.bias], lr=0.01)


def logits(x):
    return second(first(x).relu())


@Tensor.train()
def step(x, t):
    optimizer.zero_grad()
    logits(x).sparse_categorical_crossentropy(t).backward()
    optimizer.step()


rng = np.random.default_rng(0)
whole, last = TinyJit(step), TinyJit(step)
for _ in range(20):
    order = rng.permutation(len(X))
    for at in range(0, len(X), 32):
        rows = order[at : at + 32]
        run = whole if len(rows) == 32 else last
        run(Tensor(X[rows]).realize(), Tensor(y[rows]).realize())
found = logits(Tensor(d["test_rows"])).numpy().argmax(axis=1)
print((found == d["test_labels"]).mean())
