"""From settings to data: tables, splits, statistics in the cache, and the problem that evolution solves.

In: an EvolveSettings. Out: one DiscoveryData per benchmark, and a Problem over the training architectures only. What is
looked at when: training and validation architectures first, once, with all statistics; tested ones in the end, by every
initialisation, with what the tested formulas need; then classical proxies, the cheap ones first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from gpproxy.benchmarks.benchmark import Benchmark
from gpproxy.benchmarks.split import LEARNT, PARTS, SMALLEST, Split, splits
from gpproxy.errors import BenchmarkError
from gpproxy.evolution.problem import Case, Problem
from gpproxy.evolution.target import SMALLEST_GROUP, Target
from gpproxy.evolve.check import check_group
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.structure import needs
from gpproxy.expressions.text import parse
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

#: A statistic that is always looked at, because it tells whether a network is dead.
HEALTH = "gradient"

#: Called with (what is looked at, looks done, looks in all).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class DiscoveryData:
    """One benchmark of a run, as far as it was looked at.

    Attributes:
        benchmark: the table.
        space: its search space, with the settings of the run.
        parts: train, validation and test, disjoint in functional classes, without what could not be looked at.
        how: how generators are looked at, with all statistics.
        left_out: architecture -> why it could not be looked at.
        proxies: part -> the classical proxies that are known there.
        inits: initialisations of a tested architecture; what is learnt from is looked at once.
    """

    benchmark: Benchmark
    space: SearchSpace
    parts: Split
    how: Collection
    left_out: Mapping[str, str] = field(default_factory=dict)
    proxies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    inits: int = 1

    @property
    def name(self) -> str:
        return self.benchmark.name

    def hows(self, part: str, how: Collection | None = None) -> tuple[Collection, ...]:
        """How each initialisation of the architectures of a part is looked at: `how`, or else at all statistics."""
        count = self.inits if part == "test" else 1
        return tuple(replace(how or self.how, seed=self.how.seed + i) for i in range(count))

    def of(self, names: Iterable[str], part: str = "") -> Collection:
        """How to look at some statistics, and at the classical proxies that are known for a part."""
        return replace(self.how, statistics=tuple(sorted({HEALTH, *names})), proxies=tuple(self.proxies.get(part, ())))


@dataclass(frozen=True, eq=False)
class Training:
    """The training side of a run: the problem, and what it was made from.

    Attributes:
        problem: for the evolution.
        groups: per benchmark, name of the descriptor that a formula must also rank inside, or None.
        notes: sentences on networks that were not seen whole, and on statistics that formulas go without.
    """

    problem: Problem
    groups: tuple[str | None, ...]
    notes: tuple[str, ...] = ()

    def sayable(self, formulas: Sequence[str]) -> list[str]:
        """Those of some formulas of whose statistics the training architectures lack none."""
        known, every = self.problem.grammar.statistics, Grammar({name: one.type for name, one in STATISTICS.items()})
        return [formula for formula in formulas if known.keys() >= set(needs(parse(formula, every)))]


def prepare(
    config: EvolveSettings,
    tables: Sequence[tuple[Benchmark, SearchSpace]],
    on_progress: Progress = lambda what, done, total: None,
) -> list[DiscoveryData]:
    """Splits the tables, and looks at the training and validation architectures that are not in the cache yet.

    The tested ones are looked at when it is known what is tested, see `looked`.
    """
    how = Collection(
        seed=config.init_seed, samples=config.inputs, proxies=(), device=config.device, look_seconds=config.look_seconds
    )
    found = []
    for (table, space), parts in zip(tables, splits(tables, *config.part_sizes)):
        data = DiscoveryData(table, space, parts, how, inits=config.inits)
        for part in LEARNT:
            data = looked(data, part, config, how, on_progress)
        found.append(data)
    return found


def looked(
    data: DiscoveryData,
    part: str,
    config: EvolveSettings,
    how: Collection,
    on_progress: Progress = lambda what, done, total: None,
    what: str = "",
) -> DiscoveryData:
    """The data after a look at a part; what cannot be looked at is left out of it.

    Raises BenchmarkError where too few are left.

    Args:
        how: at what; every initialisation of the part is looked at so.
        what: what it is done for, in words.
    """
    codes = getattr(data.parts, part)
    reasons = fill(
        data.space,
        codes,
        data.hows(part, how),
        workers=config.cores if config.device == "cpu" else 1,
        cluster=config.place,
        retry=config.retry_failed,
        on_progress=partial(on_progress, f"{data.name}, {what or part}"),
    )
    if not reasons:
        return data
    kept = tuple(code for code in codes if code not in reasons)
    if len(kept) < SMALLEST:
        code, reason = next(iter(reasons.items()))
        raise BenchmarkError(
            f"{len(kept)} of the {len(codes)} generators in the {part} part of {data.name} can be looked at, but "
            f"{SMALLEST} are needed. The first that cannot, {code}: {reason}"
        )
    return replace(data, parts=replace(data.parts, **{part: kept}), left_out={**data.left_out, **reasons})


def with_proxies(
    data: DiscoveryData, config: EvolveSettings, on_progress: Progress = lambda what, done, total: None
) -> Iterator[tuple[DiscoveryData, tuple[str, ...]]]:
    """The data with more and more classical proxies of the test, the cheap ones first, and the names of the new ones.

    With `proxy_parts` all, the other parts have them, too; else they have what the cache holds.
    Raises BenchmarkError where they fail.
    """
    asked = chosen_proxies(config.proxies)
    for dear in (False, True):
        names = tuple(name for name in asked if PROXIES[name].dear == dear)
        if not names:
            continue
        how = replace(data.how, statistics=(), proxies=names)
        known = dict(data.proxies)
        for part in PARTS:
            wanted = part == "test" or config.proxy_parts == "all"
            codes = getattr(data.parts, part)
            if wanted:
                title = f"{'dear ' if dear else ''}classical proxies of {part}"
                after = looked(data, part, config, how, on_progress, title)
                if after is not data:
                    code, reason = next(iter(after.left_out.items() - data.left_out.items()))
                    raise BenchmarkError(
                        f"The classical proxies of {code} failed: {reason} Go without: --proxies none."
                    )
            if wanted or all(cached(data.space, codes, one) for one in data.hows(part, how)):
                known[part] = tuple(name for name in PROXIES if name in (*known.get(part, ()), *names))
        data = replace(data, proxies=known)
        yield data, names


def training_side(discovery: Sequence[DiscoveryData], config: EvolveSettings) -> Training:
    """The problem of the training architectures, by their first initialisation."""
    tables = [collect(data.space, data.parts.train, data.how)[0] for data in discovery]
    shared = [name for name in tables[0].types if all(name in table.types for table in tables)]
    lacking = {name for table in tables for name in _lacking(table)}
    kept = [name for name in shared if name not in lacking]
    grammar = Grammar.for_table(tables[0], [*config.exclude, *(n for n in tables[0].types if n not in kept)])
    cases, groups = [], []
    for data, table in zip(discovery, tables):
        quality = data.benchmark.select(data.parts.train).quality
        name = group_descriptor(config.groups, table, quality)
        labels = None if name is None else table.columns[name].tolist()
        classes = functional_classes(data.parts.train, data.space)
        target = Target(
            quality,
            ~table.alive,
            labels,
            config.group_weight,
            config.resampled_halves,
            config.seed,
            classes,
            config.focus,
        )
        evaluator = Evaluator(
            table.to(config.device), memory=int(config.memory * 2**30 / len(discovery)), workers=config.cores
        )
        cases.append(Case(data.name, evaluator, target))
        groups.append(name)
    notes = [told_of_notes(list(table.notes.values()), len(table)) for table in tables]
    told = tuple(f"{data.name}: {note}" for data, note in zip(discovery, notes) if note)
    for data, table in zip(discovery, tables):
        for name, reasons in _lacking(table).items():
            # What no network of a space has, such as noise levels, is no news.
            if len(reasons) < int(table.alive.sum()):
                many = f"{len(reasons):,} of {len(table):,}"
                told += (f"{data.name}: formulas go without {name}, which {many} lack. {reasons[0]}",)
    return Training(Problem(tuple(cases), grammar, prices(grammar.statistics)), tuple(groups), told)


def _lacking(table: StatisticsTable) -> dict[str, list[str]]:
    """The statistics that some live architectures do not have: name -> why, one reason for each of them."""
    found: dict[str, list[str]] = {}
    for code, reasons in table.absent.items():
        for name, reason in reasons.items() if code not in table.dead else ():
            found.setdefault(name, []).append(reason)
    return found


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
