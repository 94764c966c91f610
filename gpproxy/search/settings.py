"""Settings of a search: one frozen dataclass is the Python API, the command line, the TOML file and its dump.

Importing this file imports neither torch nor DEAP, so that `--help` answers at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gpproxy.errors import ConfigError
from gpproxy.run.settings import available_cores, parse_settings, read_toml

#: Settings that a continued search may change: how far it goes, what computes it and what becomes of its result.
FREE = (
    "budget", "workers", "plugins", "top", "account", "train_top", "compare", "seeds", "data", "recipe",
    "train_settings",
)  # fmt: skip
STRATEGIES = ("random", "exhaustive", "evolution", "nsga2")
OBJECTIVES = ("macs", "params", "latency")


@dataclass(frozen=True)
class SearchConfig:
    """Ranks untrained architectures by a proxy, under limits, without training any.

    Attributes:
        space: search space; empty takes that of the proxy's run, with its settings.
        proxy: run folder, exported proxy.py, name of a known or classical proxy, or formula. Several rank by the mean
            of their ranks.
        budget: architectures to score.
        strategy: random; exhaustive (all architectures, in the order of the space); evolution (regularised, with
            mutation and crossover: Real et al., 2019); nsga2 (score against the objective: Deb et al., 2002).
        objective: the cost that nsga2 lowers and that the picture shows: macs, params or latency.
        max_params: largest number of parameters; 0 for no limit.
        max_macs: largest number of multiply-accumulates of one image; 0 for no limit.
        max_latency_ms: longest measured time of one image on the device, in milliseconds; 0 for no limit.
        population: of evolution and nsga2.
        tournament: architectures of the population that compete to be a parent in evolution.
        crossover: share of children with two parents; they are mutated like all others.
        seed: of the strategy.
        top: best architectures that are drawn and shown.
        out: folder of the search; empty makes runs/<time>-search-<space>-s<seed>.
        space_settings: setting of the search space, such as resolution=128.
        init_seed: seed of the untrained weights and inputs; -1 takes that of each proxy's run, or 0.
        inits: initialisations that a score is the mean of; 0 takes those of each proxy's run, or 1.
        samples: inputs per look; 0 takes that of each proxy's run, or the default of one.
        device: where everything is computed: cpu, cuda, cuda:1, ...
        workers: processes; 0 takes all cores, or one on a GPU and where latency is measured. The ranking does not
            depend on it.
        account: time some training steps too, to tell how much faster the proxy is than training.
        train_top: train so many of the best architectures.
        compare: what is trained beside them, joined by commas: random:5 for random architectures within the same
            limits, and codes or published names such as autogan-a.
        seeds: trainings per architecture.
        data: images that are learnt from, as in gpproxy.train: cifar10, stl10, shapes, facades, or a folder.
        recipe: of the trainings, and of the one that the account times: short or autogan, for translations pix2pix,
            cyclegan, pix2pix-short or cyclegan-short.
        train_settings: further setting of gpproxy.train, such as steps=2000 or samples=2000.
        plugins: Python file that registers search spaces, statistics or primitives.
    """

    space: str = ""
    proxy: tuple[str, ...] = ()
    budget: int = 1000
    strategy: Literal["random", "exhaustive", "evolution", "nsga2"] = "random"
    objective: Literal["macs", "params", "latency"] = "macs"
    max_params: float = 0.0
    max_macs: float = 0.0
    max_latency_ms: float = 0.0
    population: int = 64
    tournament: int = 16
    crossover: float = 0.5
    seed: int = 0
    top: int = 5
    out: str = ""
    space_settings: tuple[str, ...] = ()
    init_seed: int = -1
    inits: int = 0
    samples: int = 0
    device: str = "cpu"
    workers: int = 0
    account: bool = False
    train_top: int = 0
    compare: str = ""
    seeds: int = 3
    data: str = "cifar10"
    recipe: str = "short"
    train_settings: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.space_settings, Mapping):
            pairs = tuple(f"{name}={value}" for name, value in self.space_settings.items())
            object.__setattr__(self, "space_settings", pairs)
        for name in ("proxy", "plugins", "space_settings", "train_settings"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(map(str, value)))
        # Absolute, so that a run can be continued from any folder.
        object.__setattr__(self, "plugins", tuple(str(Path(name).expanduser().resolve()) for name in self.plugins))
        object.__setattr__(self, "out", str(self.out))
        if not self.proxy or not all(self.proxy):
            raise ConfigError(
                "Give the proxy that ranks: --proxy RUN_FOLDER, --proxy proxy.py, --proxy NAME or --proxy FORMULA."
            )
        if len(set(self.proxy)) < len(self.proxy):
            raise ConfigError(f"Each proxy can be given once, but got proxy={', '.join(self.proxy)}.")
        for name, known in (("strategy", STRATEGIES), ("objective", OBJECTIVES)):
            if getattr(self, name) not in known:
                raise ConfigError(f"{name} is one of {', '.join(known)}, but got {name}={getattr(self, name)}.")
        for name, least in (
            ("budget", 1), ("max_params", 0), ("max_macs", 0), ("max_latency_ms", 0), ("population", 4),
            ("tournament", 1), ("top", 1), ("init_seed", -1), ("inits", 0), ("samples", 0), ("workers", 0),
            ("train_top", 0), ("seeds", 1),
        ):  # fmt: skip
            if not getattr(self, name) >= least:
                raise ConfigError(f"{name} >= {least} must hold, but got {name}={getattr(self, name)}.")
        if not 0 <= self.crossover <= 1:
            raise ConfigError(f"0 <= crossover <= 1 must hold, but got crossover={self.crossover}.")
        if self.strategy == "evolution" and self.tournament > self.population:
            raise ConfigError(
                f"tournament <= population must hold, but got tournament={self.tournament} and "
                f"population={self.population}."
            )
        if self.device.split(":")[0] not in ("cpu", "cuda"):
            raise ConfigError(f"device is cpu, cuda or cuda:NUMBER, but got device={self.device}.")
        if self.compare and not self.train_top:
            raise ConfigError(
                f"compare={self.compare} trains something beside the best: give --train-top too, such as 3."
            )
        if self.train_top > self.budget:
            raise ConfigError(f"train_top <= budget must hold, but got {self.train_top} and {self.budget}.")
        parse_settings(self.space_settings)
        parse_settings(self.train_settings)

    @property
    def run_name(self) -> str:
        """What the folder is called after."""
        return f"search-{self.space}"

    @property
    def timed(self) -> bool:
        """Whether the latency of every architecture is measured."""
        return self.objective == "latency" or self.max_latency_ms > 0

    @property
    def cores(self) -> int:
        """Processes, with 0 replaced by what suits: a GPU or a stop-watch is shared badly."""
        alone = self.timed or self.device != "cpu"
        return self.workers or (1 if alone else available_cores())

    def to_toml(self) -> str:
        """The settings as TOML that `from_toml` reads back."""
        import tomli_w

        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return tomli_w.dumps({k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()})

    @classmethod
    def from_toml(cls, path: str | Path, **changes: Any) -> SearchConfig:
        """The settings of a file, with changes. Raises ConfigError: missing or broken file, unknown or wrong key."""
        return cls(**{**read_toml(cls, path), **changes})

    def changed(self, saved: SearchConfig) -> list[str]:
        """Names of the settings that differ from `saved` and that a continued search may not change."""
        names = [f.name for f in dataclasses.fields(self) if f.name not in (*FREE, "out")]
        return [name for name in names if getattr(self, name) != getattr(saved, name)]
