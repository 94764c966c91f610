"""Settings of `python -m gpproxy.score`, checked as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from gpproxy.errors import ConfigError
from gpproxy.run.settings import parse_settings


@dataclass(frozen=True)
class ScoreConfig:
    """Scores untrained architectures with a proxy, as CSV lines `architecture,score`; higher is better.

    Attributes:
        proxy: run folder, exported proxy.py, or formula. With transfer there may be several, and names of known ones.
        space: search space of the architectures; empty takes that of the proxy's run, with its settings.
        archs: file with one architecture per line, or a CSV file with a column of that name.
        sample: random architectures to score instead of a file; with transfer, the most of each table.
        seed: of the sample.
        labels: table of measured architectures, a name or a path: tells afterwards how well the scores rank them, and
            the quality of the best of k by score against k at random. Without archs its architectures are scored.
        transfer: apply the proxies to every table there is, and print the held-out rank correlations.
        benchmark: tables for transfer, joined by commas; empty takes all that are known.
        max_params: with transfer, judge on architectures of at most so many parameters; 0 for no limit.
        max_macs: with transfer, judge on architectures of at most so many multiply-accumulates; 0 for no limit.
        out: CSV file; empty writes to the terminal.
        space_settings: setting of the search space, such as resolution=128.
        init_seed: seed of the untrained weights and inputs; -1 takes that of the run, or 0.
        inits: initialisations that a score is the mean of; 0 takes those of the run, or 1. From 2 on the CSV has their
            standard deviation as a column `spread`.
        samples: inputs per look; 0 takes that of the run, or the default of one.
        device: where everything is computed: cpu, cuda, cuda:1, ...
        workers: processes; 0 takes all cores. Results do not depend on it.
        plugins: Python file that registers search spaces, statistics or primitives.
    """

    proxy: tuple[str, ...] = ()
    space: str = ""
    archs: str = ""
    sample: int = 0
    seed: int = 0
    labels: str = ""
    transfer: bool = False
    benchmark: str = ""
    max_params: float = 0.0
    max_macs: float = 0.0
    out: str = ""
    space_settings: tuple[str, ...] = ()
    init_seed: int = -1
    inits: int = 0
    samples: int = 0
    device: str = "cpu"
    workers: int = 0
    plugins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("proxy", "plugins", "space_settings"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(map(str, value)))
        if not self.proxy or not all(self.proxy):
            raise ConfigError("Give the proxy to apply: --proxy RUN_FOLDER, --proxy proxy.py or --proxy FORMULA.")
        if len(self.proxy) > 1 and not self.transfer:
            raise ConfigError("One proxy is applied at a time; several are for --transfer, or for gpproxy.search.")
        if self.transfer and (self.archs or self.labels):
            raise ConfigError("With --transfer the tables decide what is scored. Leave --archs and --labels out.")
        if self.transfer and self.space_settings:
            raise ConfigError("With --transfer the tables decide how spaces are set up. Leave --space-settings out.")
        if self.benchmark and not self.transfer:
            raise ConfigError(f"benchmark={self.benchmark} is for --transfer; to judge by one table, give --labels.")
        for name in ("max_params", "max_macs"):
            if getattr(self, name) and not self.transfer:
                raise ConfigError(
                    f"{name}={getattr(self, name):g} is for --transfer, where tables decide what is scored. To search "
                    "under a limit, use gpproxy.search."
                )
        given = bool(self.archs) + (self.sample != 0)
        if not self.transfer and (given > 1 or not (given or self.labels)):
            raise ConfigError("Give the architectures to score: either --archs FILE or --sample N.")
        for name, least in (
            ("sample", 0), ("init_seed", -1), ("inits", 0), ("samples", 0), ("workers", 0),
            ("max_params", 0), ("max_macs", 0),
        ):  # fmt: skip
            if getattr(self, name) < least:
                raise ConfigError(f"{name} >= {least} must hold, but got {name}={getattr(self, name)}.")
        parse_settings(self.space_settings)
