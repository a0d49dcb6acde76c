"""The eight workloads."""

from __future__ import annotations

import numpy as np

from work import Data, Model, Proof, Work


def load_xor() -> Data:
    """The four rows of exclusive or, which are the test as well."""
    rows = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float64")
    labels = np.array([0, 1, 1, 0])
    return Data(rows, labels, rows, labels)


def load_mnist() -> Data:
    """The handwritten digits as rows of 784 numbers in [0, 1], float32."""
    from chainrule.data import mnist

    digits = mnist()
    return Data(digits.X_train, digits.y_train, digits.X_test, digits.y_test)


def load_digits() -> Data:
    """The small digits, 8x8, float32."""
    from chainrule.data import digits

    found = digits()
    return Data(found.X_train, found.y_train, found.X_test, found.y_test)


def load_table(rows: int = 100_000, test: int = 10_000) -> Data:
    """54 columns of normal numbers, and seven classes as a small random network sees them.

    The size of a well-known table of forests. One row in ten has a label drawn at random, as tables
    have it.
    """
    rng = np.random.default_rng(54)
    X = rng.standard_normal((rows + test, 54), dtype=np.float32)
    teacher = np.tanh(X @ rng.normal(0, 54**-0.5, (54, 16))) @ rng.normal(0, 1, (16, 7))
    labels = teacher.argmax(axis=1)
    stray = rng.random(len(X)) < 0.1
    labels[stray] = rng.integers(7, size=int(stray.sum()))
    return Data(X[:rows], labels[:rows], X[rows:], labels[rows:])


def load_nothing() -> Data:
    """For what makes its own numbers."""
    nothing = np.zeros((0, 0))
    return Data(nothing, nothing, nothing, nothing)


XOR = Model((2, 4, 1), "tanh", "sigmoid", "sgd", 0.5, "float64")
SMALL = Model((784, 100, 10), "sigmoid", "softmax", "sgd", 0.5, "float32")

WORKLOADS = {
    work.name: work
    for work in (
        Work(
            "W1",
            "XOR, 2-4-1, tanh and sigmoid, binary cross-entropy, full batch, SGD 0.5, 10,000 "
            "epochs with the loss of each, float64",
            "training",
            load_xor,
            Proof(exact=1e-9, accuracy=0.0, law=3.0, law_accuracy=0.0),
            XOR,
            epochs=10_000,
        ),
        Work(
            "W2",
            "MNIST, 784-100-10, sigmoid and softmax, cross-entropy, batches of 100, SGD 0.5, "
            "1 epoch, float32; loss and accuracy on the 10,000 test images",
            "training",
            load_mnist,
            Proof(exact=1e-3, accuracy=1e-3, law=1.08, law_accuracy=0.01),
            SMALL,
            batch=100,
        ),
        Work(
            "W3",
            "MNIST, 784-512-512-10, ReLU and softmax, cross-entropy, batches of 128, Adam 0.001, "
            "1 epoch, float32; loss and accuracy on the 10,000 test images",
            "training",
            load_mnist,
            Proof(exact=0.05, accuracy=4e-3, law=1.5, law_accuracy=0.015),
            Model((784, 512, 512, 10), "relu", "softmax", "adam", 1e-3, "float32"),
            batch=128,
            weight=3.0,
        ),
        Work(
            "W4",
            "a table of 100,000 x 54 (synthetic), 54-256-256-7, ReLU and softmax, cross-entropy, "
            "batches of 1,024, Adam 0.001, 1 epoch, float32; loss and accuracy on 10,000 more rows",
            "training",
            load_table,
            Proof(exact=0.01, accuracy=4e-3, law=1.05, law_accuracy=0.02),
            Model((54, 256, 256, 7), "relu", "softmax", "adam", 1e-3, "float32"),
            batch=1024,
            weight=1.5,
        ),
        Work(
            "W5",
            "the whole process, from `python script.py` to a network that reads 97 % of held-back "
            "8x8 digits: 64-64-10, ReLU, batches of 32, Adam 0.01, 20 epochs, the library's own "
            "first weights; imports and compiling count",
            "script",
            load_digits,
            weight=2.0,
        ),
        Work(
            "W6",
            "one row through the network of W2, from NumPy array to NumPy array, and 10,000 rows",
            "inference",
            load_mnist,
            Proof(exact=1e-4, accuracy=1e-3, law=1.0, law_accuracy=0.0),
            SMALL,
            unit="µs",
        ),
        Work(
            "W7",
            "define by run: nine kinds of op on 4x4 arrays in float64, each applied 20 times in a "
            "row and summed, forward and backward; a sum over the nine of the time an op takes",
            "ops",
            load_nothing,
            unit="µs",
        ),
        Work(
            "W8",
            "256 networks as in W1, each from a start of its own, 2,000 epochs",
            "training",
            load_xor,
            Proof(exact=1e-9, accuracy=0.0, law=1.5, law_accuracy=0.05),
            XOR,
            epochs=2_000,
            networks=256,
        ),
    )
}
