"""The pictures of a page about evolve: a finished run in, figures out, or a sentence where one would say nothing."""

from __future__ import annotations

import csv
import math
import shlex
from collections.abc import Sequence
from typing import Any

import torch

from gpproxy.evolve.finished import EvolveRun
from gpproxy.evolve.layers import EXTREMES
from gpproxy.evolve.page_card import table_card
from gpproxy.evolve.result import ENDS
from gpproxy.evolve.rivals import KINDS, Rival
from gpproxy.evolve.scores import PICK
from gpproxy.evolve.table import steps
from gpproxy.pictures.forest import Bar, forest
from gpproxy.pictures.heat import heat
from gpproxy.pictures.layers import layers
from gpproxy.pictures.lines import lines
from gpproxy.pictures.scatter import Dot, scatter
from gpproxy.primitives.layers import REGIONS
from gpproxy.ranking.difference import Difference
from gpproxy.report.document import Block, Code, Figure, Table, Text
from gpproxy.run.tables import number, with_interval

#: What `gpproxy score --transfer --out` writes, where it lies in a run folder.
TRANSFER = "transfer.csv"
#: Most pictures of layers, those of the outer reducers.
MOST = 4
#: Fewest networks with which a picture of correlations says anything.
FEWEST = 5


def quality(run: EvolveRun, benchmark: str, name: str) -> list[Block]:
    """Score against measured quality."""
    table = run.scores.get(benchmark)
    if table is None:
        return [Text("The run was made by a version that kept no scores; run it anew for this picture.")]
    mean = table.mean(PICK)
    dots = []
    for place, part in enumerate(table.parts):
        trainings = [value for value in table.trainings[place].tolist() if not math.isnan(value)]
        measured = sum(trainings) / len(trainings) if trainings else math.nan
        inits = [value for value in table.columns[PICK][:, place].tolist() if not math.isnan(value)]
        dots.append(Dot(part, float(mean[place]), measured, inits, trainings))
    shown = [dot for dot in dots if math.isfinite(dot.score) and math.isfinite(dot.quality)]
    if len(shown) < FEWEST:
        return [Text(f"Only {len(shown)} networks have a score and a quality: too few for a picture.")]
    label, log, lower = _metric(run, benchmark)
    test = run.result.benchmarks[benchmark]["test"]
    alt = (
        f"Scatter plot of {len(shown)} networks: score of the formula across, {label} up. "
        f"Test networks have τ {number(test['kendall'])}, ρ {number(test['spearman'])}."
    )
    bars = []
    if table.columns[PICK].shape[0] > 1:
        bars.append(f"across from the least to the greatest of {table.columns[PICK].shape[0]} initialisations")
    if table.trainings.shape[1] > 1:
        bars.append("up from the best to the worst of the trainings of a network, the noise of retraining")
    caption = f"Test: τ {with_interval(test, 'kendall')}, ρ {with_interval(test, 'spearman')}. "
    caption += f"Bars go {' and '.join(bars)}. " if bars else ""
    caption += f"A good formula puts the {'lowest' if lower else 'highest'} signs on the right."
    if len(shown) < len(dots):
        caption += f" {len(dots) - len(shown)} networks without a score (dead before training) are left out."
    return [Figure(scatter(dots, "score of the formula", label, f"{name}-scatter", log), alt, caption)]


def _metric(run: EvolveRun, benchmark: str) -> tuple[str, bool, bool]:
    """What the quality is called, whether its axis is logarithmic, whether lower is better."""
    card = table_card(run, benchmark)
    if card is not None:
        lower = card.direction == "lower"
        return f"{card.metric} ({'↓ lower' if lower else '↑ higher'} is better)", card.scale == "log", lower
    table = run.scores[benchmark]
    known_both = table.trainings.nanmean(1)
    valid = known_both.isfinite() & table.quality.isfinite()
    lower = bool(torch.corrcoef(torch.stack([known_both[valid], table.quality[valid]]))[0, 1] < 0)
    return "measured quality", False, lower


def rivals(run: EvolveRun, benchmark: str, name: str) -> list[Block]:
    """Forest plots: what everything reaches on the test, and the paired differences."""
    rows = run.result.benchmarks[benchmark]
    test = rows["test"]
    if test["kendall"] is None:
        return [Text(f"{test['n']} test networks are too few for a rank correlation.")]
    found = run.result.rivals_of(benchmark)
    bars = [_bar("the formula", test, 0)]
    if (committee := run.result.committee_of(benchmark)) is not None:
        bars.append(_bar(f"its committee of {committee.among}", committee.test, 2))
    if found:
        bars += [_rival_bar(rival) for rival in found]
    else:
        ranked = sorted(rows["baselines"].items(), key=lambda item: -abs(item[1]["test"]["kendall"] or 0.0))
        bars += [_bar(label, row["test"], 1) for label, row in ranked[:10]]
    best = rows["ceiling"]
    known = best is not None and best["kendall"] is not None
    marks = [(0.0, ""), *([(best["kendall"], "ceiling")] if known else [])]
    picture = forest(bars, f"τ on {test['n']} test networks, 95 % intervals", f"{name}-forest", marks)
    alt = "Forest plot of τ on the test: " + "; ".join(f"{bar.label} {number(bar.value)}" for bar in bars) + "."
    caption = "Higher is better. " + (
        f"The noise of retraining keeps every proxy below τ {number(best['kendall'])}." if known else
        "The repeated trainings of the table are too few, or agree too little, for a ceiling."
    )  # fmt: skip
    if any(bar.dots for bar in bars):
        caption += " Upright strokes: the single draws of random formulas."
    blocks: list[Block] = [Figure(picture, alt, caption)]
    paired = [rival for rival in found if rival.difference is not None and rival.difference.kendall is not None]
    if paired:
        gaps = [
            _bar(f"− {rival.title}", rival.difference.to_json(), 2 if rival.difference.sign("kendall") > 0 else 5)
            for rival in paired
            if rival.difference is not None
        ]
        picture = forest(gaps, "τ of the formula less τ of the rival, paired", f"{name}-gaps")
        alt = "Forest plot of paired differences in τ: " + "; ".join(
            f"{rival.title}: {rival.difference.words}" for rival in paired if rival.difference
        )
        caption = "Right of 0 the formula is better; where a line crosses 0 the two are not distinguishable (grey)."
        blocks.append(Figure(picture, alt, caption))
    return blocks


def _bar(label: str, row: dict[str, Any], colour: int) -> Bar:
    low, high = row["kendall_interval"]
    return Bar(label, row["kendall"], low, high, colour)


def _rival_bar(rival: Rival) -> Bar:
    low, high = rival.test.get("kendall_interval", (None, None))
    dots = [row["kendall"] for row in rival.draws if row["kendall"] is not None]
    title = rival.title if rival.kind != "random" else KINDS["random"]
    return Bar(title, rival.test.get("kendall"), low, high, 1, dots if len(dots) > 1 else ())


def several(runs: Sequence[EvolveRun]) -> list[Block]:
    """The test of several runs in one forest plot."""
    bars = []
    for run in runs:
        for benchmark, rows in run.result.benchmarks.items():
            if rows["test"]["kendall"] is not None:
                on = f", {benchmark}" if len(run.result.benchmarks) > 1 else ""
                bars.append(_bar(f"{run.folder.name}{on}", rows["test"], 0))
                bars += [
                    Bar(f"  {KINDS[rival.kind]}", rival.test.get("kendall"), *_edges(rival), 1)
                    for rival in run.result.rivals_of(benchmark)
                    if rival.kind in ("descriptor", "random")
                ]
    if not bars:
        return [Text("No run has a rank correlation on its test.")]
    alt = "Forest plot of τ on the test of every run: " + "; ".join(
        f"{b.label.strip()} {number(b.value)}" for b in bars
    )
    caption = "Blue: the formula of each run; orange: its rivals that need no evolution."
    return [Figure(forest(bars, "τ on the test of each run, 95 % intervals", "all-forest"), alt, caption)]


def _edges(rival: Rival) -> tuple[float | None, float | None]:
    low, high = rival.test.get("kendall_interval", (None, None))
    return low, high


def front(run: EvolveRun, name: str) -> list[Block]:
    """Train, validation and test along the front."""
    shown = {entry.complexity: entry for entry in steps(run.result.front) if entry.test}
    if len(shown) < 3:
        return [Text(f"The front has formulas of {len(shown)} sizes: too few for a picture.")]
    sizes = list(shown)
    series = {
        part: [getattr(shown[size], part).get("kendall") for size in sizes] for part in ("train", "validation", "test")
    }
    chosen = next((size for size in sizes if shown[size].pick), None)
    alt = "Lines of τ over the number of nodes: " + "; ".join(
        f"{part} from {number(values[0])} to {number(values[-1])}" for part, values in series.items()
    )
    caption = (
        "The formulas of the table below: each is better on the training networks than every smaller one. Where train "
        "goes on rising and validation or test does not, a formula has learnt its training networks by heart."
    )
    return [Figure(lines(series, sizes, "nodes of the formula", "τ", f"{name}-front", chosen), alt, caption)]


def convergence(run: EvolveRun, name: str) -> list[Block]:
    """The best formula over the generations, on all three parts."""
    known = [step for step in run.steps if step.kendall is not None]
    if len(known) < 3:
        return [Text(f"The journal has {len(known)} generations with a formula: too few for a picture.")]
    x = [step.index for step in known]
    series = {"train τ": [step.kendall for step in known], "train ρ": [step.spearman for step in known]}
    held = [max(step.front, key=lambda one: one["quality"], default={}).get("validation") for step in known]
    if any(value is not None for value in held):
        series["validation τ, one initialisation"] = held
    tested = {
        benchmark: rows["convergence"] for benchmark, rows in run.result.benchmarks.items() if rows.get("convergence")
    }
    for benchmark, rows in tested.items():
        on = f" on {benchmark}" if len(tested) > 1 else ""
        series[f"test τ{on}, one initialisation, read afterwards"] = _stairs(rows, x)
    ends = "; ".join(f"{title} from {number(values[0])} to {number(values[-1])}" for title, values in series.items())
    told = (
        f"The best formula of each generation by its ranking of the training networks. It evolved until "
        f"{ENDS.get(run.result.finished, run.result.finished)}. {run.result.evaluations:,} formulas, "
        f"{run.result.seconds:.0f} s. "
    )
    if tested:
        told += (
            "The test was read afterwards, when the formula of the run had been chosen: nothing was bred, chosen or "
            "ended by this line."
        )
    else:
        told += "What these formulas have on the test was not kept by the version that made the run."
    picture = lines(series, x, "generation", "rank correlation, best formula", f"{name}-convergence")
    return [Figure(picture, f"Lines of the rank correlation over {len(known)} generations: {ends}.", told)]


def _stairs(rows: Sequence[dict[str, Any]], x: Sequence[int]) -> list[float | None]:
    """τ at each generation of rows that stand where the best formula changes."""
    found: list[float | None] = []
    for index in x:
        before = [row["kendall"] for row in rows if row["generation"] <= index]
        found.append(before[-1] if before else None)
    return found


def terms(run: EvolveRun, benchmark: str, name: str) -> list[Block]:
    """What is lost when a term is taken out, as a forest plot and a table."""
    found = run.result.benchmarks[benchmark].get("terms")
    if found is None:
        return [Text("The run was made by a version that did not take formulas apart; run it anew.")]
    if not found:
        return [Text("The formula is a single term: nothing can be taken out of it.")]
    pairs = [(one, Difference.from_json(one["difference"])) for one in found if one["difference"] is not None]
    shown = [(one, gap) for one, gap in pairs if gap.kendall is not None]
    blocks: list[Block] = []
    if len(shown) >= 1:
        bars = [_bar(one["term"], gap.to_json(), 2 if gap.sign("kendall") > 0 else 5) for one, gap in shown]
        alt = "Forest plot of what each term adds to τ on the test: " + "; ".join(
            f"{one['term']} {number(gap.kendall)}, {gap.words}" for one, gap in shown
        )
        caption = "How much better the whole formula ranks the test than what is left without the term, paired."
        picture = forest(bars, "τ that the term adds on the test", f"{name}-terms")
        blocks.append(Figure(picture, alt, caption))
    rows = []
    for one in found:
        gap = None if one["difference"] is None else Difference.from_json(one["difference"])
        cells = [number(one[part]["kendall"]) for part in ("train", "validation", "test")]
        cells.append(number(one["test"]["spearman"]))
        rows.append([one["term"], *cells, "-" if gap is None else gap.words, one["left"]])
    legend = (
        "τ and ρ of what is left when the term is taken out; “the whole is” compares the whole formula with it on the "
        "test, by τ and ρ. A term whose loss is not distinguishable may as well go. "
        "Σ: the sum over the layers; early, middle, late: over those of one third of the depth."
    )
    head = ["without", "train τ", "validation τ", "test τ", "test ρ", "the whole is", "what is left"]
    return [*blocks, Table(head, rows, legend)]


def depth(run: EvolveRun, benchmark: str, name: str) -> list[Block]:
    """What the layers of the best and of the worst network say."""
    found = run.result.benchmarks[benchmark].get("layers")
    if found is None:
        return [Text("The run was made by a version that did not keep what layers say; run it anew.")]
    shown = [row for row in found if min(len(row[end]["values"]) for end in EXTREMES) > 1]
    if not shown:
        return [Text("The formula reduces no numbers of layers, or the networks have one layer: nothing to show.")]
    blocks: list[Block] = []
    telling = [row for row in shown if len({value for end in EXTREMES for value in row[end]["values"]}) > 1]
    for place, row in enumerate(telling[:MOST]):
        series = {f"{end}: {row[end]['network']}": (row[end]["depth"], row[end]["values"]) for end in EXTREMES}
        where = f"the {row['region']} third of the depth" if row["region"] else "all layers"
        alt = f"Lines of {row['operand']} over the depth, for the best and the worst network; {row['reducer']} takes "
        told = (
            f"{row['reducer']} takes {where}. Best and worst: by the score of the formula among the training networks."
        )
        blocks.append(Figure(layers(series, row["operand"], f"{name}-layers-{place}"), f"{alt}{where}.", told))
    rows = [[row["reducer"], end, row[end]["network"], *_thirds(row[end])] for row in shown for end in EXTREMES]
    legend = (
        "Mean of what is reduced over the layers of each third of the depth (bounds at 1/3 and 2/3); - for a third "
        "without such a layer. Of the best and the worst training network by the score of the formula."
    )
    return [*blocks, Table(["what reduces", "of the", "network", "early", "middle", "late"], rows, legend)]


def _thirds(row: dict[str, Any]) -> list[str]:
    """The mean of each third."""
    depth, values = (torch.tensor(row[name], dtype=torch.float64) for name in ("depth", "values"))
    thirds = [values[REGIONS[region][0](depth)] for region in ("early", "middle", "late")]
    return [f"{float(some.mean()):.3g}" if len(some) else "-" for some in thirds]


def transferred(run: EvolveRun, name: str) -> list[Block]:
    """What the proxy reaches elsewhere, where `transfer.csv` of the run folder tells."""
    path, place = run.folder / TRANSFER, shlex.quote(str(run.folder))
    if not path.is_file():
        return [
            Text("Not computed. It is shown here after:"),
            Code(f"gpproxy score --transfer --proxy {place} --out {place}/{TRANSFER}; gpproxy report {place}"),
        ]
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = [row for row in rows if row["kendall"]]
    if not known:
        return [Text(f"{TRANSFER} has no rank correlation: no other table is at hand.")]
    proxies = list(dict.fromkeys(row["proxy"] for row in known))
    places = list(dict.fromkeys(row["benchmark"] for row in known))
    cells = {(row["proxy"], row["benchmark"]): float(row["kendall"]) for row in known}
    picture = heat(proxies, places, [[cells.get((a, b)) for b in places] for a in proxies], f"{name}-transfer")
    alt = "Table of τ by proxy and benchmark: " + "; ".join(
        f"{row['proxy']} on {row['benchmark']} {float(row['kendall']):.2f}" for row in known
    )
    told = "τ on what the proxy has not learnt from, nor twins of that. Blue ranks forwards, orange backwards."
    table = [
        [row["proxy"], row["benchmark"] + (" (home)" if row["home"] == "1" else ""), row["n"],
         f"{float(row['kendall']):.2f} [{float(row['kendall_low']):.2f}, {float(row['kendall_high']):.2f}]"]
        for row in known if row["kendall_low"]
    ]  # fmt: skip
    legend = "Home: where it was discovered. Intervals are 95 %; where one holds 0, it is not shown to rank there."
    return [Figure(picture, alt, told), Table(["proxy", "benchmark", "networks", "τ"], table, legend)]
