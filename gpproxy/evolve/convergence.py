"""What the best formula of each generation would have had on the test: read after the choice, for the page alone.

In: the journal of a run, and a benchmark whose tested architectures were looked at. Out: a row for each change of the
best formula. Nothing chooses by it: the formula of the run is chosen before the tested architectures are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from deap import gp

from gpproxy.errors import ExpressionError
from gpproxy.evolve.discovery import DiscoveryData
from gpproxy.evolve.judge import finite
from gpproxy.evolve.part_scores import score_part
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse
from gpproxy.ranking.correlation import kendall, spearman
from gpproxy.ranking.metrics import Row


def best_formulas(events: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """Generation -> its best formula on the training architectures, where it is another than that of the one before.

    Args:
        events: of the journal; of a generation that was made again after a stop the last counts.
    """
    every = {event["index"]: event.get("best") for event in events if event["event"] == "generation"}
    found: dict[int, str] = {}
    before = None
    for index, formula in sorted(every.items()):
        if formula is not None and formula != before:
            found[index] = before = formula
    return found


def parsed(best: Mapping[int, str], grammar: Grammar) -> dict[int, gp.PrimitiveTree]:
    """The formulas as trees; one that an earlier version wrote and this one does not know is left out."""
    found = {}
    for index, text in best.items():
        try:
            found[index] = parse(text, grammar)
        except ExpressionError:
            continue
    return found


def convergence_rows(
    data: DiscoveryData, best: Mapping[int, gp.PrimitiveTree], names: Mapping[int, str], config: EvolveSettings
) -> list[Row]:
    """`generation`, `formula`, `kendall`, `spearman` on the test of each formula; None where undefined.

    By the first initialisation, as formulas evolve and are chosen.

    Args:
        data: looked at with what the formulas need, by that initialisation.
        best: formulas by generation; `names` has them as text.
    """
    if not best:
        return []
    seen = score_part(replace(data, inits=1), "test", list(best.values()), config.cores, config.seed)
    ranked = torch.stack([seen.metrics.last(scores) for scores in seen.scores])
    found = zip(kendall(ranked, seen.part.quality).tolist(), spearman(ranked, seen.part.quality).tolist())
    return [
        finite({"generation": index, "formula": names[index], "kendall": tau, "spearman": rho})
        for index, (tau, rho) in zip(best, found)
    ]
