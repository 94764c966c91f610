"""How the front ranks the validation architectures while it evolves: what a person watches, and nothing is bred by.

In: the benchmarks of a run, and formulas. Out: their rank correlations there by one initialisation, each formula once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gpproxy.evolution.individual import Individual
from gpproxy.evolve.discovery import DiscoveryData
from gpproxy.evolve.judge import finite
from gpproxy.expressions.structure import needs
from gpproxy.proxies.values import score_table
from gpproxy.ranking.correlation import kendall, rank_dead_last, spearman, steady
from gpproxy.ranking.metrics import Row
from gpproxy.statistics.collect import collect
from gpproxy.statistics.table import StatisticsTable


class Validation:
    """The validation architectures of a run; what was measured is kept by the key of the formula."""

    def __init__(self, discovery: Sequence[DiscoveryData], workers: int = 1):
        self._discovery, self._workers = discovery, workers
        self._known: dict[str, Row] = {}
        #: benchmark -> what was read of the cache: statistics, and the table of these
        self._read: dict[str, tuple[frozenset[str], StatisticsTable]] = {}

    def rows(self, members: Sequence[Individual]) -> list[Row]:
        """Per formula `kendall` and `spearman` on the benchmark where they are lowest; None where undefined."""
        new = list({one.key: one for one in members if one.key not in self._known}.values())
        if new:
            found = [self._measured(data, new) for data in self._discovery]
            for place, one in enumerate(new):
                self._known[one.key] = min((rows[place] for rows in found), key=_level)
        return [self._known[one.key] for one in members]

    def _measured(self, data: DiscoveryData, members: Sequence[Individual]) -> list[Row]:
        trees = [one.tree for one in members]
        table = self._table(data, frozenset().union(*map(needs, trees)))
        quality = data.benchmark.select(table.architectures).quality
        scores = steady(score_table(table.to(data.how.device), trees, self._workers).cpu().double())
        dead = torch.tensor([code in table.dead for code in table.architectures])
        ranked = rank_dead_last(scores, dead | scores.isnan())
        return [
            finite({"kendall": float(tau), "spearman": float(rho)})
            for tau, rho in zip(kendall(ranked, quality), spearman(ranked, quality))
        ]

    def _table(self, data: DiscoveryData, names: frozenset[str]) -> StatisticsTable:
        """A table with these statistics, and with those that were asked for before."""
        before, table = self._read.get(data.name, (frozenset(), None))
        if table is None or not names <= before:
            names |= before
            table = collect(data.space, data.parts.validation, data.how, only=sorted(names), workers=self._workers)[0]
            self._read[data.name] = names, table
        return table


def _level(row: Row) -> float:
    """Mean of both; undefined is worst."""
    return -1.0 if None in row.values() else (row["kendall"] + row["spearman"]) / 2
