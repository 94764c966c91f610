"""What a formula has to be better than: of each kind of baseline the one that the same labels would have chosen.

In: what was seen of the parts of a benchmark, and what was drawn at random. Out: one Rival per kind, with its measures
and the paired difference to the chosen formula on the test. A rival is chosen among its kind on the training and
validation architectures, as the formula is, with the direction that it has there; the test takes no part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from gpproxy.benchmarks.split import LEARNT, PARTS
from gpproxy.evolve.part_scores import PartScores
from gpproxy.ranking.correlation import kendall, spearman
from gpproxy.ranking.difference import Difference
from gpproxy.ranking.metrics import Row
from gpproxy.run.tables import number

#: Kinds of rivals, simple ones first, with what they are called.
KINDS = {
    "descriptor": "best descriptor",
    "classical": "best classical proxy",
    "statistic": "best single statistic",
    "composite": "best hand-made composite",
    "random": "random formulas",
    "black box": "black box",
}


@dataclass(frozen=True)
class Rival:
    """One kind of baseline, as it would have been chosen.

    Attributes:
        kind: a key of `KINDS`.
        name: of the chosen one, or its formula.
        sign: -1 where it is counted backwards, as the labels have it.
        among: how many it was chosen from.
        train, validation, test: its measures; of several draws the mean, without intervals. Empty where not known.
        difference: the formula less the rival on the test, paired.
        draws: of a rival that was drawn several times, the measures of each draw on the test.
    """

    kind: str
    name: str
    sign: int
    among: int
    train: Row = field(default_factory=dict)
    validation: Row = field(default_factory=dict)
    test: Row = field(default_factory=dict)
    difference: Difference | None = None
    draws: tuple[Row, ...] = ()

    def __repr__(self) -> str:
        return f"Rival({self.title!r}, test τ {number(self.test.get('kendall'))})"

    @property
    def title(self) -> str:
        """Kind and name in words: `best descriptor (depth, fewer is better)`."""
        if self.kind == "random":
            count = len(self.draws)
            return f"{KINDS[self.kind]} ({count} draw{'s' * (count > 1)} of {self.among:,} rankings)"
        backwards = ", counted backwards" if self.sign < 0 else ""
        return f"{KINDS[self.kind]} ({self.name}{backwards})" if self.name else KINDS[self.kind]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(replace(self, difference=None)), "draws": list(self.draws)} | {
            "difference": None if self.difference is None else self.difference.to_json()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rival:
        """Inverse of `to_json`."""
        told = data["difference"]
        difference = None if told is None else Difference.from_json(told)
        return cls(**{**data, "draws": tuple(data["draws"]), "difference": difference})


def rival_column(kind: str) -> str:
    """The name of a rival's scores in scores.csv."""
    return f"rival {kind}"


#: Scores of candidates on each part that they are known for: name -> part -> `architecture`.
Candidates = Mapping[str, Mapping[str, Tensor]]


def chosen(
    kind: str, candidates: Candidates, views: Mapping[str, PartScores], own: Tensor, among: int = 0
) -> tuple[Rival, dict[str, Tensor]] | None:
    """The rival of a kind and its scores by part; None where no candidate is known on training and test.

    Args:
        own: scores of the formula on the test.
        among: how many it was chosen from, where the candidates are but the last of them.
    """
    parts = [part for part in LEARNT if all(part in one for one in candidates.values())]
    names = [name for name, one in candidates.items() if "test" in one]
    if "train" not in parts or not names:
        return None
    strength = directed(views, {part: torch.stack([candidates[name][part] for name in names]) for part in parts})
    best = int(strength.abs().argmax())
    sign = -1 if strength[best] < 0 else 1
    scores = {part: sign * one for part, one in candidates[names[best]].items()}
    rows: dict[str, Any] = {part: views[part].metrics.measure(one) for part, one in scores.items()}
    difference = views["test"].metrics.difference(own, scores["test"])
    return Rival(kind, names[best], sign, among or len(names), **rows, difference=difference), scores


def directed(views: Mapping[str, PartScores], scores: Mapping[str, Tensor]) -> Tensor:
    """`candidate`: mean of τ and ρ on the parts together, each functional class once, by the better direction.

    Negative where the score counted backwards is the better one; dead architectures rank last both ways.

    Args:
        scores: part -> `candidate x architecture`.
    """
    quality = torch.cat([views[part].twins.mean(views[part].part.quality) for part in scores])

    def level(sign: int) -> Tensor:
        ranked = [views[part].twins.mean(views[part].metrics.last(sign * one)) for part, one in scores.items()]
        joined = torch.cat(ranked, dim=1)
        return ((kendall(joined, quality) + spearman(joined, quality)) / 2).nan_to_num(-1.0)

    forwards, backwards = level(1), level(-1)
    return torch.where(forwards >= backwards, forwards.clamp(min=0.0), -backwards.clamp(min=0.0))


def random_rival(
    draws: Sequence[Mapping[str, Tensor]], among: int, views: Mapping[str, PartScores], own: Tensor
) -> Rival:
    """Random formulas: the mean of several draws, each with the formula that the same rule has picked.

    Args:
        draws: part -> scores of the picked formula of each draw.
        among: rankings in each.
        own: scores of the formula on the test.
    """
    rows = {part: [views[part].metrics.measure(draw[part]) for draw in draws] for part in PARTS}
    test = views["test"].metrics
    difference = test.difference(own, *(draw["test"] for draw in draws))
    means: dict[str, Any] = {part: _mean(found) for part, found in rows.items()}
    return Rival("random", KINDS["random"], 1, among, **means, difference=difference, draws=tuple(rows["test"]))


def _mean(rows: Sequence[Row]) -> Row:
    """Mean correlations of several rows, without intervals where there is more than one."""
    if len(rows) == 1:
        return rows[0]
    found: Row = {"n": rows[0]["n"]}
    for measure in ("kendall", "spearman"):
        values = [row[measure] for row in rows if row[measure] is not None]
        found[measure] = sum(values) / len(values) if values else None
        found[f"{measure}_interval"] = [None, None]
    return found
