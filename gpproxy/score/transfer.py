"""How well a proxy ranks where it was not discovered: proxies and benchmarks in, a matrix of held-out correlations out.

Rows say where a proxy was discovered, columns where it is used. Architectures that drove or chose a formula, and their
functional twins, are held out of every benchmark of their space. A benchmark whose data are absent keeps its column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from gpproxy.benchmarks.benchmark import Benchmark, open_space
from gpproxy.benchmarks.registry import BENCHMARKS, load
from gpproxy.errors import BenchmarkError, GPProxyError, StatisticsError
from gpproxy.foreign import LOOK
from gpproxy.proxies.cached import score_cached
from gpproxy.proxies.provenance import training_provenance
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scored import Scored
from gpproxy.ranking.equivalence import functional_classes
from gpproxy.ranking.metrics import RankingMetrics
from gpproxy.ranking.top_k import Choice, choices
from gpproxy.run.settings import parse_settings
from gpproxy.search_spaces import SearchSpace
from gpproxy.seeds import python_random

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
        origin: names of the benchmarks that the proxy was discovered on; empty where none is known.
        row: numbers of `RankingMetrics.measure`; empty where there are none.
        choices: what the best of k by proxy has, against k at random.
        missing: why there are no numbers.
    """

    proxy: str
    benchmark: str
    origin: tuple[str, ...]
    row: dict[str, Any]
    choices: tuple[Choice, ...] = ()
    missing: str = ""

    @property
    def home(self) -> bool:
        """Whether the proxy was discovered on this benchmark."""
        return self.benchmark in self.origin


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
    proxies: Sequence[Proxy],
    places: Sequence[Column],
    *,
    sample: int = 0,
    max_params: float = 0.0,
    max_macs: float = 0.0,
    seed: int = 0,
    workers: int = 1,
    device: str = "cpu",
    cluster: str = "",
    look_seconds: float = LOOK,
    on_progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> list[Cell]:
    """One cell per proxy and benchmark, row by row.

    Args:
        sample: most held-out architectures of a benchmark, drawn at random; 0 takes all.
        max_params, max_macs: architectures with more are left out, as in a search under these limits; 0 for no limit.
        seed: of that draw and of the bootstrap.
        workers, device, cluster, look_seconds: as for `score_cached`.
        on_progress: called with (benchmark, architectures looked at, in all).
    """
    known = [training_provenance(proxy) for proxy in proxies]
    look = partial(score_cached, workers=workers, device=device, cluster=cluster, look_seconds=look_seconds)
    cells: dict[tuple[int, int], Cell] = {}
    for number, place in enumerate(places):
        if place.benchmark is None or place.space is None:
            for i, proxy in enumerate(proxies):
                cells[i, number] = _empty(proxy, place, place.missing)
            continue
        order = _within(place.benchmark.architectures, place.space, max_params, max_macs)
        python_random("transfer", seed).shuffle(order)
        for i, proxy in enumerate(proxies):
            if reason := known[i].unknown_of(place.space):
                cells[i, number] = _empty(proxy, place, reason)
                continue
            kept = known[i].held_out(order, place.space)[: sample or None]
            show = lambda done, total, name=place.name: on_progress(name, done, total)  # noqa: E731
            cells[i, number] = _cell(proxy, place, sorted(kept), seed, show, look)
    return [cells[i, number] for i in range(len(proxies)) for number in range(len(places))]


def _cell(
    proxy: Proxy,
    place: Column,
    codes: list[str],
    seed: int,
    on_progress: Callable[[int, int], None],
    look: Callable[..., list[Scored]],
) -> Cell:
    assert place.benchmark is not None and place.space is not None
    space = place.space
    if proxy.space_settings and place.name in proxy.benchmarks:
        space = open_space(place.benchmark.card, **parse_settings(proxy.space_settings))
    if len(codes) < 4:
        return _empty(proxy, place, f"{len(codes)} architectures are left to judge on")
    try:
        every = look(proxy, space, codes, on_progress=on_progress)
        found = [one for one in every if not one.failed]
    except StatisticsError as error:
        return _empty(proxy, place, str(error))
    kept = [one.code for one in found]
    part = place.benchmark.select(kept)
    scores = torch.tensor([one.score for one in found], dtype=torch.float64)
    metrics = RankingMetrics(part, {one.code for one in found if one.dead}, functional_classes(kept, space), seed=seed)
    best = tuple(choices(metrics.last(scores), part.quality, SIZES))
    return replace(_empty(proxy, place), row=metrics.measure(scores), choices=best)


def _empty(proxy: Proxy, place: Column, missing: str = "") -> Cell:
    """A cell without numbers."""
    return Cell(proxy.label, place.name, tuple(proxy.benchmarks), {}, missing=missing)


def _within(codes: Sequence[str], space: SearchSpace, max_params: float, max_macs: float) -> list[str]:
    """The codes whose descriptors do not exceed the limits; 0 for no limit."""
    limits = {name: value for name, value in (("params", max_params), ("macs", max_macs)) if value}
    if not limits:
        return list(codes)
    sizes = {code: space.describe(space.decode(code)) for code in codes}
    return [code for code in codes if all(sizes[code][name] <= value for name, value in limits.items())]
