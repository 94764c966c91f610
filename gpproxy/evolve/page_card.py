"""The card of a table for the page of a run: what the run calls its table in, its Card and its number of rows out."""

from __future__ import annotations

from pathlib import Path

from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.csv_table import read_card
from gpproxy.benchmarks.registry import load
from gpproxy.errors import GPProxyError


def card_of(text: str) -> tuple[Card, int | None]:
    """The card, and how many networks there are; None where the space of a file is not known here, as that of
    `gpproxy.discover` in another process. Raises GPProxyError for a table that is not at hand."""
    try:
        table = load(text)
    except GPProxyError:
        path, _, column = text.partition(":")
        if Path(path).suffix.lower() not in (".csv", ".toml"):
            raise
        card = read_card(path)
        return (card.by(column) if column else card), None
    return table.card, len(table)
