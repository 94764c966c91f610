"""Settings of `gpproxy score`, checked as a whole. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gpproxy.errors import ConfigError
from gpproxy.run.groups import Cluster, Extensions, Initialisations, Machine, SearchSpaceSettings, SizeLimits
from gpproxy.run.settings import Settings, is_proxy_path, is_table, setting


@dataclass(frozen=True)
class Scoring:
    """What is scored, and by what.

    Attributes:
        proxy: run folder, exported proxy.py, name of a known or classical proxy, or formula; several with transfer.
        archs: file with one architecture per line, or a CSV file with a column `architecture`.
        sample: random architectures to score instead of a file; of a table, where one is given. With transfer, the
            most of each table.
        seed: seed of every random draw; of the sample and of resampling.
        benchmark: table of measured architectures, by name or as a CSV file with a card; tells afterwards how well the
            scores rank them, and the quality of the best of k by score against k at random. Without archs its
            architectures are scored. With transfer, several, joined by commas; empty takes all that are known.
        transfer: apply the proxies to every table, and print the held-out rank correlations.
        out: where the results are kept; a CSV file. Empty writes to the terminal.
    """

    proxy: tuple[str, ...] = setting((), path=is_proxy_path)
    archs: str = setting("", path=True)
    sample: int = setting(0, least=0)
    seed: int = setting(0)
    benchmark: str = setting("", path=is_table)
    transfer: bool = setting(False)
    out: str = setting("", path=True)


@dataclass(frozen=True)
class ScoreSettings(Extensions, Cluster, Machine, SizeLimits, Initialisations, SearchSpaceSettings, Scoring, Settings):
    """Scores untrained architectures with a proxy, as CSV lines; higher is better."""

    RENAMED: ClassVar[Mapping[str, str]] = {**Settings.RENAMED, "samples": "inputs", "labels": "benchmark"}

    def check(self) -> None:
        """Raises ConfigError where values do not go together."""
        if not self.proxy or not all(self.proxy):
            raise ConfigError("Give the proxy to apply: --proxy RUN_FOLDER, --proxy proxy.py or --proxy FORMULA.")
        if self.transfer:
            if self.archs:
                raise ConfigError("With --transfer the tables decide what is scored. Leave --archs out.")
            if self.space or self.space_settings:
                flag = "--space" if self.space else "--space-settings"
                raise ConfigError(f"With --transfer the tables decide how spaces are set up. Leave {flag} out.")
            return
        if len(self.proxy) > 1:
            raise ConfigError("One proxy is applied at a time; several are for --transfer, or for gpproxy search.")
        if len(self.benchmarks) > 1:
            raise ConfigError(f"Scores are judged by one table, but got benchmark={self.benchmark}; try --transfer.")
        for name in ("max_params", "max_macs"):
            if getattr(self, name):
                raise ConfigError(
                    f"{name}={getattr(self, name):g} is for --transfer, where tables decide what is scored. To search "
                    "under a limit, use gpproxy search."
                )
        given = bool(self.archs) + (self.sample != 0)
        if given > 1 or not (given or self.benchmark):
            raise ConfigError("Give the architectures to score: either --archs FILE or --sample N.")

    @property
    def benchmarks(self) -> list[str]:
        """The names or paths of the tables."""
        return [name.strip() for name in self.benchmark.split(",") if name.strip()]
