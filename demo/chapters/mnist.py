"""Chapter 12: MNIST, where it is on this machine."""

from __future__ import annotations

import time

import numpy as np
from page import Chapter, Gallery
from wording import duration, percent

import chainrule as cr
from chapters.results import confusion, curves, weights, worst

HIDDEN, EPOCHS, BATCH, RATE = 100, 8, 100, 0.5
TITLE = "MNIST, the classic"


def chapter() -> Chapter:
    """MNIST if its files are found; a sentence on how to get them if not."""
    if cr.data.find_mnist() is None:
        return Chapter(
            TITLE,
            [
                "MNIST is not on this machine, and this page downloads nothing. To get it, run "
                '`python -c "import chainrule as cr; cr.data.mnist()"` once with a network: it '
                "fetches four files, about 12 MB, and keeps them. Or put the four files into a "
                "folder named mnist and set the variable `CHAINRULE_DATA` to the folder above it. "
                "Then make the page again, and this chapter trains a network on them.",
            ],
        )
    return _trained(cr.data.mnist())


def _trained(data: cr.data.Dataset) -> Chapter:
    assert data.image_shape is not None
    net = cr.Sequential(cr.Dense(HIDDEN, "relu"), cr.Dense(len(data.class_names), "softmax"))
    net.build(data.X_train.shape[1])
    untrained = float(np.mean(net.predict_classes(data.X_test) == data.y_test))
    start = time.perf_counter()
    history = net.fit(
        data.X_train, data.y_train, optimizer=cr.SGD(RATE), epochs=EPOCHS, batch_size=BATCH,
        schedule="cosine", metrics=["accuracy"], validation=(data.X_test, data.y_test), seed=0,
        progress=False,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    outputs = net.predict(data.X_test)
    right = float(np.mean(outputs.argmax(axis=1) == data.y_test))
    sizes = f"{data.X_train.shape[1]}-{HIDDEN}-{len(data.class_names)}"
    return Chapter(
        TITLE,
        [
            f"MNIST is the data set on which this subject grew up: {len(data.X_train):,} digits "
            f"to learn from and {len(data.X_test):,} to be judged on, {data.image_shape[0]} × "
            f"{data.image_shape[1]} pixels each. The network is {sizes}, whose single step "
            "chapter 8 could not afford by differences. Untrained it reads "
            f"{percent(untrained)} of the test digits; after {EPOCHS} epochs in batches of "
            f"{BATCH} it reads {percent(right, 2)}. The training took {duration(seconds)}, the "
            "judging after each epoch included.",
            curves(history),
            Gallery([confusion(outputs, data.y_test), weights(net, data.image_shape, 16)]),
            worst(data.X_test, data.y_test, outputs, data.image_shape),
            "From here the road goes on to deeper networks, to layers made for pictures, and to "
            "more data. But nothing new is needed to understand them: sums, bends, a loss, and "
            "the chain rule, walked downhill.",
        ],
    )
