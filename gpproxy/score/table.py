"""Tables of `gpproxy score`: the transfer matrix, and what choosing by a proxy buys."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gpproxy.benchmarks.benchmark import Card
from gpproxy.ranking.top_k import Choice
from gpproxy.run.tables import number
from gpproxy.score.transfer import Cell, Column

#: Characters that a column of the matrix takes, and the rows' names at the most.
COLUMN, NAMES = 13, 26
SIGNS = {"spearman": "ρ", "kendall": "τ"}


def matrix(cells: Sequence[Cell], places: Sequence[Column], measure: str, width: int = 80) -> Iterator[Table]:
    """Held-out `spearman` or `kendall` with 95 % intervals; a star where the proxy was discovered.

    As many tables, one below the other, as `width` characters need.
    """
    rows = _rows(cells, places)
    named = [(own[0].proxy.replace(" (", "\n("), [_entry(cell, measure) for cell in own]) for own in rows]
    yield from _blocks(f"{SIGNS[measure]} held out [95 %]\ndiscovered on", named, places, width)


def spread(cells: Sequence[Cell], places: Sequence[Column], measure: str, width: int = 80) -> Iterator[Table]:
    """Mean and deviation over the formulas that were discovered on the same benchmarks, and the lowest and highest of
    them; empty where there are not several of any. Arguments as for `matrix`.
    """
    families: dict[tuple[str, ...], list[Sequence[Cell]]] = {}
    for own in _rows(cells, places):
        families.setdefault(own[0].origin, []).append(own)
    named = []
    for origin, family in families.items():
        if origin and len(family) > 1:
            many = f"{'+'.join(map(label_of, origin))}\n({len(family)} formulas)"
            named.append((many, [_of_several(column, measure) for column in zip(*family)]))
    if named:
        yield from _blocks(f"{SIGNS[measure]} held out, mean ±\ndeviation, range", named, places, width)


def _rows(cells: Sequence[Cell], places: Sequence[Column]) -> list[Sequence[Cell]]:
    """The cells of each proxy, one per place."""
    return [cells[i : i + len(places)] for i in range(0, len(cells), len(places))]


def _blocks(
    head: str, rows: Sequence[tuple[str, Sequence[Text]]], places: Sequence[Column], width: int
) -> Iterator[Table]:
    """Rows of one entry per place, in as many tables as `width` characters need."""
    fit = max((width - NAMES) // COLUMN, 1)
    for start in range(0, len(places), fit):
        table = Table(box=None, pad_edge=False, padding=(0, 1))
        table.add_column(head, overflow="fold", max_width=NAMES - 1)
        for place in places[start : start + fit]:
            table.add_column(label_of(place.name).replace("-", "-\n"), justify="right", overflow="fold")
        for name, entries in rows:
            table.add_row(name, *entries[start : start + fit])
        yield table


def _of_several(cells: Sequence[Cell], measure: str) -> Text:
    values = [cell.row[measure] for cell in cells if cell.row and cell.row[measure] is not None]
    if len(values) < 2:
        return Text("-")
    middle = f"{number(statistics.fmean(values))} ± {number(statistics.stdev(values))}"
    return _starred(cells[0], f"{middle}\n{number(min(values))} to {number(max(values))}")


def _entry(cell: Cell, measure: str) -> Text:
    if cell.missing:
        return Text("absent" if not cell.row else "-", style="dim")
    value = cell.row[measure]
    if value is None:
        return Text("-")
    low, high = cell.row[f"{measure}_interval"]
    return _starred(cell, f"{number(value)}\n[{number(low)}, {number(high)}]\nn = {cell.row['n']}")


def _starred(cell: Cell, text: str) -> Text:
    """The text of a cell, marked where the proxy was discovered."""
    return Text(f"* {text}", style="bold") if cell.home else Text(text)


def regrets(cells: Sequence[Cell], places: Sequence[Column]) -> Iterator[RenderableType]:
    """Expected quality of the best of k by proxy / at random, one titled table per benchmark, in its units."""
    for place in places:
        judged = [cell for cell in cells if cell.benchmark == place.name and cell.choices]
        if place.benchmark is None or not judged:
            continue
        card = place.benchmark.card
        title = f"{label_of(place.name)}: {card.metric}, {card.direction} is better; chosen by proxy / at random"
        table = Table(box=None, pad_edge=False, padding=(0, 1))
        table.add_column("", overflow="fold")
        sizes = sorted({choice.k for cell in judged for choice in cell.choices})
        for name in (*(f"best of {k}" for k in sizes), "of all"):
            table.add_column(name, justify="right", no_wrap=True)
        for cell in judged:
            rows = {choice.k: choice_cells(choice, card) for choice in cell.choices}
            pairs = [f"{rows[k][1]} / {rows[k][2]}" if k in rows else "-" for k in sizes]
            table.add_row(cell.proxy.replace(" (", "\n("), *pairs, next(iter(rows.values()))[3])
        yield Group(Text(title, style="bold"), table)


def choice_cells(choice: Choice, card: Card) -> list[str]:
    """k and the three qualities, in the card's units."""
    return [str(choice.k), *(f"{value:.4g}" for value in _in_units(choice, card))]


def _in_units(choice: Choice, card: Card) -> list[float]:
    """The metric of the choice by proxy, of that at random, and of the best of all."""
    import torch

    return card.in_units(torch.tensor([choice.chosen, choice.random, choice.best], dtype=torch.float64)).tolist()


def as_csv(cells: Sequence[Cell], places: Sequence[Column]) -> str:
    """Every number of the cells, one line per proxy and benchmark; the metric in its units, and which way is better."""
    cards = {place.name: place.benchmark.card for place in places if place.benchmark is not None}
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    measures = ("spearman", "kendall")
    edges = [f"{measure}_{edge}" for measure in measures for edge in ("", "low", "high")]
    best = [f"{who}_best_of_{k}" for k in (1, 5, 20) for who in ("proxy", "random")]
    head = ["proxy", "benchmark", "home", "n", *(edge.rstrip("_") for edge in edges)]
    writer.writerow([*head, "metric", "better", *best, "best", "missing"])
    for cell in cells:
        card = cards.get(cell.benchmark)
        ranks: list[float | None] = []
        for measure in measures:
            ranks += [cell.row.get(measure), *cell.row.get(f"{measure}_interval", (None, None))]
        by_k = {choice.k: _in_units(choice, card) for choice in cell.choices} if card else {}
        units: list[float | None] = []
        for k in (1, 5, 20):
            units += by_k[k][:2] if k in by_k else [None, None]
        units.append(next(iter(by_k.values()))[2] if by_k else None)
        where = [cell.proxy, cell.benchmark, str(int(cell.home)), str(cell.row.get("n", ""))]
        metric = [card.metric, card.direction] if card else ["", ""]
        writer.writerow([*where, *_texts(ranks), *metric, *_texts(units), cell.missing])
    return stream.getvalue()


def _texts(values: Sequence[float | None]) -> list[str]:
    return ["" if value is None else repr(float(value)) for value in values]


def label_of(path: str) -> str:
    """The name of a benchmark in a table: that of its file, where a path was given."""
    return Path(path).stem if path.endswith((".csv", ".toml", ".json")) else path
