"""Finished searches as a page: what `report.html` shows of a search, in the order in which one asks.

In: SearchRuns. Out: a Document for `gpproxy.report.render`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from gpproxy.errors import GPProxyError
from gpproxy.pictures.architecture import short
from gpproxy.pictures.cost import AXES
from gpproxy.pictures.forest import Bar, forest
from gpproxy.pictures.raster import scaled
from gpproxy.pictures.tradeoff import SHOWN, tradeoff
from gpproxy.report.document import Beside, Block, Code, Document, Figure, Raster, Section, Table, Text
from gpproxy.report.repeat import repeat
from gpproxy.search.compare import Compared, comparison
from gpproxy.search.contenders import Line, bounded
from gpproxy.search.finished import SearchRun
from gpproxy.search.winners import FOLDER as TRAINED
from gpproxy.search.winners import place_of
from gpproxy.statistics.classical import PROXIES
from gpproxy.train.page import curves
from gpproxy.training.grid import grid_name
from gpproxy.training.outcome import outcome

#: Architectures that are drawn, and candidates that are listed.
DRAWN, LISTED = 3, 20
#: Pixels across of a drawn architecture and of a grid of images: enough to see, and a page stays below a megabyte.
ACROSS, GRID = 700, 512
#: Bytes of the images of trainings: noise hardly shrinks, so that a number of pictures would promise nothing.
ROOM = 400_000
#: Pictures that a search with a controller or shared weights leaves, with what they show.
OTHERS = {
    "winners.png": "How often each choice occurs among the best, against chance.",
    "controller.png": "What the controller has learnt from: reward and entropy over its updates.",
    "population.png": "How the population has changed: reward and entropy over its generations.",
    "losses.png": "Losses of the shared weights, with the places where they were reset.",
}


def document(runs: Sequence[SearchRun]) -> Document:
    """One search, or several under each other."""
    spaces = ", ".join(dict.fromkeys(run.result["space"] for run in runs))
    if len(runs) == 1:
        run = runs[0]
        count = f"{len(run.candidates):,} candidates, scored without training them"
        told = f"{run.folder.name}; seed {run.settings.seed}; {count}"
        return Document(f"A search in {spaces}", told, {run.folder.name: list(sections(run, "s0"))})
    parts = {
        f"{run.folder.name} (seed {run.settings.seed}), {i + 1}": list(sections(run, f"s{i}"))
        for i, run in enumerate(runs)
    }
    together = {"Side by side": [Section("Once trained", list(_together(runs)))]}
    return Document(f"{len(runs)} searches in {spaces}", "beside and under each other", {**together, **parts})


def sections(run: SearchRun, name: str) -> Iterator[Section]:
    """The sections of one search; `name` keeps the ids of its pictures apart."""
    yield Section("What ranked them", list(_proxies(run)))
    yield Section("Score against cost", [_tradeoff(run, name)])
    yield Section("The best", list(_best(run)))
    if run.compared:
        yield Section("Once trained", list(_trained(run, name)))
    shared = [
        Raster(scaled(run.folder / file, ACROSS), words, words)
        for file, words in OTHERS.items()
        if (run.folder / file).is_file()
    ]
    yield Section("What the winners share", shared)
    yield Section("Notes", [Text(sentence) for sentence in run.told])
    yield Section("To repeat it", list(repeat("search", run.folder, run.environment)))


def _proxies(run: SearchRun) -> Iterator[Block]:
    for proxy in run.result["proxies"]:
        yield Code(proxy["text"])
        if proxy["text"] in PROXIES:
            known = PROXIES[proxy["text"]]
            yield Text(f"{known.summary} Source: {known.source}.")
    if len(run.result["proxies"]) > 1:
        yield Text("Several: a candidate's score is the mean of its ranks.")
    if "estimator" in run.result:
        yield Text(f"The worth of an architecture was told by {run.result['estimator']}.")
    limits = {key: value for key, value in run.result["limits"].items() if value}
    told = ", ".join(f"{key} at most {short(value)}" for key, value in limits.items()) or "none"
    outside = f" {run.result['excluded']:,} architectures were outside of them." if any(limits) else ""
    yield Text(
        f"Strategy: {run.result['strategy']}. Limits: {told}.{outside} {run.result['repeated']:,} architectures were "
        "proposed again."
    )


def _tradeoff(run: SearchRun, name: str) -> Block:
    kind = run.settings.objective
    cloud = run.candidates.cloud(kind, SHOWN, run.settings.top)
    if cloud.count < 5:
        return Text(f"{cloud.count} candidates have a score and a cost: too few for a picture.")
    limit = float(run.result["limits"].get(kind) or 0.0)
    up = "mean rank" if len(run.result["proxies"]) > 1 else "score"
    picture = tradeoff(cloud, AXES[kind], up, f"{name}-cost", limit)
    alt = (
        f"Scatter plot of {cloud.label}, {AXES[kind]} across and {up} up; the best, "
        f"{run.candidates[0].architecture}, has {short(cloud.best[0][0])}."
    )
    told = "No candidate of the front is beaten in score and cost together. The numbers are the ranks of the best."
    if len(cloud.dots) < cloud.count:
        told += f" Dots: {cloud.label}, spread evenly over the ranking; front and ranks are those of all."
    return Figure(picture, alt, told)


def _best(run: SearchRun) -> Iterator[Block]:
    listed = run.candidates[:LISTED]
    timed = any(math.isfinite(one.latency_ms) for one in listed)
    head = ["rank", "architecture", "score", "parameters", "MACs", *(["ms"] if timed else []), ""]
    rows = []
    for one in listed:
        latency = [f"{one.latency_ms:.3g}"] if timed else []
        score = f"{one.score:.6g}" if math.isfinite(one.score) else "-"
        rows.append([str(one.rank), one.architecture, score, short(one.params), short(one.macs), *latency, one.problem])
    legend = (
        "Score: what the proxy says of the untrained network, higher is predicted to be better. MACs: multiplications "
        "with accumulation for one image. " + ("ms: measured milliseconds for one image. " if timed else "")
    )
    yield Table(head, rows, legend + f"All {len(run.candidates):,} are in ranking.csv.")
    for path in sorted((run.folder / "top").glob("[0-9]*.png"))[:DRAWN]:
        rank, _, code = path.stem.partition("_")
        told = f"Rank {int(rank)}: {code}, its layers from the input at the top to the output."
        yield Raster(scaled(path, ACROSS), told, told)


def _trained(run: SearchRun, name: str) -> Iterator[Block]:
    known = [line for line in run.compared if math.isfinite(line.mean)]
    if len(known) > 1:
        bars = [_bar(line) for line in known]
        alt = "Forest plot of measured quality after training: " + "; ".join(f"{b.label} {b.value:.4g}" for b in bars)
        told = "Lower is better; lines are 95 % intervals over trainings, where there were several."
        yield Figure(forest(bars, "measured after training", f"{name}-trained", ()), alt, told)
    rows = []
    for line in run.compared:
        value = "-" if math.isnan(line.mean) else bounded(line.mean, line.low, line.high)
        what = line.code or f"mean of {line.architectures}"
        rows.append([line.group, what, value, str(line.trainings), str(line.collapsed), short(line.params)])
    rows = [[cell.replace("nan", "") for cell in row] for row in rows]
    yield Table(
        ["group", "architecture", "measured ↓", "trainings", "collapsed", "parameters"],
        rows,
        "proxy: chosen by the search; random: drawn within the same limits; lower is better, with 95 % intervals.",
        [place for place, line in enumerate(run.compared) if not line.code],
    )
    yield from _trainings(run, name)


def _together(runs: Sequence[SearchRun]) -> Iterator[Block]:
    """The winners of several searches, or why they are not compared."""
    try:
        found = comparison(runs)
    except GPProxyError as error:
        yield Text(str(error), title="Not compared")
        return
    measure = found.measure
    bars = [Bar(row.label, row.mean, *_edges(row), dots=row.values) for row in found.rows]
    alt = f"Forest plot of {measure} after training: " + "; ".join(f"{b.label} {b.value:.4g}" for b in bars)
    told = f"Lower is better. Lines are 95 % intervals over {found.over}, ticks are those."
    yield Figure(forest(bars, f"{measure} after training", "together", ()), alt, told)
    rows = []
    for row in found.rows:
        less = ["", ""] if row.less is None else [bounded(*row.less), row.words]
        who = f"{row.label}; {row.searches} seeds" if row.searches > 1 and row.candidates else row.label
        count = f"{row.candidates:,.0f}" if row.candidates else ""
        best = f"{row.best[0]} {row.best[1]:.4g}"
        rows.append([who, count, bounded(row.mean, row.low, row.high), best, *less])
    head = ["search", "candidates", f"{measure} ↓", "best", "first less this", ""]
    legend = (
        f"{measure}: mean over {found.over} with its 95 % interval; best: by the "
        "mean of its trainings; first less this: below 0 the first is better."
    )
    yield Table(head, rows, legend)


def _trainings(run: SearchRun, name: str) -> Iterator[Block]:
    """Curves of all trainings beside the images of the first, and the images of a few others."""
    found: dict[str, Path] = {}
    for line in run.compared:
        if line.code:
            for folder in sorted((run.folder / TRAINED).glob(f"{place_of(line.code)}-s*/")):
                found.setdefault(f"{line.group}: {folder.name}", folder)
    ended = {label: one for label, folder in found.items() if (one := outcome(folder)) is not None}
    grids: list[Raster] = []
    room = ROOM
    for label, one in ended.items():
        if one.best is None or not (grid := found[label] / grid_name(one.best.step)).is_file():
            continue
        picture = scaled(grid, GRID, "JPEG")
        room -= len(picture)
        if grids and room < 0:
            break
        told = f"Images of {label} after {one.best.step:,} steps, none of them selected."
        grids.append(Raster(picture, told, told))
    drawn = curves(ended, f"{name}-curves")
    yield Beside([drawn, *grids[:1]]) if grids else drawn
    for at in range(1, len(grids), 2):
        yield Beside(grids[at : at + 2])


def _bar(line: Line) -> Bar:
    return Bar(f"{line.group}: {line.code or 'all'}", line.mean, *_edges(line), 0 if line.group == "proxy" else 1)


def _edges(row: Line | Compared) -> tuple[float | None, float | None]:
    """The edges of an interval, or None where there is none."""
    return (None, None) if math.isnan(row.low) else (row.low, row.high)
