"""Chapter 5: sigmoid against tanh in the hidden layer."""

from __future__ import annotations

from drawing import BLUE, ORANGE, canvas, label, loss_curve, picture
from page import Chapter, Table
from wording import number

import chainrule as cr

EPOCHS, RATE, SEEDS, LEARNED = 6000, 0.5, 8, 0.05


def chapter() -> Chapter:
    """XOR with both kinds of hidden neurons, from several seeds."""
    losses = {kind: [_losses(kind, seed) for seed in range(SEEDS)] for kind in ("sigmoid", "tanh")}
    drawing, ax = canvas(height=4.2)
    for (kind, runs), colour, dashes in zip(
        losses.items(), (ORANGE, BLUE), ("--", "-"), strict=True
    ):
        for seed, run in enumerate(runs):
            name = f"{kind}, {SEEDS} seeds" if seed == 0 else ""
            loss_curve(ax, run, colour, name, linewidth=1.2, alpha=0.8, linestyle=dashes)
    ax.set_yscale("log")
    label(ax, "XOR: sigmoid and tanh hidden neurons", "epoch", "binary cross-entropy (log scale)")
    needed = {kind: [_needed(run) for run in runs] for kind, runs in losses.items()}
    reached = {kind: [n for n in runs if n is not None] for kind, runs in needed.items()}
    steeper = cr.grad(cr.tanh)(0.0) / cr.grad(cr.sigmoid)(0.0)
    rows = [(str(seed), *[_spoken(needed[kind][seed]) for kind in losses]) for seed in range(SEEDS)]
    return Chapter(
        "Which bend learns faster: sigmoid or tanh",
        [
            "The sigmoid's outputs lie between 0 and 1, so a layer of them always pushes the next "
            "one in the same direction, and its slope is small everywhere. The tanh is centred on "
            f"0 and {number(steeper)} times as steep there. Does it matter? One run proves little, "
            f"because each starts from chance. So here are {SEEDS} starts of each kind, otherwise "
            f"alike: two hidden neurons, rate {RATE:g}, all four rows at every step, and for each "
            "seed both kinds start from the same weights.",
            picture(
                drawing,
                f"{2 * SEEDS} loss curves for XOR on a logarithmic scale: {SEEDS} with sigmoid and "
                f"{SEEDS} with tanh hidden neurons.",
                "Each line is one training from its own random start. A line that turns level high "
                "up is a network that found a place where every small step makes things worse, and "
                "stayed there.",
            ),
            Table(
                ("seed", "sigmoid", "tanh"),
                rows,
                f"The first epoch at which the loss is below {LEARNED:g}. {_stuck(losses)}",
            ),
            f"Of {SEEDS} networks each, {len(reached['sigmoid'])} with sigmoid and "
            f"{len(reached['tanh'])} with tanh learned XOR. {_compared(reached)} Two hidden "
            "neurons are the fewest that can do it, and with nothing to spare a poor start has no "
            "way around it: wider layers get stuck more rarely, and so does a second try.",
        ],
    )


def _losses(kind: str, seed: int) -> list[float]:
    X, y = cr.data.gate("xor")
    start = "glorot_uniform"
    net = cr.Sequential(
        cr.Dense(2, kind, weight_init=start),
        cr.Dense(1, "sigmoid", weight_init=start),
        dtype="float64",
    )
    history = net.fit(
        X, y, optimizer=cr.SGD(RATE), epochs=EPOCHS, batch_size=None, seed=seed, progress=False
    )
    return history["loss"]


def _needed(losses: list[float]) -> int | None:
    """The first epoch whose loss is below what counts as learned."""
    return next((epoch for epoch, loss in enumerate(losses, start=1) if loss < LEARNED), None)


def _spoken(epoch: int | None) -> str:
    return "never" if epoch is None else f"{epoch:,}"


def _stuck(losses: dict[str, list[list[float]]]) -> str:
    """What became of those that did not learn."""
    last = [run[-1] for runs in losses.values() for run in runs if _needed(run) is None]
    if not last:
        return "All of them got there."
    return f"Those that never got there ended at a loss of {', '.join(number(x, 3) for x in last)}."


def _compared(reached: dict[str, list[int]]) -> str:
    if not all(reached.values()):
        return ""
    middle = {kind: sorted(epochs)[len(epochs) // 2] for kind, epochs in reached.items()}
    quick, slow = sorted(middle, key=lambda kind: middle[kind])
    return (
        f"Among those that did, the middle one needed {middle[slow]:,} epochs with {slow} and "
        f"{middle[quick]:,} with {quick}: {number(middle[slow] / middle[quick], 2)} times fewer."
    )
