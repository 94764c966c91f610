"""Tables of `gpproxy.score`: the transfer matrix, and what choosing by a proxy buys."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.choice import Choice
from gpproxy.display.final_table import number
from gpproxy.study.transfer import Cell, Column, label_of


def matrix(cells: Sequence[Cell], places: Sequence[Column], measure: str) -> Table:
    """Held-out `spearman` or `kendall` with 95 % intervals; a star where the proxy was discovered."""
    sign = {"spearman": "ρ", "kendall": "τ"}[measure]
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column(f"{sign} held out [95 %]: discovered on", overflow="fold")
    for place in places:
        table.add_column(label_of(place.name), justify="right")
    for label in dict.fromkeys(cell.proxy for cell in cells):
        own = {cell.benchmark: cell for cell in cells if cell.proxy == label}
        table.add_row(label, *(_entry(own[place.name], measure) for place in places))
    return table


def _entry(cell: Cell, measure: str) -> Text:
    if cell.missing:
        return Text("absent" if not cell.row else "-", style="dim")
    value = cell.row[measure]
    if value is None:
        return Text("-")
    low, high = cell.row[f"{measure}_interval"]
    star = "* " if cell.home else ""
    text = f"{star}{number(value)} [{number(low)}, {number(high)}]\nn = {cell.row['n']}"
    return Text(text, style="bold" if cell.home else "")


def regrets(cells: Sequence[Cell], places: Sequence[Column]) -> Table:
    """Expected quality of the best of k by proxy and at random, in the units of each benchmark."""
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for name in ("benchmark", "proxy"):
        table.add_column(name, overflow="fold")
    for name in ("k", "by proxy", "at random", "best of all"):
        table.add_column(name, justify="right", no_wrap=True)
    cards = {place.name: place.benchmark.card for place in places if place.benchmark is not None}
    for place in places:
        for cell in (cell for cell in cells if cell.benchmark == place.name):
            for choice in cell.choices:
                title = f"{label_of(place.name)}: {cards[place.name].metric}" if choice is cell.choices[0] else ""
                table.add_row(title, cell.proxy if title else "", *choice_cells(choice, cards[place.name]))
    return table


def choice_cells(choice: Choice, card: Card) -> list[str]:
    """k and the three qualities, in the card's units."""
    import torch

    qualities = torch.tensor([choice.chosen, choice.random, choice.best], dtype=torch.float64)
    return [str(choice.k), *(f"{value:.4g}" for value in card.in_units(qualities).tolist())]


def as_csv(cells: Sequence[Cell]) -> str:
    """Every number of the cells, one line per proxy and benchmark."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    measures = ("spearman", "kendall")
    edges = [f"{measure}_{edge}" for measure in measures for edge in ("", "low", "high")]
    best = [f"{who}_best_of_{k}" for k in (1, 5, 20) for who in ("proxy", "random")]
    writer.writerow(
        ["proxy", "benchmark", "home", "n", *(edge.rstrip("_") for edge in edges), *best, "best", "missing"]
    )
    for cell in cells:
        numbers = []
        for measure in measures:
            numbers += [cell.row.get(measure), *cell.row.get(f"{measure}_interval", (None, None))]
        by_k = {choice.k: choice for choice in cell.choices}
        for k in (1, 5, 20):
            numbers += [by_k[k].chosen, by_k[k].random] if k in by_k else [None, None]
        numbers.append(cell.choices[0].best if cell.choices else None)
        texts = ["" if value is None else repr(float(value)) for value in numbers]
        writer.writerow([cell.proxy, cell.benchmark, int(cell.home), cell.row.get("n", ""), *texts, cell.missing])
    return stream.getvalue()
