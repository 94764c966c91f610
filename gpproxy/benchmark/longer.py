"""How well a short training ranks what a longer one would: the correlation that a card reports.

In: rows of ordinary and of longer trainings. Out: side numbers for the card.
"""

from __future__ import annotations

from typing import Any

from gpproxy.benchmark.writer import TableWriter
from gpproxy.benchmarks.benchmark import Benchmark, Card, open_space
from gpproxy.benchmarks.rows import Row, assemble
from gpproxy.errors import BenchmarkError
from gpproxy.ranking.bootstrap import Resamples, interval
from gpproxy.ranking.correlation import kendall, spearman

#: Fewest architectures from which a correlation is worth saying.
FEWEST = 4


def longer_facts(short: TableWriter, long: TableWriter, card: Card, times: int) -> dict[str, Any]:
    """`longer = {times, architectures, spearman, spearman_interval, kendall}`; empty for too few architectures."""
    try:
        one, other = _table(short, card), _table(long, card)
    except BenchmarkError:  # nothing measured yet, or nothing that differs
        return {}
    both = [code for code in other.architectures if code in one.values]
    if len(both) < FEWEST:
        return {}
    left, right = one.select(both).quality, other.select(both).quality
    low, high = interval(Resamples(len(both)).spearman(left, right))
    return {
        "longer": {
            "times": times,
            "architectures": len(both),
            "spearman": round(float(spearman(left, right)), 4),
            "spearman_interval": [round(low, 4), round(high, 4)],
            "kendall": round(float(kendall(left, right)), 4),
        }
    }


def _table(writer: TableWriter, card: Card) -> Benchmark:
    rows = [
        Row(
            number,
            str(row["architecture"]),
            float(row.get(card.metric) or "nan"),
            str(row["seed"]),
            row["collapsed"] in (True, "1"),
        )
        for number, row in enumerate(writer.rows.values(), start=1)
    ]
    return assemble(card.metric, card, open_space(card), rows, str(writer.path))
