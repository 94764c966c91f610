"""How well a proxy ranks where it was not discovered: proxies and benchmarks in, a matrix of held-out correlations out.

Rows say where a proxy was discovered, columns where it is used. Architectures that drove or chose a formula, and their
functional twins, are held out of every benchmark of their space. A benchmark whose data are absent keeps its column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gpproxy.benchmarks.benchmark import Benchmark, open_space
from gpproxy.benchmarks.registry import BENCHMARKS, load
from gpproxy.errors import BenchmarkError, GPProxyError, StatisticsError
from gpproxy.evolve.part_scores import CHUNK, score_all
from gpproxy.execution.scheduler import run_tasks
from gpproxy.expressions.structure import needs
from gpproxy.proxies.apply import apply_one, look_of
from gpproxy.proxies.provenance import learnt
from gpproxy.proxies.proxy import Source
from gpproxy.ranking.equivalence import functional_classes
from gpproxy.ranking.metrics import RankingMetrics
from gpproxy.ranking.top_k import Choice, choices
from gpproxy.run.settings import parse_settings
from gpproxy.search_spaces import SearchSpace
from gpproxy.seeds import python_random
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collect import Collection, cached, collect, fill, space_settings

#: Best of how many the regret is told for.
SIZES = (1, 5, 20)


@dataclass(frozen=True, eq=False)
class Column:
    """One benchmark: its table and space, or the reason why there is none."""

    name: str
    benchmark: Benchmark | None = None
    space: SearchSpace | None = None
    missing: str = ""


@dataclass(frozen=True)
class Cell:
    """One proxy on one benchmark.

    Attributes:
        proxy, benchmark: label of the row, name of the column.
        home: whether the proxy was discovered on this benchmark.
        row: numbers of `RankingMetrics.measure`; empty where there are none.
        choices: what the best of k by proxy has, against k at random.
        missing: why there are no numbers.
    """

    proxy: str
    benchmark: str
    home: bool
    row: dict[str, Any]
    choices: tuple[Choice, ...] = ()
    missing: str = ""


def columns(names: Sequence[str] = ()) -> list[Column]:
    """The benchmarks of these names, by default all that are known; a missing one says why."""
    found = []
    for name in names or tuple(BENCHMARKS):
        try:
            benchmark = load(name)
            found.append(Column(name, benchmark, open_space(benchmark.card)))
        except GPProxyError as error:
            if names and not isinstance(error, BenchmarkError):
                raise
            found.append(Column(name, missing=str(error).split(". ")[0]))
    return found


def transfer(
    sources: Sequence[Source],
    places: Sequence[Column],
    *,
    sample: int = 0,
    max_params: float = 0.0,
    max_macs: float = 0.0,
    seed: int = 0,
    workers: int = 1,
    device: str = "cpu",
    on_progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> list[Cell]:
    """One cell per proxy and benchmark, row by row.

    Args:
        sample: most held-out architectures of a benchmark, drawn at random; 0 takes all.
        max_params, max_macs: architectures with more are left out, as in a search under these limits; 0 for no limit.
        seed: of that draw and of the bootstrap.
        on_progress: called with (benchmark, architectures looked at, in all).
    """
    known = [learnt(source) for source in sources]
    cells: dict[tuple[int, int], Cell] = {}
    for number, place in enumerate(places):
        if place.benchmark is None or place.space is None:
            for i, source in enumerate(sources):
                cells[i, number] = Cell(source.label, place.name, _home(source, place), {}, missing=place.missing)
            continue
        order = _within(place.benchmark.architectures, place.space, max_params, max_macs)
        python_random("transfer", seed).shuffle(order)
        for i, source in enumerate(sources):
            if reason := known[i].unknown_of(place.space):
                cells[i, number] = Cell(source.label, place.name, _home(source, place), {}, missing=reason)
                continue
            kept = known[i].held_out(order, place.space)[: sample or None]
            show = lambda done, total, name=place.name: on_progress(name, done, total)  # noqa: E731
            cells[i, number] = _cell(source, place, sorted(kept), seed, workers, device, show)
    return [cells[i, number] for i in range(len(sources)) for number in range(len(places))]


def _cell(
    source: Source,
    place: Column,
    codes: list[str],
    seed: int,
    workers: int,
    device: str,
    on_progress: Callable[[int, int], None],
) -> Cell:
    assert place.benchmark is not None and place.space is not None
    home, space = _home(source, place), place.space
    if home and source.config is not None and source.config.space_settings:
        space = open_space(place.benchmark.card, **parse_settings(source.config.space_settings))
    if len(codes) < 4:
        return Cell(source.label, place.name, home, {}, missing=f"{len(codes)} architectures are left to judge on")
    try:
        known, scores, dead = scores_of(source, space, codes, workers, device, on_progress)
    except StatisticsError as error:
        return Cell(source.label, place.name, home, {}, missing=str(error))
    part = place.benchmark.select(known)
    metrics = RankingMetrics(part, dead, functional_classes(known, space), seed=seed)
    found = tuple(choices(metrics.last(scores), part.quality, SIZES))
    return Cell(source.label, place.name, home, metrics.measure(scores), found)


def scores_of(
    source: Source,
    space: SearchSpace,
    codes: Sequence[str],
    workers: int = 1,
    device: str = "cpu",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[str], Tensor, dict[str, str]]:
    """Codes that could be looked at, their scores `architecture` (higher is better, NaN without a value), dead ones.

    Statistics that an evolution has left in the cache are used; otherwise only those that the proxy needs are
    collected, into the same cache.
    """
    if source.path:
        return _scores_of_file(source, space, codes, workers, device, on_progress)
    values: list[dict[str, float]] = []
    dead: dict[str, str] = {}
    for passes in range(source.inits):
        seen: dict[str, float] = {}
        for how, some in _inits(source, space, codes, passes, device):
            failed = fill(space, some, how, workers=workers if device == "cpu" else 1, on_progress=on_progress)
            alive = [code for code in some if code not in failed]
            for start in range(0, len(alive), CHUNK):
                seen |= _scores(source, space, alive[start : start + CHUNK], how, dead)
        values.append(seen)
    known = [code for code in codes if all(code in seen for seen in values)]
    if not known:
        raise StatisticsError(f"None of {len(codes)} architectures of {space.name} could be looked at.")
    scores = torch.tensor([[seen[code] for code in known] for seen in values], dtype=torch.float64).mean(0)
    return known, scores, {code: reason for code, reason in dead.items() if code in known}


def _scores(
    source: Source, space: SearchSpace, codes: Sequence[str], how: Collection, dead: dict[str, str]
) -> dict[str, float]:
    """Code -> score for some architectures of the cache; adds the dead ones to `dead`."""
    if source.classical:
        table, _ = collect(space, codes, how)
        dead |= table.dead
        column = PROXIES[source.classical].direction * table.columns[source.classical]
        return dict(zip(table.architectures, column.tolist()))
    table, _ = collect(space, codes, how, only=needs(source.tree))
    dead |= table.dead
    return dict(zip(table.architectures, score_all(table.to(how.device), [source.tree])[0].tolist()))


def _inits(
    source: Source, space: SearchSpace, codes: Sequence[str], passes: int, device: str
) -> list[tuple[Collection, list[str]]]:
    """How to look at which codes: in full where that lies in the cache, else at what the proxy needs."""
    full = Collection(seed=source.seed + passes, samples=source.samples, sizes=source.sizes, proxies=(), device=device)
    if source.classical:
        asked = replace(full, statistics=(), proxies=(source.classical,), proxy_samples=source.samples)
        return [(replace(asked, samples=Collection.samples), list(codes))]
    there = [code for code in codes if cached(space, [code], full)]
    left = [code for code in codes if code not in set(there)]
    few = replace(full, statistics=needs(source.tree), describe=False)
    return [(how, some) for how, some in ((full, there), (few, left)) if some]


def _scores_of_file(
    source: Source,
    space: SearchSpace,
    codes: Sequence[str],
    workers: int,
    device: str,
    on_progress: Callable[[int, int], None],
) -> tuple[list[str], Tensor, dict[str, str]]:
    how, settings = look_of(source, device), space_settings(space)
    tasks = [(i, code, space.name, settings, source, how) for i, code in enumerate(codes)]
    found = {}
    for done, (task, scored) in enumerate(run_tasks(apply_one, tasks, workers=workers), start=1):
        found[task[1]] = scored
        on_progress(done, len(tasks))
    known = [code for code in codes if not found[code].failed]
    if not known:
        raise StatisticsError(f"{source.label} fails on every architecture: {found[codes[0]].problem}")
    dead = {code: found[code].problem for code in known if found[code].score == -torch.inf}
    return known, torch.tensor([found[code].score for code in known], dtype=torch.float64), dead


def _within(codes: Sequence[str], space: SearchSpace, max_params: float, max_macs: float) -> list[str]:
    """The codes whose descriptors do not exceed the limits; 0 for no limit."""
    limits = {name: value for name, value in (("params", max_params), ("macs", max_macs)) if value}
    if not limits:
        return list(codes)
    sizes = {code: space.describe(space.decode(code)) for code in codes}
    return [code for code in codes if all(sizes[code][name] <= value for name, value in limits.items())]


def _home(source: Source, place: Column) -> bool:
    config = source.config
    return config is not None and place.name in config.benchmarks


def label_of(path: str) -> str:
    """The name of a benchmark in a table: that of its file, where a path was given."""
    return Path(path).stem if path.endswith((".csv", ".toml", ".json")) else path
