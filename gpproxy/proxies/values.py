"""From statistics to scores: the records of architectures in, what proxies say of them out.

A record may come from a fresh look or from the cache; equal records give equal scores, to the last bit. `score_table`
is for many formulas on many architectures at once, as when a run tests what it has evolved: the same rule, but a NaN
stands for a dead network too, and the last bit may depend on the company.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from deap import gp
from torch import Tensor

from gpproxy.export.committee import mean_vote
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.structure import needs
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scored import Value, dead, value
from gpproxy.statistics.assemble import assemble
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.record import Record
from gpproxy.statistics.table import StatisticsTable

#: Bytes that formula values may take beside a table.
MEMORY = 2**29


def values_of(record: Record, proxies: Sequence[Proxy], device: str = "cpu") -> list[Value]:
    """What formulas and classical proxies say of one architecture.

    Args:
        record: its statistics and columns, with all that the proxies need.
        device: where formulas are evaluated.
    """
    if record.dead:
        return [dead(record.dead)] * len(proxies)
    trees = [tree for proxy in proxies for tree in proxy.trees]
    found: list[Value] = []
    if trees:
        scores = Evaluator(assemble([record]).to(device)).scores(trees)
        reasons = [_absent(record, tree) or reason or "" for tree, reason in zip(trees, scores.reasons)]
        found = [value(number, reason) for number, reason in zip(scores.values[:, 0].tolist(), reasons)]
    rows = iter(found)
    every = [
        _joined(proxy, [next(rows) for _ in proxy.trees]) if proxy.trees else _classical(record, proxy.classical)
        for proxy in proxies
    ]
    return [one._replace(note=record.note) for one in every]


def _joined(proxy: Proxy, values: Sequence[Value]) -> Value:
    """The value of a formula, or the mean vote of a committee, which has none where a member has none."""
    if not proxy.members:
        return values[0]
    missing = next((one for one in values if not math.isfinite(one.score)), None)
    if missing is not None:
        return missing
    return value(mean_vote([one.score for one in values], [reference for _, reference in proxy.members]))


def _classical(record: Record, name: str) -> Value:
    return value(PROXIES[name].direction * float(record.columns[name]), record.absent.get(name, ""))


def _absent(record: Record, tree: gp.PrimitiveTree) -> str:
    """Why a formula has no value where the generator does not allow one of the passes that it needs."""
    return next((record.absent[name] for name in needs(tree) if name in record.absent), "")


def score_table(table: StatisticsTable, trees: Sequence[gp.PrimitiveTree], workers: int = 1) -> Tensor:
    """`tree x architecture`, float64; NaN for dead architectures, for those that lack a statistic of the formula, and
    where it has no finite value.

    A formula without a value on some architectures keeps those that it has on the others. One that has the same value
    on all of them keeps it, too.
    """
    found = Evaluator(table, memory=MEMORY, workers=workers).scores(trees)
    values, live = found.values, table.alive
    flat = [i for i, reason in enumerate(found.reasons) if reason == "constant"]
    if flat and live.any():
        first = table.take(live.nonzero()[0])
        values[flat] = Evaluator(first).scores([trees[i] for i in flat]).values.where(live, torch.nan)
    refused = [i for i, reason in enumerate(found.reasons) if reason not in (None, "constant")]
    if refused and len(table) > 1:
        again = [trees[i] for i in refused]
        single = [Evaluator(table.select([code])).scores(again).values for code in table.architectures]
        values[refused] = torch.cat(single, dim=1)
    for place, code in enumerate(table.architectures):
        if lacking := table.absent.get(code):
            values[[i for i, tree in enumerate(trees) if not lacking.keys().isdisjoint(needs(tree))], place] = torch.nan
    return values
