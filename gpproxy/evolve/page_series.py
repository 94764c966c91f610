"""What a page shows of several seeds: the rows of a series, and the ladder of an ablation. A Series in, blocks out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpproxy.evolve.series import FORMULA, Series, SeriesRow
from gpproxy.evolve.series_table import order, remarks, sure_steps
from gpproxy.evolve.series_table import spread as told_spread
from gpproxy.pictures.forest import Bar, forest
from gpproxy.ranking.difference import MEASURES
from gpproxy.report.document import Block, Figure, Table, Text
from gpproxy.run.tables import capital, number, with_interval


def over_seeds(name: str, series: Series) -> Iterator[Block]:
    """What holds over the seeds of one series on a benchmark, paired."""
    yield Table(
        ["over all seeds", "test τ", "test ρ", "better in", "formula − row, τ", "formula − row, ρ", "the formula is"],
        _rows(series.rows),
        f"{name}: mean ± standard deviation over {len(series.seeds)} seeds; differences are paired, on the same "
        "networks of the same splits, with 95 % intervals. Better in: seeds in which the formula has the higher τ.",
    )
    for sentence in remarks(series):
        yield Text(capital(sentence))


def ladder(name: str, series: Series, picture: str) -> Iterator[Block]:
    """The rows of an ablation on a benchmark: which order was found, a picture and a table.

    Args:
        picture: what the picture is called, unique on the page.
    """
    yield Text(f"{capital(order(series))} {capital(sure_steps(series))}")
    alt = "Forest plot of the mean τ on the test: " + "; ".join(
        f"{row.title} {number(row.kendall.mean)}" for row in series.rows
    )
    caption = "Dots: means over the seeds; upright strokes: the single seeds. Blue: the method without a part of the "
    caption += "evolution, and what it is compared with; orange: the whole method."
    yield Figure(ladder_picture(series, picture), f"{alt}.", caption)
    yield Table(
        ["row", "test τ", "test ρ", "better in", "row − above, τ", "row − above, ρ", "this row is"],
        _rows(series.rows),
        f"{name}: mean ± standard deviation over {len(series.seeds)} seeds, all rows on the same test networks. "
        "Differences to the row above are paired, on the same networks of the same splits, with 95 % intervals. Better "
        "in: seeds in which the row has the higher τ. Without a part: formulas evolved anew without it.",
        [place for place, row in enumerate(series.rows) if row.kind == FORMULA],
    )


def ladder_picture(series: Series, name: str) -> str:
    """The rows of an ablation as SVG text: mean τ of each row, and that of each run as a stroke."""
    bars = []
    for row in series.rows:
        dots = [value for value in row.kendall.values if value is not None]
        bars.append(Bar(row.title, row.kendall.mean, colour=int(row.kind == FORMULA), dots=dots))
    return forest(bars, "τ on the test; a stroke is a seed", name)


def _rows(rows: Sequence[SeriesRow]) -> list[list[str]]:
    """The cells of the rows; a difference is to what the head of the table says."""
    found = []
    for row in rows:
        cells = ["", "", "", ""]
        if row.difference is not None:
            gap = row.difference.to_json()
            told = [with_interval(gap, measure) for measure in MEASURES]
            cells = [f"{row.better} of {row.of}", *told, row.difference.words]
        found.append([row.title, told_spread(row.kendall), told_spread(row.spearman), *cells])
    return found
