"""How well: the network's score beside that of simple answers, with intervals."""

from __future__ import annotations

from chainrule.report.blocks import Block, Figure, Note, Section, Table
from chainrule.report.charts.bars import Bar, intervals
from chainrule.report.material import Material
from chainrule.report.measures.intervals import Estimate
from chainrule.report.measures.judgement import Judged, Judgement
from chainrule.report.wording import SPACE, alike, chance, listed, number, percent

#: Above this a difference is called luck.
LUCK = 0.05


def section(material: Material, judged: Judgement) -> Section:
    """A sentence, a table, a picture of the intervals."""
    blocks: list[Block | str] = [*verdict(material, judged)]
    blocks += [_table(material, judged)]
    if not material.by_heart:
        blocks.append(_picture(material, judged))
    blocks += _fair(material)
    blocks += [Note(text) for text in judged.remarks]
    return Section("score", "How well it does", blocks)


def sentence(material: Material, judged: Judgement) -> str:
    """The chief score of all, in one sentence."""
    name, own = next(iter(judged.network.estimates.items()))
    others = [
        f"{share(material, row.scores.chief.value)} for {row.name}" for row in judged.rows[1:]
    ]
    if material.by_heart:
        right = round(own.value * len(material.y))
        return f"{right:,} of the {len(material.y):,} rows are right, against {listed(others)}."
    return (
        f"On {len(material.y):,} rows that it has not seen, the network reaches {name} "
        f"{share(material, own.value)} (with 95 % confidence {between(material, own)}), "
        f"against {listed(others)}."
    )


def verdict(material: Material, judged: Judgement) -> list[str]:
    """What the comparison with the best baseline amounts to."""
    if material.by_heart:
        return [
            "These rows are all that there is, and the network was trained on them: the score says "
            "that it has learnt them, and nothing of rows that it has not seen."
        ]
    best = max(judged.rows[1:], key=lambda row: row.scores.chief.value)
    assert best.pair is not None
    test = "McNemar's exact test" if material.names else "a paired permutation test"
    told = f"({test} on the same rows: {chance(best.pair.p)})"
    if best.pair.p > LUCK:
        return [
            f"The difference from {best.name} may be luck {told}. Where the simpler answer is as "
            "good, take the simpler one, or find more rows."
        ]
    better = best.pair.gain > 0
    return [
        f"The network is {'better' if better else 'worse'} than {best.name}, and that is no luck "
        f"{told}." + ("" if better else " A simpler model would serve you better.")
    ]


def share(material: Material, value: float) -> str:
    """Accuracy as a percentage, R² as a number."""
    return percent(value) if material.names else f"{value:.3f}".replace("-", "−")


def between(material: Material, estimate: Estimate) -> str:
    """``from 1 to 2``."""
    return f"from {share(material, estimate.low)} to {share(material, estimate.high)}"


def _table(material: Material, judged: Judgement) -> Table:
    names = list(judged.network.estimates)
    head = ["predictor", *names, *([] if material.by_heart else ["against the network"]), "remark"]
    rows = []
    for row in judged.rows:
        cells = [_cell(material, name, row.scores.estimates[name]) for name in names]
        against = [] if material.by_heart else [_against(row)]
        rows.append([row.name, *cells, *against, row.remark])
    if not any(row.remark for row in judged.rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    unit = "" if material.names else f" RMSE and errors are in the unit of {material.target.unit}."
    what = (
        "Log loss is the mean of −log p of the true class; lower is better."
        if material.names
        else f"R² is the share of the variance that is explained; higher is better.{unit}"
    )
    ranges = "" if material.by_heart else " In brackets: intervals of 95 % confidence."
    return Table(head, rows, what + ranges, strong=0)


def _cell(material: Material, name: str, estimate: Estimate) -> str:
    as_share = name == "accuracy"
    if material.by_heart:
        return percent(estimate.value) if as_share else number(estimate.value, 3)
    values = (estimate.value, estimate.low, estimate.high)
    if as_share:
        value, low, high = (percent(v) for v in values)
        return f"{value} ({low.removesuffix(SPACE + '%')} – {high.removesuffix(SPACE + '%')})"
    value, low, high = (share(material, v) for v in values) if name == "R²" else alike(*values)
    return f"{value} ({low} – {high})"


def _fair(material: Material) -> list[Block | str]:
    """The scores with each class counting alike, where the classes were weighted."""
    known = () if material.table is None else material.table.scores
    rows = [
        (
            fact.called,
            f"{percent(fact.value)} ({percent(fact.low)[:-2]} – {percent(fact.high)[:-2]})",
        )
        for fact in known
        if fact.metric == "balanced_accuracy"
    ]
    if not rows:
        return []
    caption = (
        "The mean of the classes' shares of right answers: rare classes count as much as common "
        "ones. The training was weighted in the same way."
    )
    if len(set(material.y.tolist())) < len(material.names):
        caption += " Only classes that occur in the test are counted."
    return [Table(("predictor", "balanced accuracy"), rows, caption, strong=0)]


def _against(row: Judged) -> str:
    return "" if row.pair is None else chance(row.pair.p)


def _picture(material: Material, judged: Judgement) -> Figure:
    name = next(iter(judged.network.estimates))
    factor = 100 if material.names else 1
    drawn = []
    for place, row in enumerate(judged.rows):
        own = row.scores.chief
        words = f"{share(material, own.value)}, {between(material, own)}"
        ends = (factor * own.low, factor * own.high)
        drawn.append(Bar(row.name, factor * own.value, words, ends, 1 if place == 0 else 2))
    alt = f"{name} with intervals of 95 % confidence. " + "; ".join(
        f"{bar.name} {bar.words}" for bar in drawn
    )
    unit = " (%)" if material.names else ""
    chart = intervals(drawn, f"{name} on the {material.judged}{unit}", "predictor", alt + ".")
    return Figure(
        chart,
        "Points are scores, lines their intervals: by Wilson's formula for shares, by resampling "
        "the rows for R². How sure a difference is, is told by the paired tests of the table: "
        "intervals may overlap although it is.",
    )
