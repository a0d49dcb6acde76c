"""Chapter 11: reading small handwritten digits."""

from __future__ import annotations

import time

import numpy as np
from page import Chapter, Gallery
from wording import duration, percent

import chainrule as cr
from chapters.results import confusion, curves, weights, worst

HIDDEN, EPOCHS, BATCH, RATE = 32, 60, 32, 0.3


def chapter() -> Chapter:
    """A network that learns the 8 x 8 digits, and where it errs."""
    data = cr.data.digits()
    assert data.image_shape is not None
    classes = len(data.class_names)
    net = cr.Sequential(cr.Dense(HIDDEN, "tanh"), cr.Dense(classes, "softmax"))
    net.build(data.X_train.shape[1])
    untrained = float(np.mean(net.predict_classes(data.X_test) == data.y_test))
    start = time.perf_counter()
    history = net.fit(
        data.X_train, data.y_train, optimizer=cr.SGD(RATE), epochs=EPOCHS, batch_size=BATCH,
        metrics=["accuracy"], validation=(data.X_test, data.y_test), seed=0, progress=False,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    outputs = net.predict(data.X_test)
    right = float(np.mean(outputs.argmax(axis=1) == data.y_test))
    pixels = data.X_train.shape[1]
    return Chapter(
        "Reading handwritten digits",
        [
            f"Now the same machinery meets real data: {len(data.X_train):,} scanned digits of "
            f"{data.image_shape[0]} × {data.image_shape[1]} pixels to learn from, and "
            f"{len(data.X_test)} to be judged on. The network is {pixels}-{HIDDEN}-{classes}: "
            f"{pixels} pixels in, {HIDDEN} hidden neurons, {classes} probabilities out. Before "
            f"training it reads {percent(untrained)} of the test digits, about as many as "
            f"guessing would. After {EPOCHS} epochs, which took {duration(seconds)}, it reads "
            f"{percent(right)}.",
            curves(history),
            Gallery([confusion(outputs, data.y_test), weights(net, data.image_shape, 16)]),
            worst(data.X_test, data.y_test, outputs, data.image_shape),
            "A single number, the accuracy, hides all this. Which digits are confused, how sure "
            "the network was, and whether you would have known better: that is where the next "
            "improvement comes from.",
        ],
    )
