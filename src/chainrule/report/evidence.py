"""Evidence: pictures of what a diagnosis of a network looked at, computed on copies."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.doctor.case import Case, copied
from chainrule.doctor.experiment import Trial, portions, train
from chainrule.doctor.probes.layers import Units, units
from chainrule.errors import ChainruleError
from chainrule.optim.optimizers import LBFGS
from chainrule.report.blocks import Block, Figure
from chainrule.report.charts.bars import Bar, bars
from chainrule.report.charts.lines import Line, lines
from chainrule.report.wording import number, percent
from chainrule.train.runner import Runner

#: Rows on which layers are looked at, and rows that any network should be able to learn by heart.
LOOKED_AT, FEW = 500, 8
#: Of rows by heart, so many epochs at most.
BY_HEART = 300


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the pictures are of: the case, and its training as it is."""

    case: Case
    own: Trial


def figures(case: Case) -> list[Block]:
    """The pictures of a case; none where its data are refused before anything can be computed."""
    try:
        data = portions(case)
        own = train(case, data=data)
    except ChainruleError:
        return []
    seen = Evidence(case, own)
    made = [_curve(seen), _sizes(seen), _units(seen), _updates(seen), _by_heart(seen), _blind(seen)]
    return [figure for figure in made if figure is not None]


def _curve(seen: Evidence) -> Block | None:
    own = seen.own
    drawn = [Line("training rows", losses(own), 1)]
    if own.portions.held is not None:
        held = [(float(e), share * own.portions.held_level) for e, _, share in own.curve]
        drawn.append(Line("rows held back", held, 2, is_dashed=True))
    constant = [(x, own.portions.level) for x in (0.0, float(own.epochs))]
    drawn.append(Line("constant answer", constant, 3, is_dashed=True))
    alt = f"Loss by epoch: {_ends(drawn[0])}; a constant answer has {number(own.portions.level)}."
    chart = lines(drawn, "epoch", "loss", alt)
    caption = "Its own training, beside the loss of the best constant answer: nothing learnt."
    return Figure(chart, caption) if chart else None


def _sizes(seen: Evidence) -> Block | None:
    layers = _looked(seen)
    drawn = [
        Bar(f"{name}, {when}", unit.size, number(unit.size, 3), colour=colour)
        for name, *both in layers
        for when, unit, colour in zip(("start", "trained"), both, (1, 2), strict=True)
        if np.isfinite(unit.size)
    ]
    if not drawn:
        return None
    alt = "Size of each layer's outputs: " + "; ".join(f"{b.name} {b.words}" for b in drawn) + "."
    chart = bars(drawn, "root mean square of the outputs", "layer", alt)
    return Figure(
        chart,
        "How large the outputs of each layer are. Where they shrink from layer to layer, weights "
        "are too small; where they grow, too large.",
    )


def _units(seen: Evidence) -> Block | None:
    drawn = []
    for name, *both in _looked(seen):
        for when, unit in zip(("start", "trained"), both, strict=True):
            for kind, share, colour in (
                ("duplicates", unit.duplicates, 1), ("dead", unit.dead, 2),
                ("saturated", unit.saturated, 3),
            ):  # fmt: skip
                if share > 0 and unit.is_hidden:
                    words = percent(share, 0)
                    drawn.append(Bar(f"{name}, {kind}, {when}", 100 * share, words, colour=colour))
    if not drawn:
        return None
    alt = "Units that do nothing of their own: " + "; ".join(f"{b.name} {b.words}" for b in drawn)
    chart = bars(drawn, "share of the layer in per cent", "units", alt + ".")
    return Figure(
        chart,
        "Units that do what another one does, that are 0 on every row, or whose activation is at "
        "its end.",
    )


def _looked(seen: Evidence) -> list[tuple[str, Units, Units]]:
    rows = seen.own.portions.train["x"][:LOOKED_AT]
    start, trained = units(seen.case.network, rows), units(seen.own.network, rows)
    return [
        (f"layer {a.place + 1} {a.activation or 'linear'}", a, b)
        for a, b in zip(start, trained, strict=True)
    ]


def _updates(seen: Evidence) -> Block | None:
    """One step of the case's own optimizer: how far each weight matrix moves beside its size."""
    case = seen.case
    if isinstance(case.optimizer, LBFGS):
        return None
    net, data = copied(case.network), seen.own.portions.train
    before = {name: array.copy() for name, array in net.parameters.items()}
    runner = Runner(
        net, case.loss, copy.copy(case.optimizer), data, case.batch_size,
        np.random.default_rng(case.seed), "numpy",
    )  # fmt: skip
    with np.errstate(all="ignore"):
        runner.make_steps([runner.batches()[0]], [case.optimizer.learning_rate])
    drawn = []
    for name, old in before.items():
        size = float(np.sqrt(np.mean(old.astype(np.float64) ** 2)))
        moved = float(np.sqrt(np.mean((net.parameters[name].astype(np.float64) - old) ** 2)))
        if old.ndim > 1 and size > 0 and np.isfinite(moved):
            drawn.append(Bar(name, moved / size, number(moved / size, 2)))
    if not drawn:
        return None
    alt = "Update over weight: " + "; ".join(f"{bar.name} {bar.words}" for bar in drawn) + "."
    chart = bars(drawn, "update over weight", "weights", alt)
    return Figure(
        chart,
        "How far the first step moves each layer's weights, beside their size. At 1 a single step "
        "replaces them; at a millionth it takes a million steps to do so.",
    )


def _by_heart(seen: Evidence) -> Block | None:
    case = seen.case
    if len(case.X) <= FEW:
        return None
    few = replace(
        case,
        X=case.X[:FEW],
        y=case.y[:FEW],
        validation=None,
        epochs=BY_HEART,
        sample_weight=None if case.sample_weight is None else case.sample_weight[:FEW],
    )
    try:
        trial = train(few, BY_HEART)
    except ChainruleError:  # eight rows may be of one class, or BatchNorm have too few
        return None
    line = Line("loss on eight rows", losses(trial), 1)
    chart = lines([line], "epoch", "loss", f"Loss on eight rows by epoch: {_ends(line)}.")
    if not chart:
        return None
    return Figure(
        chart,
        "Trained on its first eight rows only. A network that can learn anything knows them by "
        "heart; one that cannot has a wrong gradient, loss or rate, or too few units.",
    )


def _blind(seen: Evidence) -> Block | None:
    blind = train(replace(seen.case, X=np.zeros_like(seen.case.X), validation=None))
    drawn = [
        Line("as it is", losses(seen.own), 1),
        Line("inputs set to 0", losses(blind), 2, is_dashed=True),
    ]
    alt = f"Loss by epoch, as it is: {_ends(drawn[0])}; with inputs set to 0: {_ends(drawn[1])}."
    chart = lines(drawn, "epoch", "loss", alt)
    if not chart:
        return None
    return Figure(
        chart,
        "The same training with every input set to 0. Where the two lines agree, the network makes "
        "no use of its inputs.",
    )


def losses(trial: Trial) -> list[tuple[float, float]]:
    """(epoch, loss on the training rows) of a training."""
    return [(float(epoch), share * trial.portions.level) for epoch, share, _ in trial.curve]


def _ends(line: Line) -> str:
    points: Sequence[tuple[float, float]] = line.points
    return f"from {number(points[0][1])} to {number(points[-1][1])}"
