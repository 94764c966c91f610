"""From settings to data: tables, splits, statistics in the cache, and the problem that evolution solves.

In: an EvolveSettings. Out: one DiscoveryData per benchmark, and a Problem over the training architectures only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from gpproxy.benchmarks.benchmark import Benchmark
from gpproxy.benchmarks.split import PARTS, Split, split
from gpproxy.errors import BenchmarkError
from gpproxy.evolution.problem import Case, Problem
from gpproxy.evolution.target import SMALLEST_GROUP, Target
from gpproxy.evolve.check import check_group
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.proxies.named import chosen_proxies
from gpproxy.proxies.scored import told_of_notes
from gpproxy.ranking.correlation import rank_dead_last, spearman
from gpproxy.ranking.equivalence import functional_classes
from gpproxy.search_spaces import SearchSpace
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collect import cached, collect, fill
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.statistic import STATISTICS
from gpproxy.statistics.table import StatisticsTable

#: A descriptor makes groups only when it ranks the quality at least this well; otherwise there is no tie to break.
STRONG = 0.8

#: Called with (benchmark, architectures done, architectures in all).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class DiscoveryData:
    """One benchmark of a run.

    Attributes:
        benchmark: the table, without architectures that could not be looked at.
        space: its search space, with the settings of the run.
        parts: train, validation and test, disjoint in functional classes.
        how: how generators are looked at.
        proxies: classical proxies that are judged, too.
        covered: parts of the split that they are known for.
        left_out: architecture -> why it could not be looked at.
    """

    benchmark: Benchmark
    space: SearchSpace
    parts: Split
    how: Collection
    left_out: Mapping[str, str]
    proxies: tuple[str, ...] = ()
    inits: int = 1
    covered: tuple[str, ...] = ()

    @property
    def hows(self) -> tuple[Collection, ...]:
        """How each of the averaged looks is taken."""
        return tuple(replace(self.how, seed=self.how.seed + i) for i in range(self.inits))

    @property
    def name(self) -> str:
        return self.benchmark.name

    def hows_of(self, codes: Sequence[str]) -> tuple[Collection, ...]:
        """How each of the looks at a part of the split is taken: with the classical proxies where they are known."""
        known = any(codes is getattr(self.parts, part) for part in self.covered)
        return tuple(replace(how, proxies=self.proxies) for how in self.hows) if known else self.hows


@dataclass(frozen=True, eq=False)
class Training:
    """The training side of a run: the problem, and what it was made from.

    Attributes:
        problem: for the evolution.
        groups: per benchmark, name of the descriptor that a formula must also rank inside, or None.
        notes: sentences on networks that were not seen whole.
    """

    problem: Problem
    groups: tuple[str | None, ...]
    notes: tuple[str, ...] = ()


def prepare(
    config: EvolveSettings,
    tables: Sequence[tuple[Benchmark, SearchSpace]],
    on_progress: Progress = lambda name, done, total: None,
) -> list[DiscoveryData]:
    """Looks at every architecture that is not in the cache yet, and splits the tables.

    By default the classical proxies are computed for the test architectures alone: nothing is fitted to them or chosen
    by them, and they cost more than all the statistics.
    """
    how = Collection(seed=config.init_seed, samples=config.inputs, proxies=(), device=config.device)
    proxies = chosen_proxies(config.proxies)
    discovery = []
    for table, space in tables:
        workers = config.cores if config.device == "cpu" else 1
        passes = partial(fill, space, workers=workers, cluster=config.cluster, retry=config.retry_failed)
        every = [replace(how, seed=how.seed + i) for i in range(config.inits)]
        failures = passes(table.architectures, every, on_progress=partial(on_progress, table.name))
        kept = [code for code in table.architectures if code not in failures]
        if not kept:
            code, reason = next(iter(failures.items()))
            raise BenchmarkError(f"No generator of {table.name} could be looked at. The first, {code}: {reason}")
        table = table.select(kept) if failures else table
        try:
            parts = split(
                table, space, config.train or None, config.seed, config.validation or None, config.labels or None
            )
        except BenchmarkError as error:
            if not failures:
                raise
            code, reason = next(iter(failures.items()))
            raise BenchmarkError(
                f"{error} Of the table, {len(failures)} could not be looked at. The first, {code}: {reason}"
            ) from error
        covered: tuple[str, ...] = ()
        if proxies:
            show = partial(on_progress, f"{table.name}, classical proxies")
            asked = [replace(one, proxies=proxies) for one in every]
            covered = PARTS if config.proxy_parts == "all" else ("test",)
            codes = [code for part in covered for code in getattr(parts, part)]
            if failed := passes(codes, asked, on_progress=show):
                code, reason = next(iter(failed.items()))
                raise BenchmarkError(f"The classical proxies of {code} failed: {reason} Go without: --proxies none.")
            known = [p for p in PARTS if all(cached(space, getattr(parts, p), one) for one in asked)]
            covered = tuple(part for part in PARTS if part in (*covered, *known))
        discovery.append(DiscoveryData(table, space, parts, how, failures, proxies, config.inits, covered))
    return discovery


def training_side(discovery: Sequence[DiscoveryData], config: EvolveSettings) -> Training:
    """The problem of the training architectures, by their first initialisation."""
    tables = [collect(data.space, data.parts.train, data.how)[0] for data in discovery]
    shared = [name for name in tables[0].types if all(name in table.types for table in tables)]
    grammar = Grammar.for_table(tables[0], [*config.exclude, *(n for n in tables[0].types if n not in shared)])
    cases, groups = [], []
    for data, table in zip(discovery, tables):
        quality = data.benchmark.select(data.parts.train).quality
        name = group_descriptor(config.groups, table, quality)
        labels = None if name is None else table.columns[name].tolist()
        classes = functional_classes(data.parts.train, data.space)
        target = Target(
            quality, ~table.alive, labels, config.group_weight, config.resampled_halves, config.seed, classes
        )
        evaluator = Evaluator(
            table.to(config.device), memory=int(config.memory * 2**30 / len(discovery)), workers=config.cores
        )
        cases.append(Case(data.name, evaluator, target))
        groups.append(name)
    notes = [told_of_notes(list(table.notes.values()), len(table)) for table in tables]
    told = tuple(f"{data.name}: {note}" for data, note in zip(discovery, notes) if note)
    return Training(Problem(tuple(cases), grammar, prices(grammar.statistics)), tuple(groups), told)


def prices(names: Sequence[str] | Mapping[str, object]) -> dict[str, float]:
    """Price of collecting a statistic: 0 for structure, 1 for what a forward pass shows, 3 with a backward pass."""
    known = {name: STATISTICS[name] for name in names}
    return {n: 0.0 if s.structural else 3.0 if s.backward else 1.0 for n, s in known.items()}


def backward_statistics() -> frozenset[str]:
    """Names of the statistics that take a backward pass."""
    return frozenset(s.name for s in STATISTICS.values() if s.backward)


def descriptors(columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The columns that are structural descriptors and not proxies."""
    return {name: column for name, column in columns.items() if name not in PROXIES}


def coarse(column: Tensor) -> bool:
    """Whether a descriptor has at least two values and most architectures share theirs with enough others."""
    values, counts = torch.unique(column[~column.isnan()], return_counts=True)
    return len(values) > 1 and int(counts[counts >= SMALLEST_GROUP].sum()) >= 0.8 * len(column)


def group_descriptor(choice: str, table: StatisticsTable, quality: Tensor) -> str | None:
    """The descriptor inside whose groups a formula must rank: the one asked for, or by 'auto' the strongest coarse one.

    Raises ConfigError for an unknown name.
    """
    columns = descriptors(table.columns)
    if choice == "none":
        return None
    if choice != "auto":
        check_group(choice, columns)
        return choice
    strength = {
        name: abs(float(spearman(rank_dead_last(column, ~table.alive), quality)))
        for name, column in columns.items()
        if coarse(column)
    }
    strong = {name: value for name, value in strength.items() if value >= STRONG}
    return max(strong, key=lambda name: strong[name]) if strong else None
