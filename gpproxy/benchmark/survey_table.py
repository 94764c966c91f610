"""What `benchmark show` prints: a table's card, its range and noise, the ceiling, and how simple baselines rank it.

In: a Survey and a width. Out: lines of rich text, readable from 80 columns on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from gpproxy.ranking.retest import FEWEST
from gpproxy.run.tables import number, with_interval, wrapped

if TYPE_CHECKING:
    from gpproxy.benchmark.survey import Survey
    from gpproxy.benchmarks.benchmark import Benchmark, Card

#: Width of the titles on the left.
INDENT = 12
#: Sentences of a card in the order in which they are shown.
SENTENCES = ("task", "data", "recipe", "source", "licence", "notes")


def survey_table(survey: Survey, width: int) -> Iterator[Text]:
    """The lines of the whole description."""
    table = survey.benchmark
    yield Text(table.name, style="bold").append(f"  space {space_of(table.card)}", style="not bold dim")
    for title, text in (*card_facts(table.card), *survey_facts(survey)):
        yield from titled(title, text, width)
    yield Text()
    yield from baseline_lines(survey, width)


def space_of(card: Card) -> str:
    """`autogan (width 32, resolution 32; proxies look at width 16, resolution 16)`."""
    settings, inits = (_listed(some, ", ") for some in (card.space_settings, card.look_settings))
    told = "; ".join([settings, f"proxies look at {inits}"] if inits else [settings])
    return f"{card.space} ({told})" if told else card.space


def card_facts(card: Card) -> Iterator[tuple[str, str]]:
    """Titles and sentences of a card; plain side numbers together, nested ones on lines of their own."""
    for name in SENTENCES:
        if text := getattr(card, name):
            yield name, " ".join(text.split())
    plain = {name: value for name, value in card.facts.items() if not isinstance(value, Mapping)}
    if plain:
        yield "facts", _listed(plain)
    for name, value in card.facts.items():
        if isinstance(value, Mapping) and name != "settings":  # the flags of the build, which the rest tells better
            yield name, _listed(value)


def survey_facts(survey: Survey) -> Iterator[tuple[str, str]]:
    """Titles and sentences on rows, range, noise and ceiling."""
    table = survey.benchmark
    trainings = int(table.repeats.isfinite().sum())
    lost = int(table.collapsed.sum())
    yield (
        "rows",
        f"{len(table)} architectures"
        + (f" in {survey.classes} functional classes" if survey.classes < len(table) else "")
        + f", {trainings} trainings, {lost or 'none'} of them collapsed"
        + (" and last in rank" if lost else ""),
    )
    worst, median, best = (f"{value:.4g}" for value in survey.metric)
    yield (
        table.card.metric,
        f"{table.card.direction} is better: best {best}, median {median}, worst {worst}"
        + (" (without collapsed ones)" if lost else ""),
    )
    yield from noise_facts(survey)
    known = {name: rho for name, rho in survey.measured.items() if not math.isnan(rho)}
    if known:
        cells = ", ".join(f"{name} {number(rho)}" for name, rho in known.items())
        yield "also", f"ρ of other measured columns with the quality (distances are negative): {cells}"
    if (found := survey.compute) is not None:
        agreement, there, here = (
            with_interval(row, "spearman") for row in (found.agreement, found.macs_by_compute, found.macs_by_steps)
        )
        yield (
            "compute",
            "with as many MACs for every training instead of as many steps, read off between the checks of "
            f"{found.count} architectures, the ranking has ρ {agreement} with this one; MACs have ρ {there} there and "
            f"{here} here",
        )
    if survey.judged < len(table):
        yield "baselines", f"described and judged on {survey.judged:,} architectures, drawn from the {len(table):,}"
    if survey.dead:
        yield "dead", f"{len(survey.dead)} of these networks have no meaningful score and rank last for every proxy"
    for reason in survey.failed.values():
        yield "left out", reason
    for remark in (*table.remarks, *map(str, table.dropped)):
        yield "note", remark


def noise_facts(survey: Survey) -> Iterator[tuple[str, str]]:
    """Titles and sentences on what retraining changes."""
    found, simulated = survey.retest, survey.ceiling
    scale = f"log {survey.benchmark.card.metric}" if survey.benchmark.card.scale == "log" else "the metric"
    if found is None and simulated is None:
        yield "retest", "unknown: too few architectures were trained more than once"
    elif found is None and simulated is not None:
        yield (
            "retest",
            f"ρ {number(simulated.retest_spearman)}, τ {number(simulated.retest_kendall)} between identical "
            f"architectures that were trained separately ({simulated.n} classes)",
        )
        yield "ceiling", f"for any proxy: ρ {number(simulated.spearman)}, τ {number(simulated.kendall)}"
    elif found is not None:
        yield (
            "retest",
            f"ρ {number(found.spearman)} {_edges(found.spearman_interval)}, τ {number(found.kendall)} "
            f"{_edges(found.kendall_interval)} between two trainings of an architecture ({found.n} architectures)",
        )
        yield (
            "noise",
            f"{found.noise:.3g} is the standard deviation of a training in {scale}; that of the architectures is "
            f"{found.spread:.3g}",
        )
        tau = "" if simulated is None else f", τ {number(simulated.kendall)} by simulation"
        yield (
            "ceiling",
            f"for any proxy: ρ {number(_known(found.ceiling))} {_edges(found.ceiling_interval)}{tau}; the mean over "
            f"{found.trainings:.3g} trainings has reliability {number(_known(found.reliability))} "
            f"{_edges(found.reliability_interval)}",
        )


def baseline_lines(survey: Survey, width: int) -> Iterator[Text]:
    """One line per baseline, the strongest first."""
    if not survey.baselines:
        yield Text("no baseline has two different values", style="dim")
        return
    dead = bool(survey.dead)
    yield Text("Rank correlation with the quality", style="bold").append(
        f"; {'higher is better, ' if width >= 120 else ''}published directions, 95 %", style="not bold dim"
    )
    yield Text(_row("", "Spearman's ρ", "Kendall's τ", "alive ρ" if dead else "", "", width), style="dim")
    for name, row in survey.baselines.items():
        alive = number(row["without_dead"]["spearman"]) if dead else ""
        cells = (with_interval(row, "spearman"), with_interval(row, "kendall"), alive)
        note = f"undefined for {row['undefined']}" if row["undefined"] else ""
        yield Text(
            _row(f"{name} ({row['kind']})", *cells, note, width), style="" if row["kind"] == "descriptor" else "cyan"
        )


def titled(title: str, text: str, width: int) -> Iterator[Text]:
    """A titled paragraph with its lines indented."""
    head = title.ljust(INDENT) if len(title) < INDENT else f"{title} "
    lines = wrapped(head[INDENT:] + text, max(width - INDENT, 20))
    for i, piece in enumerate(lines):
        yield Text.assemble((head[:INDENT] if i == 0 else " " * INDENT, "bold"), piece)


def _row(name: str, rho: str, tau: str, alive: str, note: str, width: int) -> str:
    room = 34 if width < 120 else 48
    name = name if len(name) <= room else f"{name[: room - 1]}…"
    end = f" {alive:>7}" if alive else ""
    return f"{name:<{room}} {rho:>17} {tau:>17}{end}" + (f"  {note}" if note and width >= 120 else "")


def _listed(values: Mapping[str, Any], between: str = "; ") -> str:
    return between.join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in values.items() if value != [])


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _edges(edges: tuple[float, float]) -> str:
    return f"[{number(_known(edges[0]))}, {number(_known(edges[1]))}]"


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def check_lines(place: str, table: Benchmark | None, bad: Sequence[str]) -> Iterator[str]:
    """What `benchmark check` prints: the bad rows, and what the table is good for without them."""
    yield from bad
    rows = "no bad row" if not bad else "1 bad row" if len(bad) == 1 else f"{len(bad)} bad rows"
    if table is None:
        yield f"{place}: {rows}, and no usable one."
        return
    trainings = table.repeats.isfinite().sum(1)
    yield (
        f"{place}: {rows}; {len(table)} architectures of {space_of(table.card)} with {int(trainings.sum())} trainings, "
        f"{int(table.collapsed.sum())} of them collapsed."
    )
    yield from table.remarks
    if int((trainings > 1).sum()) < FEWEST:
        yield "Too few architectures were trained twice to tell a ceiling. Add a second training of each."
