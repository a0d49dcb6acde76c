"""Judgement: the scores of the network and of the baselines on the same rows, measured once."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.report.material import Material
from chainrule.report.measures.baselines import baselines
from chainrule.report.measures.scores import Pair, Scores, paired, scores


@dataclass(frozen=True)
class Judged:
    """A predictor with its scores; ``pair`` compares the network with it, the network second."""

    name: str
    scores: Scores
    pair: Pair | None = None
    remark: str = ""


@dataclass(frozen=True)
class Judgement:
    """The network, then the baselines; and what could not be compared, and why."""

    rows: tuple[Judged, ...]
    remarks: tuple[str, ...]

    @property
    def network(self) -> Scores:
        """The network's own scores."""
        return self.rows[0].scores


def judgement(material: Material) -> Judgement:
    """Score the network and the baselines on the judged rows."""
    is_class = bool(material.names)
    own = scores(material.y, material.outputs, is_class, material.seed)
    found, remarks = baselines(material)
    rows = [Judged("the network", own)]
    for baseline in found:
        rows.append(
            Judged(
                baseline.name,
                scores(material.y, baseline.outputs, is_class, material.seed),
                paired(material.y, baseline.outputs, material.outputs, is_class, material.seed),
                baseline.remark,
            )
        )
    return Judgement(tuple(rows), tuple(remarks))
