"""A learning curve in words and lines: its points in, lines of rich text and sentences out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from gpproxy.evolve.series_table import spread
from gpproxy.ranking.difference import MEASURES
from gpproxy.run.tables import joined, with_interval, wrapped

if TYPE_CHECKING:
    from gpproxy.evolve.curve import Point
    from gpproxy.evolve.series import Series, Spread

#: Kinds of rows that a curve shows, with what they are called in a narrow column.
SHOWN = {"formula": "formula", "random": "random", "descriptor": "descriptor", "ceiling": "ceiling"}


def curve_table(points: Sequence[Point], width: int) -> Iterator[Text]:
    """The lines of the curve of one benchmark: a block for τ and one for ρ, and what it comes to."""
    first = points[0].series
    yield Text(f"{first.benchmark}: {len(first.seeds)} seeds, the same tests for every number of labels", style="bold")
    told = (
        "labels: networks that were learnt from, for training and validation; mean ± standard deviation over the "
        "seeds; random: random formulas; descriptor: the best one by the same labels; gain: over the formula with "
        "fewer labels, paired, 95 %"
    )
    for piece in wrapped(told, width):
        yield Text(piece, style="dim")
    kinds = shown(points)
    for measure, mark in MEASURES.items():
        heads = [f"{'labels':>6}", *(f"{f'{mark} {SHOWN[kind]}':>12}" for kind in kinds), f"{'gain':>18}"]
        yield Text(" ".join(heads), style="dim")
        for point in points:
            cells = [spread(value) if (value := cell(point.series, kind, measure)) else "-" for kind in kinds]
            gain = "" if point.gain is None else with_interval(point.gain.to_json(), measure)
            yield Text(" ".join([f"{point.labels:>6}", *(f"{one:>12}" for one in cells), f"{gain:>18}"]).rstrip())
    yield Text()
    for sentence in sentences(points):
        for piece in wrapped(sentence, width):
            yield Text(piece)


def shown(points: Sequence[Point]) -> list[str]:
    """The kinds of rows that every point has, in the order of `SHOWN`."""
    return [kind for kind in SHOWN if all(any(row.kind == kind for row in one.series.rows) for one in points)]


def cell(series: Series, kind: str, measure: str) -> Spread | None:
    """What a row reaches; None where there is none of its kind."""
    row = next((row for row in series.rows if row.kind == kind), None)
    return None if row is None else getattr(row, measure)


def sentences(points: Sequence[Point]) -> Iterator[str]:
    """With how many labels the formula is better than what it is compared with, and which labels are worth it."""
    for kind, title in (("random", "the random formulas"), ("descriptor", "the best descriptor")):
        words: dict[str, list[str]] = {}
        for point in points:
            row = next((row for row in point.series.rows if row.kind == kind), None)
            if row is not None and row.difference is not None:
                words.setdefault(row.difference.words, []).append(str(point.labels))
        if words:
            told = "; ".join(f"{word} with {joined(counts)} labels" for word, counts in words.items())
            yield f"the evolved formula against {title}: {told}."
    gains = [
        f"{point.labels} against {before.labels} labels: {point.gain.words}"
        for before, point in zip(points, points[1:])
        if point.gain is not None
    ]
    if gains:
        yield f"more labels, by the formula: {'; '.join(gains)}."
