"""Settings of a run: one frozen dataclass is the Python API, the command line, the TOML file and its dump.

Importing this file imports neither torch nor DEAP, so that `--help` answers at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gpproxy.errors import ConfigError
from gpproxy.evolution.settings import EvolutionConfig
from gpproxy.run.settings import available_cores, parse_settings, read_toml

#: Settings that a continued run may change: they decide when it ends and what computes it, not what it computes.
FREE = ("generations", "patience", "max_minutes", "workers", "memory", "cluster", "plugins")


@dataclass(frozen=True)
class Task:
    """What is learnt from, and where it is computed.

    Attributes:
        benchmark: table of measured architectures: a name or the path of a CSV file with a card. Several, joined by
            commas, evolve one formula for all of them.
        train: architectures per benchmark that drive the evolution; 0 takes 100, or half of a table of less than 200.
        validation: architectures that choose the formula in the end; 0 takes half of the rest. What remains is the
            test.
        out: run folder; empty makes runs/<time>-<benchmark>-s<seed>.
        guess: formula, or name of a known proxy, to start from; 'classical' stands for all known proxies, and
            'none' starts without them.
        exclude: statistic or primitive that no formula may use.
        groups: descriptor whose groups of equal value a formula must rank inside, too; 'auto' takes the coarse
            descriptor that ranks the training architectures best, if any; 'none' takes none.
        within: weight of the ranking inside the groups, between 0 and 1.
        halves: random halves of the training architectures that a formula must rank; 0 takes all at once.
        proxies: classical proxies to judge beside the formula: 'all', 'none', or names joined by commas. They cost
            several times as much as the statistics.
        proxy_parts: where they are computed: on the test, or on 'all' parts of the split, which takes about two and a
            half times as long. What the cache holds of the other parts is shown in any case.
        random_search: whether to judge as many random formulas as were evolved, or as many as the time of the
            evolution allows, for comparison.
        space_settings: setting of the search space, such as resolution=128.
        init_seed: seed of the untrained weights and inputs.
        inits: initialisations of every architecture, from init_seed on. Formulas evolve on the first; they are chosen
            and tested by the mean of their scores over all.
        samples: inputs per look at an untrained generator.
        on_bad_rows: what to do with rows of a table that cannot be used.
        retry_failed: whether to look again at generators that failed in an earlier run; the cache remembers them.
        device: where everything is computed: cpu, cuda, cuda:1, ...
        workers: processes that collect statistics and threads that evaluate formulas; 0 takes all cores. Results do
            not depend on it.
        memory: gigabytes that formula values may take beside the statistics.
        cluster: collect statistics on a cluster: 'ray' (extra gpproxy[ray]) or empty. Its nodes share the cache folder.
        plugins: Python file that registers search spaces, statistics, primitives or benchmarks.
    """

    benchmark: str = "autogan-cifar10"
    train: int = 0
    validation: int = 0
    out: str = ""
    guess: tuple[str, ...] = ("classical",)
    exclude: tuple[str, ...] = ()
    groups: str = "auto"
    within: float = 0.25
    halves: int = 16
    proxies: str = "all"
    proxy_parts: Literal["test", "all"] = "test"
    random_search: bool = True
    space_settings: tuple[str, ...] = ()
    init_seed: int = 0
    inits: int = 3
    samples: int = 64
    on_bad_rows: Literal["refuse", "drop"] = "refuse"
    retry_failed: bool = False
    device: str = "cpu"
    workers: int = 0
    memory: float = 0.5
    cluster: Literal["", "ray"] = ""
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True)
class EvolveConfig(EvolutionConfig, Task):
    """Evolves a proxy on a table of measured architectures and tests it on architectures it has never seen."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.space_settings, Mapping):
            pairs = tuple(f"{name}={value}" for name, value in self.space_settings.items())
            object.__setattr__(self, "space_settings", pairs)
        for name in ("guess", "exclude", "plugins", "space_settings"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(map(str, value)))
        # Absolute, so that a run can be continued from any folder.
        object.__setattr__(self, "plugins", tuple(str(Path(name).expanduser().resolve()) for name in self.plugins))
        object.__setattr__(self, "out", str(self.out))
        parse_settings(self.space_settings)
        if not self.benchmarks:
            raise ConfigError("benchmark names no table. Give a name, such as transnas-micro, or a path.")
        if len(set(self.benchmarks)) < len(self.benchmarks):
            raise ConfigError(f"Each benchmark can be named once, but got benchmark={self.benchmark}.")
        least_of = {"train": 0, "validation": 0, "inits": 1, "samples": 2, "halves": 0, "workers": 0}
        for name, least in least_of.items():
            if getattr(self, name) < least:
                raise ConfigError(f"{name} >= {least} must hold, but got {name}={getattr(self, name)}.")
        if self.proxy_parts not in ("test", "all"):
            raise ConfigError(f"proxy_parts is test or all, but got proxy_parts={self.proxy_parts}.")
        if not 0 <= self.within <= 1:
            raise ConfigError(f"0 <= within <= 1 must hold, but got within={self.within}.")
        if self.memory <= 0:
            raise ConfigError(f"memory > 0 (gigabytes) must hold, but got memory={self.memory}.")
        if self.device.split(":")[0] not in ("cpu", "cuda"):
            raise ConfigError(f"device is cpu, cuda or cuda:NUMBER, but got device={self.device}.")

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """The names or paths of the tables."""
        return tuple(name.strip() for name in self.benchmark.split(",") if name.strip())

    @property
    def run_name(self) -> str:
        """What its run folder is called after: the tables."""
        return "+".join(Path(n).stem if n.endswith((".csv", ".toml", ".json")) else n for n in self.benchmarks)

    @property
    def cores(self) -> int:
        """Workers, with 0 replaced by the cores that this process may use."""
        return self.workers or available_cores()

    def evolution(self) -> EvolutionConfig:
        """The part that the engine reads."""
        names = [f.name for f in dataclasses.fields(EvolutionConfig)]
        return EvolutionConfig(**{name: getattr(self, name) for name in names})

    def to_toml(self) -> str:
        """The settings as TOML that `from_toml` reads back."""
        import tomli_w

        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return tomli_w.dumps({k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()})

    @classmethod
    def from_toml(cls, path: str | Path, **changes: Any) -> EvolveConfig:
        """The settings of a file, with changes. Raises ConfigError: missing or broken file, unknown or wrong key."""
        return cls(**{**read_toml(cls, path), **changes})

    def changed(self, saved: EvolveConfig) -> list[str]:
        """Names of the settings that differ from `saved` and that a continued run may not change."""
        names = [f.name for f in dataclasses.fields(self) if f.name not in (*FREE, "out")]
        return [name for name in names if getattr(self, name) != getattr(saved, name)]
