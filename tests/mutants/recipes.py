"""What a program is to be: the choices that decide its mathematics and its layout."""

from __future__ import annotations

import random
from dataclasses import dataclass

STYLES = ("dict", "direct", "list", "arrays", "class", "loop", "objects", "recurrent")
HIDDEN = ("sigmoid", "tanh", "relu", "leaky")


@dataclass(frozen=True)
class Recipe:
    """One network, its data and the style in which it is written.

    ``factor`` and ``norm`` are those of the loss's derivative: with outputs a and targets t it is
    factor·(a - t)/norm, where norm is "1", "m" (samples) or "size" (all numbers).
    """

    seed: int
    style: str
    sizes: tuple[int, ...]  # inputs, hidden ..., outputs
    m: int
    columns: bool  # samples are columns
    flipped: bool  # the weights stand the other way round than is natural for the samples
    bias: str  # "none", "vector", "matrix"
    hidden: tuple[str, ...]
    output: str  # "linear", "sigmoid", "tanh", "softmax"
    loss: str  # "squared", "cross_entropy"
    factor: int
    norm: str
    norm_at: str  # "delta", or "each": in every dW and db
    guard: str = ""  # what stands with the probabilities in the logarithm
    labels: bool = False  # targets are class numbers
    penalty: str = ""  # "", "half", "half/m", "plain"
    keep: float = 1.0  # dropout after the first hidden layer
    skip: int = 0  # the layer whose input is added to its output
    tied: bool = False  # the second weight is used by the third layer too
    dtype: str = "float64"
    zeros: bool = False  # exact zeros in the data, and biases of zero: ReLU at its kink
    dead: bool = False  # a hidden unit that never fires
    stretch: str = ""  # what the data is multiplied by

    @property
    def depth(self) -> int:
        """The number of layers with weights."""
        return len(self.sizes) - 1


def draw_recipe(seed: int) -> Recipe:
    """A recipe at random. The odd cases are as frequent as they must be to be met."""
    rng = random.Random(seed)
    style = rng.choices(STYLES, (4, 3, 2, 2, 4, 3, 3, 1))[0]
    depth = rng.choices((1, 2, 3, 4), (2, 6, 4, 2))[0]
    if style == "recurrent":
        depth = 2
    elif style == "loop":
        depth = max(depth, 2)
    square = rng.random() < 0.5
    width = rng.randint(2, 5)
    sizes = [width if square else rng.randint(1, 6) for _ in range(depth)]
    output, loss = rng.choices(
        (
            ("linear", "squared"),
            ("sigmoid", "squared"),
            ("tanh", "squared"),
            ("sigmoid", "cross_entropy"),
            ("softmax", "cross_entropy"),
            ("softmax", "squared"),
        ),
        (4, 5, 1, 5, 5, 1),
    )[0]
    outputs = rng.randint(2, 5) if output == "softmax" else rng.choice((1, 1, 2, 3))
    sizes.append(width if square and rng.random() < 0.4 and width > 1 else outputs)

    m = rng.choices((1, 2, width, sizes[-1], rng.randint(3, 12)), (1, 1, 2, 1, 9))[0]
    columns = style != "recurrent" and rng.random() < 0.35
    same = rng.random() < 0.75 or style in ("loop", "objects", "recurrent")
    first = rng.choices(HIDDEN, (4, 4, 4, 1))[0]
    hidden = tuple(
        first if same else rng.choices(HIDDEN, (4, 4, 4, 1))[0] for _ in range(depth - 1)
    )
    if style == "recurrent":
        hidden = ("tanh",)

    labels = output == "softmax" and loss == "cross_entropy" and rng.random() < 0.3
    norm = rng.choices(("m", "size", "1"), (6, 3, 1))[0]
    if output == "softmax" and loss == "cross_entropy" and norm == "size":
        norm = "m"
    guards = ("", "", " + 1e-8", " + 1e-12", "clip") if loss == "cross_entropy" else ("",)

    extra = rng.random()
    fits = [
        layer for layer in range(1, depth) if sizes[layer - 1] == sizes[layer]
    ]  # hidden layers over which an input can be carried
    plain_style = style in ("dict", "direct", "list", "arrays", "class")
    skip = rng.choice(fits) if fits and extra < 0.3 and plain_style else 0
    tied = bool(
        not skip and plain_style and depth >= 3 and extra < 0.5
        and (sizes[1], sizes[2]) == (sizes[2], sizes[3])
    )  # fmt: skip
    keep = 1.0
    if not skip and not tied and plain_style and depth >= 2 and rng.random() < 0.15:
        keep = rng.choice((0.5, 0.75, 0.8))
    bias = rng.choices(("none", "vector", "matrix"), (1, 5, 5))[0]
    return Recipe(
        seed=seed,
        style=style,
        sizes=tuple(sizes),
        m=m,
        columns=columns,
        flipped=rng.random() < 0.2,
        bias=bias,
        hidden=hidden,
        output=output,
        loss=loss,
        factor=1 if loss == "cross_entropy" else rng.choice((1, 2, 2)),
        norm=norm,
        norm_at=rng.choice(("delta", "each")) if norm != "1" else "delta",
        guard=rng.choice(guards),
        labels=labels,
        penalty=rng.choice(("half", "half/m", "plain")) if rng.random() < 0.18 else "",
        keep=keep,
        skip=skip,
        tied=tied,
        dtype="float32" if rng.random() < 0.08 else "float64",
        zeros=rng.random() < 0.08,
        dead="relu" in hidden and bias != "none" and rng.random() < 0.1,
        stretch="" if skip else rng.choices(("", " * 10", " * 0.1", " * 100"), (86, 5, 5, 4))[0],
    )
