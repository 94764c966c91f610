"""The table at the end of a series: mean and deviation of every row over the seeds, and paired differences.

In: a Series and a width. Out: lines of rich text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from gpproxy.evolve.facts import AS_WELL, outcome
from gpproxy.evolve.series import COMMITTEES, OWN
from gpproxy.ranking.difference import MEASURES
from gpproxy.run.tables import joined, number, with_interval, wrapped

if TYPE_CHECKING:
    from gpproxy.evolve.series import Series, SeriesRow, Spread

#: Columns from which verdicts stand beside their numbers.
WIDE = 120


def series_table(series: Series, width: int) -> Iterator[Text]:
    """The lines of the table of one benchmark."""
    told = [*remarks(series), f"verdict: {verdict(series)}"]
    yield from _table(series, width, "formula − row", "mean difference", told)


def ablation_table(series: Series, width: int) -> Iterator[Text]:
    """The lines of the table of an ablation on one benchmark, and the order that was found."""
    yield from _table(
        series, width, "row − above", "mean difference to the row above", [order(series), sure_steps(series)]
    )


def _table(series: Series, width: int, difference: str, meaning: str, sentences: Iterable[str]) -> Iterator[Text]:
    """Head, explanation, rows and sentences; `difference` names what is subtracted from what, `meaning` says it."""
    yield from _head(series)
    told = (
        f"mean ± standard deviation over the seeds; {difference}: {meaning}, paired, 95 %; better in: seeds in which "
        f"the {difference.split(' ')[0]} has the higher τ; ceiling: what the noise of retraining leaves; τ, ρ: "
        "Kendall's and Spearman's rank correlation with the measured quality"
    )
    for piece in wrapped(told, width):
        yield Text(piece, style="dim")
    yield from _rows(series, width, difference)
    yield Text()
    for sentence in sentences:
        for piece in wrapped(sentence, width):
            yield Text(piece)


def order(series: Series) -> str:
    """The rows by their mean τ, in a sentence; what stands beside each other need not differ."""
    rows = [
        (row.kendall.mean, row.title) for row in series.rows if row.kind != "ceiling" and row.kendall.mean is not None
    ]
    return "by mean τ: " + " < ".join(f"{title} {number(mean)}" for mean, title in sorted(rows)) + "."


def sure_steps(series: Series) -> str:
    """Which rows of an ablation differ from the row above by both ρ and τ, in a sentence."""
    told: list[str] = []
    rest: list[str] = []
    for above, row in zip(series.rows, series.rows[1:]):
        if row.difference is not None:
            words = row.difference.words
            sure = words in ("better", "worse")
            (told if sure else rest).append(f"{row.title} is {words} than {above.title}" if sure else row.title)
    if not told:
        return f"no row is distinguishable from the row above by both ρ and τ ({len(rest)} compared)."
    others = f"; not distinguishable from the row above by both: {joined(rest)}" if rest else ""
    return f"by both ρ and τ, {joined(told)}{others}."


def _head(series: Series) -> Iterator[Text]:
    tested = sorted(set(series.tested))
    counts = str(tested[0]) if len(tested) == 1 else f"{tested[0]} to {tested[-1]}"
    count = len(series.seeds)
    head = f"{series.benchmark}: {count} seed{'s' * (count > 1)}, {counts} tested architectures each"
    yield Text(head, style="bold")


def _rows(series: Series, width: int, difference: str) -> Iterator[Text]:
    """A line per row, or two where there is little room; `difference` names what is subtracted from what."""
    wide = width >= WIDE
    titles = [f"{'':24}", f"{'test τ':>11}", f"{'test ρ':>11}", f"{'better in':>9}"]
    marks = list(MEASURES.values()) if wide else list(MEASURES.values())[:1]
    yield Text(" ".join([*titles, *(f"{f'{mark}: {difference}':>18}" for mark in marks)]), style="dim")
    for row in series.rows:
        style = "bold green" if row.kind == "formula" else "cyan" if row.kind in COMMITTEES else ""
        cells = [f"{row.title:24}", f"{spread(row.kendall):>11}", f"{spread(row.spearman):>11}"]
        cells.append(f"{row.better} of {row.of}".rjust(9) if row.difference else " " * 9)
        below = ""
        if row.difference is not None:
            told = row.difference.to_json()
            gaps = [with_interval(told, measure).rjust(18) for measure in MEASURES]
            cells += gaps if wide else gaps[:1]
            if wide:
                cells.append(f" {row.difference.words}")
            else:
                below = f"    {row.difference.words}; ρ: {gaps[1].strip()}"
        yield Text(" ".join(cells).rstrip(), style=style)
        if below:
            yield Text(below, style="dim")


def remarks(series: Series) -> Iterator[str]:
    """Sentences below the table: how much draws vary, what the committee is, what was chosen."""
    rows = {row.kind: row for row in series.rows}
    random, committee = rows.get("random"), rows.get("committee")
    if random is not None and random.draws is not None:
        yield f"random formulas: the draws of one seed differ by {number(random.draws)} τ (standard deviation)."
    if OWN in rows:
        yield "committee of each run: the mean rank by its formula and two of its archive that rank most unlike it."
    if committee is not None:
        yield (
            f"committee: the mean rank by the formulas that have not learnt from an architecture, {series.members:.1f} "
            "of them on the average."
        )
    for row in series.rows:
        if row.kind not in ("formula", "random", *COMMITTEES, "ceiling") and any(row.names):
            yield f"{row.title}, with the number of seeds that chose it: {_counted(row)}"


def verdict(series: Series) -> str:
    """What the differences come to, in a sentence."""
    rows = [row for row in series.rows if row.difference is not None and row.kind not in COMMITTEES]
    if not rows:
        return "over these seeds the evolved formula was compared with nothing."
    told = f"over these seeds the evolved formula is {outcome((row.title, row.difference) for row in rows)}"
    if any(row.kind == "descriptor" and row.difference and not row.difference.better for row in rows):
        told += f". {AS_WELL}"
    return f"{told}."


def spread(spread: Spread) -> str:
    """`.53 ± .13`."""
    if spread.deviation is None:
        return number(spread.mean)
    return f"{number(spread.mean)} ± {number(spread.deviation)}"


def _counted(row: SeriesRow) -> str:
    """`-deconvolutions 6, depth 4`: what was chosen, the most frequent first."""
    counts = {name: row.names.count(name) for name in dict.fromkeys(row.names)}
    told = ", ".join(f"{name} ({n})" for name, n in sorted(counts.items(), key=lambda item: -item[1]))
    return told + ("; a minus sign counts backwards" if told.startswith("-") or ", -" in told else "")
