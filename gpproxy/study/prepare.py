"""From settings to data: tables, splits, statistics in the cache, and the problem that evolution solves.

In: an EvolveConfig. Out: one Study per benchmark, and a Problem over the training architectures only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gpproxy.benchmarks.benchmark import Benchmark, open_space
from gpproxy.benchmarks.registry import load
from gpproxy.benchmarks.split import PARTS, Split, functional_classes, split
from gpproxy.config import EvolveConfig, parse_settings
from gpproxy.errors import BenchmarkError, ConfigError, ExpressionError, did_you_mean
from gpproxy.evolution.problem import Case, Problem
from gpproxy.evolution.target import SMALLEST_GROUP, Target
from gpproxy.expressions.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse, to_text
from gpproxy.ranks import rank_dead_last, spearman
from gpproxy.registry import load_plugin
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collect import Collection, cached, collect, fill
from gpproxy.statistics.statistic import STATISTICS
from gpproxy.statistics.table import StatisticsTable
from gpproxy.study.known import ALL, NONE, expand, suggestion
from search_spaces import SearchSpace

#: A descriptor makes groups only when it ranks the quality at least this well; otherwise there is no tie to break.
STRONG = 0.8

#: The choice of every classical proxy.
ALL_PROXIES = "all"

#: Called with (benchmark, architectures done, architectures in all).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Study:
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
    looks: int = 1
    covered: tuple[str, ...] = ()

    @property
    def hows(self) -> tuple[Collection, ...]:
        """How each of the averaged looks is taken."""
        return tuple(replace(self.how, seed=self.how.seed + i) for i in range(self.looks))

    @property
    def name(self) -> str:
        return self.benchmark.name

    def how_of(self, codes: Sequence[str]) -> Collection:
        """How a part of the split is looked at first: with the classical proxies where they are known."""
        known = any(codes is getattr(self.parts, part) for part in self.covered)
        return replace(self.how, proxies=self.proxies) if known else self.how


@dataclass(frozen=True, eq=False)
class Training:
    """The training side of a run: the problem, and what it was made from.

    Attributes:
        problem: for the evolution.
        groups: per benchmark, name of the descriptor that a formula must also rank inside, or None.
    """

    problem: Problem
    groups: tuple[str | None, ...]


def check_device(device: str) -> None:
    """Raises ConfigError for a device that this machine lacks."""
    if device.startswith("cuda"):
        count = torch.cuda.device_count()
        index = int(device.partition(":")[2] or 0)
        if index >= count:
            raise ConfigError(f"device={device} needs a CUDA device, but torch finds {count}. Use --device cpu.")


def open_tables(config: EvolveConfig) -> list[tuple[Benchmark, SearchSpace]]:
    """Loads and checks the tables, quickly: nothing is looked at yet.

    Raises BenchmarkError, RegistryError or ConfigError for data or settings that cannot be used.
    """
    for plugin in config.plugins:
        load_plugin(plugin)
    check_device(config.device)
    chosen_proxies(config.proxies)
    tables = [load(name, config.on_bad_rows) for name in config.benchmarks]
    settings = parse_settings(config.space_settings)
    spaces = [open_space(table.card, **settings) for table in tables]
    parts = [
        split(table, space, config.train or None, config.seed, config.validation or None)
        for table, space in zip(tables, spaces)
    ]
    _check_apart(tables, spaces, parts)
    return list(zip(tables, spaces))


def _check_apart(tables: Sequence[Benchmark], spaces: Sequence[SearchSpace], parts: Sequence[Split]) -> None:
    """Raises ConfigError where a formula would be tested on one table with architectures that it has seen in another.

    Tables of the same architectures are divided alike, so this happens where only some are in both.
    """

    def classes(number: int, *names: str) -> set[Any]:
        space, part = spaces[number], parts[number]
        return {(space.name, space.canonical(space.decode(code))) for name in names for code in getattr(part, name)}

    tested = [classes(number, "test") for number in range(len(tables))]
    for number, table in enumerate(tables):
        seen = classes(number, "train", "validation")
        for other, test in zip(tables, tested):
            if other is not table and seen & test:
                raise ConfigError(
                    f"{table.name} and {other.name} have some architectures in common: {len(seen & test)} that a "
                    f"formula would see in {table.name} are in the test of {other.name}. Evolve on one table and "
                    f"judge on the other: python -m gpproxy.score --transfer --proxy RUN --benchmark {other.name}"
                )


def check_formulas(config: EvolveConfig) -> list[str]:
    """The guesses as formulas that can be parsed; of the known proxies those that the settings allow.

    Raises ExpressionError for a guess or an exclusion that is wrong, ConfigError for a guess beyond the limits.
    """
    types = {statistic.name: statistic.type for statistic in STATISTICS.values()}
    grammar = Grammar(types)
    known = [*types, *grammar.operation_names]
    for name in config.exclude:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ExpressionError(f"exclude={name}: no statistic or primitive has that name.{hint}")
    found: dict[str, None] = {}
    for guess in config.guess if NONE not in config.guess else [g for g in config.guess if g not in (ALL, NONE)]:
        for text in expand(guess):
            try:
                tree = parse(text, grammar)
            except ExpressionError as error:
                hint = suggestion(guess)
                raise ExpressionError(
                    f"guess={guess} is neither a known proxy nor a formula.{hint}\n{error}"
                ) from error
            out = next((node.name for node in tree if node.name in config.exclude), None)
            if guess != ALL and out:
                raise ExpressionError(f"guess={guess} uses '{out}', which exclude takes out. Drop one of the two.")
            fits = len(tree) <= config.max_nodes and tree.height <= config.max_height
            if guess != ALL and not fits:
                raise ConfigError(
                    f"guess={guess} has {len(tree)} nodes and height {tree.height}, more than "
                    f"max_nodes={config.max_nodes} or max_height={config.max_height}. Raise the limit or leave it out."
                )
            if fits and not out:
                found[to_text(tree)] = None
    return list(found)


def prepare(
    config: EvolveConfig,
    tables: Sequence[tuple[Benchmark, SearchSpace]],
    on_progress: Progress = lambda name, done, total: None,
) -> list[Study]:
    """Looks at every architecture that is not in the cache yet, and splits the tables.

    By default the classical proxies are computed for the test architectures alone: nothing is fitted to them or chosen
    by them, and they cost more than all the statistics.
    """
    how = Collection(seed=config.look_seed, samples=config.samples, proxies=(), device=config.device)
    proxies = chosen_proxies(config.proxies)
    studies = []
    for table, space in tables:
        workers = config.cores if config.device == "cpu" else 1
        look = partial(fill, space, workers=workers, cluster=config.cluster, retry=config.retry_failed)
        failures: dict[str, str] = {}
        for i in range(config.looks):
            show = partial(on_progress, table.name if config.looks == 1 else f"{table.name}, initialisation {i + 1}")
            failures |= look(table.architectures, replace(how, seed=how.seed + i), on_progress=show)
        kept = [code for code in table.architectures if code not in failures]
        if not kept:
            code, reason = next(iter(failures.items()))
            raise BenchmarkError(f"No generator of {table.name} could be looked at. The first, {code}: {reason}")
        table = table.select(kept) if failures else table
        try:
            parts = split(table, space, config.train or None, config.seed, config.validation or None)
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
            asked = replace(how, proxies=proxies)
            covered = PARTS if config.proxy_parts == "all" else ("test",)
            codes = [code for part in covered for code in getattr(parts, part)]
            if failed := look(codes, asked, on_progress=show):
                code, reason = next(iter(failed.items()))
                raise BenchmarkError(f"The classical proxies of {code} failed: {reason} Go without: --proxies none.")
            covered = tuple(p for p in PARTS if p in covered or cached(space, getattr(parts, p), asked))
        studies.append(Study(table, space, parts, how, failures, proxies, config.looks, covered))
    return studies


def chosen_proxies(choice: str) -> tuple[str, ...]:
    """Names of the classical proxies to compute, in one order. Raises ConfigError for an unknown one."""
    names = [name.strip() for name in choice.split(",")]
    if names in ([ALL_PROXIES], [NONE]):
        return tuple(PROXIES) if names == [ALL_PROXIES] else ()
    for name in names:
        if name not in PROXIES:
            known = [ALL_PROXIES, NONE, *PROXIES]
            rule = "stands alone" if name in (ALL_PROXIES, NONE) else "is no classical proxy"
            hint = "" if name in known else did_you_mean(name, known)
            raise ConfigError(f"proxies={choice}: '{name}' {rule}.{hint} Known: {', '.join(known)}.")
    return tuple(name for name in PROXIES if name in names)


def training(studies: Sequence[Study], config: EvolveConfig) -> Training:
    """The problem of the training architectures, by their first initialisation."""
    tables = [collect(study.space, study.parts.train, study.how)[0] for study in studies]
    shared = [name for name in tables[0].types if all(name in table.types for table in tables)]
    grammar = Grammar.for_table(tables[0], [*config.exclude, *(n for n in tables[0].types if n not in shared)])
    cases, groups = [], []
    for study, table in zip(studies, tables):
        quality = study.benchmark.select(study.parts.train).quality
        name = group_descriptor(config.groups, table, quality)
        labels = None if name is None else table.columns[name].tolist()
        classes = functional_classes(study.parts.train, study.space)
        target = Target(quality, ~table.alive, labels, config.within, config.halves, config.seed, classes)
        evaluator = Evaluator(
            table.to(config.device), memory=int(config.memory * 2**30 / len(studies)), workers=config.cores
        )
        cases.append(Case(study.name, evaluator, target))
        groups.append(name)
    return Training(Problem(tuple(cases), grammar, prices(grammar.statistics)), tuple(groups))


def prices(names: Sequence[str] | Mapping[str, object]) -> dict[str, float]:
    """Price of collecting a statistic: 0 for structure, 1 for what a forward pass shows, 3 with a backward pass."""
    known = {name: STATISTICS[name] for name in names}
    return {n: 0.0 if s.source == "structure" else 3.0 if s.backward else 1.0 for n, s in known.items()}


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
        if choice not in columns:
            raise ConfigError(
                f"groups={choice} is no descriptor of this space.{did_you_mean(choice, columns)} "
                f"Known: auto, none, {', '.join(columns)}."
            )
        return choice
    strength = {
        name: abs(float(spearman(rank_dead_last(column, ~table.alive), quality)))
        for name, column in columns.items()
        if coarse(column)
    }
    strong = {name: value for name, value in strength.items() if value >= STRONG}
    return max(strong, key=lambda name: strong[name]) if strong else None
