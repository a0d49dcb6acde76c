"""Whether stated probabilities can be taken at their word: a reliability diagram."""

from __future__ import annotations

from chainrule.report.blocks import Block, Figure, Markup, Section
from chainrule.report.charts.points import Point, against
from chainrule.report.material import Material
from chainrule.report.measures.calibration import Calibration, calibration
from chainrule.report.wording import amount, number, percent

#: The expected calibration error in MathML.
BAR, OPEN, CLOSE = (f'<mo stretchy="false">{sign}</mo>' for sign in "|()")
BIN = "<msub><mi>B</mi><mi>m</mi></msub>"
FORMULA = (
    '<math display="block"><mtext>ECE</mtext><mo>=</mo><munder><mo>∑</mo><mi>m</mi></munder>'
    f"<mfrac><mrow>{BAR}{BIN}{BAR}</mrow><mi>n</mi></mfrac><mspace width='0.2em'/>{BAR}"
    f"<mtext>share</mtext>{OPEN}{BIN}{CLOSE}<mo>−</mo><mtext>stated</mtext>{OPEN}{BIN}{CLOSE}{BAR}"
    "</math>"
)


def section(material: Material) -> Section | None:
    """The diagram, the error, and what chance alone would give."""
    if not material.names or material.by_heart:
        return None
    found = calibration(material.y, material.outputs, material.seed)
    two = len(material.names) == 2
    blocks: list[Block | str] = [_told(found), _picture(material, found, two)]
    blocks.append(
        Markup(
            FORMULA,
            "The expected calibration error over bins B of equal width: the gap between the share "
            "that came true and the mean probability that was stated, weighted by rows (Naeini, "
            "Cooper and Hauskrecht, AAAI 2015; Guo and others, ICML 2017).",
        )
    )
    blocks.append(
        f"The Brier score, the mean squared distance between the stated probabilities and what "
        f"came true, is {number(found.brier, 3)} (Brier 1950; 0 is perfect)."
    )
    if material.table is not None and material.table.class_weights:
        blocks.append(
            "The classes were weighted in the training, which makes the probabilities of rare "
            "classes too high; `--class-weight none` leaves them as they are."
        )
    return Section("calibration", "Whether its probabilities can be trusted", blocks)


def _told(found: Calibration) -> str:
    mean, most = found.by_chance
    text = (
        f"The expected calibration error is {percent(found.error)}. A network whose probabilities "
        f"are exactly right would show {percent(mean)} on so few rows by chance alone, and rarely "
        f"more than {percent(most)}."
    )
    if found.error <= most:
        return text + " So nothing speaks against taking the probabilities at their word."
    answers = [(b.rows * (b.stated - b.share.value)) for b in found.bins]
    over = sum(answers) > 0
    return text + (
        " So the probabilities are not to be taken at their word: on the whole they are too "
        f"{'high' if over else 'low'}."
    )


def _picture(material: Material, found: Calibration, two: bool) -> Figure:
    what = f"“{material.names[1]}”" if two else "being right"
    points = [
        Point(
            b.stated,
            b.share.value,
            f"stated {percent(b.stated)}, came true {percent(b.share.value)} "
            f"(from {percent(b.share.low)} to {percent(b.share.high)}), {amount(b.rows, 'row')}",
            (b.share.low, b.share.high),
            3.0 + 6.0 * (b.rows / len(material.y)) ** 0.5,
        )
        for b in found.bins
    ]
    alt = "Reliability diagram. " + "; ".join(point.words for point in points) + "."
    chart = against(
        points, f"stated probability of {what}", "share that came true", alt, (0.0, 1.0)
    )
    return Figure(
        chart,
        f"The reliability diagram: each point gathers the {material.judged} with similar stated "
        f"probabilities, the larger the more rows; on the dashed line they come true as often as "
        f"stated. Upright lines are intervals of 95 % confidence.",
        width=32,
        least=20,
    )
