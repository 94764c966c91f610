"""Settings of `gpproxy benchmark estimate`. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gpproxy.benchmark.table_settings import CheckSettings, Table
from gpproxy.errors import ConfigError
from gpproxy.estimators.settings import SharedWeights
from gpproxy.run.groups import Cluster, Extensions
from gpproxy.run.settings import Settings, setting
from gpproxy.tasks.settings import Device


@dataclass(frozen=True)
class Estimates:
    """What is compared.

    Attributes:
        estimator: what tells the worth of an architecture; a proxy (name, formula, run folder or proxy.py),
            training:STEPS by the recipe of the table, shared, or shared:50 for the weights after half of their
            training. Break-even is counted against the first one.
        rows: take the first so many architectures of the table, of those that no proxy has learnt from; 0 takes all.
        seed: seed of every random draw; of the trainings, and unlike those of the table.
        data_folder: where the data set is; empty looks in the usual places.
        out: where the results are kept; the folder of the estimates. Empty makes estimates/TABLE. The same command
            continues.
    """

    estimator: tuple[str, ...] = setting(())
    rows: int = setting(0, least=0, free=True)
    seed: int = setting(7000)
    data_folder: str = setting("", free=True, path=True)
    out: str = setting("", free=True, path=True)


@dataclass(frozen=True)
class EstimateSettings(Extensions, Cluster, Device, SharedWeights, Estimates, Table, Settings):
    """Compares estimators on a table: how well each ranks it, and what it costs."""

    def check(self) -> None:
        """Raises ConfigError without a table or an estimator."""
        CheckSettings(self.benchmark)
        if not self.estimator or len(set(self.estimator)) < len(self.estimator):
            raise ConfigError("Give estimators, each once: --estimator params --estimator training:100 ...")
        if self.reward == "both":
            raise ConfigError("A table is ranked by one reward, but got reward=both. Choose score or distance.")

    @property
    def folder(self) -> Path:
        """Where estimates are kept."""
        return Path(self.out) if self.out else Path("estimates") / Path(self.benchmark).stem
