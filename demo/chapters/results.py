"""The pictures of a classifier of images: shared by the chapters on digits and on MNIST."""

from __future__ import annotations

from typing import Any

import numpy as np
from drawing import HALF, canvas, picture
from page import Figure
from wording import percent

import chainrule as cr


def curves(history: Any) -> Figure:
    """Loss and accuracy by epoch."""
    train, test = history["accuracy"][-1], history["validation_accuracy"][-1]
    return picture(
        cr.plots.curves(history),
        f"Loss and accuracy by epoch, for training and test data; at the end the accuracy is "
        f"{percent(train)} on training data and {percent(test)} on test data.",
        "Left the loss, right the share of right answers; dashed the test data. In the end "
        f"{percent(train)} of the training pictures are read rightly and {percent(test)} of the "
        "test pictures, which the network never learned from. The gap between the two lines is "
        "what was memorised rather than understood.",
    )


def confusion(outputs: Any, y: Any) -> Figure:
    """The confusion matrix, and the most frequent mistake in words."""
    matrix = cr.nn.confusion_matrix(outputs, y)
    wrong = matrix - np.diag(np.diag(matrix))
    true, taken = np.unravel_index(int(wrong.argmax()), wrong.shape)
    told = f"The most frequent mistake: a {true} taken for a {taken}, {wrong.max()} times."
    drawing, ax = canvas(HALF, 4.9, square=True)
    cr.plots.confusion_matrix(matrix, ax=ax)
    return picture(
        drawing,
        f"Confusion matrix of the ten digits on the test data. {told}",
        f"Each row is a true digit, each column an answer; on the diagonal they agree. {told}",
    )


def weights(net: Any, shape: tuple[int, int], count: int) -> Figure:
    """What the first layer's neurons look for."""
    return picture(
        cr.plots.first_layer_weights(net, shape, count=count),
        f"The weights of {count} hidden neurons, each drawn as a picture of {shape[0]} by "
        f"{shape[1]} pixels in red and blue.",
        "The weights of hidden neurons, each laid out like a picture. Ink on red excites the "
        "neuron, ink on blue calms it. Nobody told it which strokes to look for.",
        pixels=True,
    )


def worst(X: Any, y: Any, outputs: Any, shape: tuple[int, int]) -> Figure:
    """The mistakes of which the network was surest."""
    wrong = int(np.sum(outputs.argmax(axis=1) != y))
    return picture(
        cr.plots.mistakes(X, y, outputs, image_shape=shape, count=12),
        f"The test pictures that were read wrongly with the greatest confidence, of {wrong} "
        "mistakes in all.",
        f"Of {wrong} mistakes on the test data, those of which the network was surest. Look at "
        "them: some would puzzle a person, others show what the network has not understood.",
        pixels=True,
    )
