"""Settings of `gpproxy evolve`: what is learnt from, and how formulas evolve and are judged. Imports nothing heavy."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from gpproxy.errors import ConfigError
from gpproxy.evolution.settings import EvolutionSettings
from gpproxy.run.groups import Cluster, Extensions, Machine, SizeLimits
from gpproxy.run.settings import Settings, available_cores, is_table, setting


def counts_of(text: str) -> tuple[int, ...]:
    """The numbers of a text such as `10,20,40`, each once, in order. Raises ConfigError for another."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if not part.isdigit():
            raise ConfigError(f"learning_curve={text}: '{part}' is no number of labels. Give such as 10,20,40.")
    return tuple(sorted({int(part) for part in parts}))


def check_counts(text: str) -> None:
    """Raises ConfigError for what names no numbers of labels."""
    counts_of(text)


def check_seeds(text: str) -> None:
    """Raises ConfigError for what names no seeds."""
    seeds_of(text)


def seeds_of(text: str) -> tuple[int, ...]:
    """The seeds of a text such as `0-9` or `0,2,5-7`, each once, in order. Raises ConfigError for another."""
    found: dict[int, None] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, dash, last = part.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()) or (dash and int(last) < int(first)):
            raise ConfigError(
                f"seeds={text}: '{part}' is neither a seed nor a range of seeds. Give such as 0-9 or 0,2,5."
            )
        found.update(dict.fromkeys(range(int(first), int(last or first) + 1)))
    return tuple(found)


@dataclass(frozen=True)
class Discovery:
    """What is learnt from.

    Attributes:
        benchmark: table of measured architectures, by name or as a CSV file with a card; several, joined by commas,
            evolve one formula for all of them.
        train: architectures per benchmark that drive the evolution; 0 takes 100, or half of a table of less than 200.
        validation: architectures that choose the formula in the end; 0 takes half of the rest, 1,000 at most. What
            remains is the test, 1,000 at most.
        on_bad_rows: what to do with rows of a table that cannot be used.
        space_settings: setting of the search space, such as resolution=128.
        labels: train and choose on so few of the architectures, two thirds of them for the training; 0 takes all. The
            test stays what it is.
        seeds: several seeds, such as 0-9 or 0,2,5; one run after another in one folder, and a table over all of them.
        out: where the results are kept; the run folder. Empty makes runs/<time>-<benchmark>-s<seed>.
    """

    benchmark: str = setting("autogan-cifar10", path=is_table)
    train: int = setting(0, least=0)
    validation: int = setting(0, least=0)
    on_bad_rows: Literal["refuse", "drop"] = setting("refuse", known=("refuse", "drop"))
    space_settings: tuple[str, ...] = setting((), pairs=True)
    labels: int = setting(0, least=0)
    seeds: str = setting("", free=True, rule=check_seeds)
    out: str = setting("", free=True, path=True)


@dataclass(frozen=True)
class Formulas:
    """What formulas are made of, and what they are worth.

    Attributes:
        initial_formulas: formula, or name of a known proxy, to start from; 'classical' stands for all known proxies,
            and 'none' starts without them.
        exclude: statistic or primitive that no formula may use.
        groups: descriptor whose groups of equal value a formula must rank inside, too; 'auto' takes the coarse
            descriptor that ranks the training architectures best, if any; 'none' takes none.
        group_weight: weight of the ranking inside the groups, between 0 and 1.
        focus: weight of the top of the ranking, where a search looks, between 0 and 1, while formulas evolve and are
            chosen; of weighted τ (Vigna, 2015), the rest is the mean of τ and ρ.
        resampled_halves: random halves of the training architectures that a formula must rank; 0 takes all at once.
    """

    initial_formulas: tuple[str, ...] = setting(("classical",))
    exclude: tuple[str, ...] = setting(())
    groups: str = setting("auto")
    group_weight: float = setting(0.25, least=0, most=1)
    focus: float = setting(0.0, least=0, most=1)
    resampled_halves: int = setting(16, least=0)


@dataclass(frozen=True)
class UntrainedGenerators:
    """How untrained generators are looked at.

    Attributes:
        init_seed: seed of the untrained weights and inputs.
        inits: initialisations of every architecture; formulas evolve and are chosen on the first, of init_seed, and
            are tested by the mean of their scores over all.
        inputs: inputs of a pass through an untrained generator.
        retry_failed: whether to look again at generators that failed in an earlier run; the cache remembers them.
    """

    init_seed: int = setting(0)
    inits: int = setting(3, least=1)
    inputs: int = setting(64, least=2)
    retry_failed: bool = setting(False)


@dataclass(frozen=True)
class Comparison:
    """What formulas are compared with.

    Attributes:
        proxies: classical proxies to compute; 'cheap' for those without dear passes of their own, 'all', 'none', or
            names joined by commas. All of them cost several times as much as the statistics.
        proxy_parts: where they are computed: on the test, or on 'all' parts of the split, so that the best of them is
            chosen by the same labels. What the cache holds of the other parts is shown in any case.
        random_search: whether to judge random formulas for comparison; as many different rankings as were evolved.
        black_box: whether to judge a kernel ridge regression on all statistics, too.
        ablation: whether to tell what each part of the method is worth; with --seeds. Evolves without each part of the
            evolution, too, and sets everything beside each other on the same tests, from the best descriptor to the
            black box.
        learning_curve: several numbers of labels, such as 10,20,40,80; with --seeds. Evolves with so few labels each,
            on the same tests, and tells what labels are worth.
        random_draws: how often they are drawn; every draw picks one as the evolution does, and the spread is shown.
    """

    proxies: str = setting("cheap")
    proxy_parts: Literal["test", "all"] = setting("test", known=("test", "all"))
    random_search: bool = setting(True)
    random_draws: int = setting(3, least=1)
    black_box: bool = setting(False)
    ablation: bool = setting(False)
    learning_curve: str = setting("", free=True, rule=check_counts)


@dataclass(frozen=True)
class Resources:
    """What more it may take.

    Attributes:
        memory: gigabytes that formula values may take beside the statistics, in every process that draws formulas.
    """

    memory: float = setting(0.5, above=0, free=True)


@dataclass(frozen=True)
class EvolveSettings(
    EvolutionSettings,
    Extensions,
    Resources,
    Cluster,
    Machine,
    Comparison,
    UntrainedGenerators,
    Formulas,
    SizeLimits,
    Discovery,
    Settings,
):
    """Evolves a proxy on a table, and tests it on architectures it has never seen."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        **Settings.RENAMED,
        **EvolutionSettings.RENAMED,
        "samples": "inputs",
        "guess": "initial_formulas",
        "halves": "resampled_halves",
        "within": "group_weight",
    }

    def check(self) -> None:
        """Raises ConfigError where values do not go together."""
        super().check()
        if not self.benchmarks:
            raise ConfigError("benchmark names no table. Give a name, such as transnas-micro, or a path.")
        if self.ablation and (not self.seeds or self.without):
            raise ConfigError(
                "ablation compares over several seeds and goes without each part of the evolution in turn. "
                "Give --seeds, such as 0-9, and no --without."
            )
        if self.learning_curve and (not self.seeds or self.labels or self.ablation):
            raise ConfigError(
                "learning_curve compares numbers of labels over several seeds. Give --seeds, such as 0-9, and neither "
                "--labels nor --ablation."
            )
        if len(set(self.benchmarks)) < len(self.benchmarks):
            raise ConfigError(f"Each benchmark can be named once, but got benchmark={self.benchmark}.")

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """The names or paths of the tables."""
        return tuple(name.strip() for name in self.benchmark.split(",") if name.strip())

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds of a series; none where it is a single run."""
        return seeds_of(self.seeds)

    @property
    def label_counts(self) -> tuple[int, ...]:
        """The numbers of labels of a learning curve, the fewest first; none where it is another run."""
        return counts_of(self.learning_curve)

    @property
    def part_sizes(self) -> tuple[int | None, int, int | None, int | None]:
        """Training architectures, seed, validation and labels, as `benchmarks.split.split` takes them."""
        return self.train or None, self.seed, self.validation or None, self.labels or None

    @property
    def run_name(self) -> str:
        """What its run folder is called after: the tables."""
        names = (Path(name).stem if is_table(name) else name for name in self.benchmarks)
        return "+".join(re.sub(r"[^\w.+-]+", "-", name).strip("-") for name in names)

    @property
    def cores(self) -> int:
        """Workers, with 0 replaced by the cores that this process may use."""
        return self.workers or available_cores()

    def evolution(self) -> EvolutionSettings:
        """The part that the engine reads."""
        names = [f.name for f in dataclasses.fields(EvolutionSettings)]
        return EvolutionSettings(**{name: getattr(self, name) for name in names})
