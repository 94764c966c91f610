"""What each term of the chosen formula is worth: the same networks, ranked by what is left without it.

In: the formula and what was seen of a benchmark. Out: plain rows for result.json. Nothing is chosen by them.
"""

from __future__ import annotations

from collections.abc import Mapping

from deap import gp
from torch import Tensor

from gpproxy.benchmarks.split import PARTS
from gpproxy.evolve.discovery import DiscoveryData
from gpproxy.evolve.part_scores import PartScores, score_part
from gpproxy.expressions.notation.pretty import to_pretty
from gpproxy.expressions.terms import without_each
from gpproxy.expressions.text import to_text
from gpproxy.ranking.metrics import Row


def term_rows(
    data: DiscoveryData,
    views: Mapping[str, PartScores],
    own: Tensor,
    tree: gp.PrimitiveTree,
    workers: int = 1,
    seed: int = 0,
) -> list[Row]:
    """One row per term, outer ones first; empty for a formula of one term.

    Keys: `term` and `left` (what is left without it), both for reading; `formula` of what is left; `train`,
    `validation`, `test`: its measures; `difference`: of the whole formula less what is left on the test, paired.

    Args:
        own: `architecture`, scores of the whole formula on the test.
        seed: of the bootstrap.
    """
    pairs = without_each(tree)
    if not pairs:
        return []
    lefts = [left for _, left in pairs]
    scores = {part: score_part(data, part, lefts, workers, seed).scores for part in PARTS}
    rows = []
    for place, (term, left) in enumerate(pairs):
        measured = {part: views[part].metrics.measure(scores[part][place]) for part in PARTS}
        gap = views["test"].metrics.difference(own, scores["test"][place])
        rows.append(
            {"term": to_pretty(term), "left": to_pretty(left), "formula": to_text(left), **measured,
             "difference": gap.to_json()}
        )  # fmt: skip
    return rows
