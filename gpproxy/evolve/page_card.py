"""The card of a table for the page of a run: a run and a name of one of its benchmarks in, its Card out."""

from __future__ import annotations

from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.registry import card_of, load
from gpproxy.errors import GPProxyError
from gpproxy.evolve.finished import EvolveRun


def table_card(run: EvolveRun, benchmark: str) -> Card | None:
    """The card of a benchmark of a run; None for a table that is not at hand. The space need not be known here, as that
    of `gpproxy.discover` in another process."""
    text = dict(zip(run.result.benchmarks, run.settings.benchmarks))[benchmark]
    try:
        return card_of(text) or load(text).card
    except GPProxyError:
        return None
