"""Settings of a measured table: what is trained, how, and how the result is measured. Imports nothing heavy.

In: values of fields. Out: BuildSettings. What decides a row of the table is every field that is not `free`; a table
keeps that for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gpproxy.errors import ConfigError
from gpproxy.run.groups import Cluster
from gpproxy.run.settings import setting
from gpproxy.tasks.settings import TrainingSettings


def check_shard(text: str) -> None:
    """Raises ConfigError for what is no shard."""
    part_of_shards(text)


def part_of_shards(text: str) -> tuple[int, int]:
    """`(i, n)` of `i/n`, counted from 1; `(1, 1)` of an empty text. Raises ConfigError for another."""
    found = re.fullmatch(r"(\d+)/(\d+)", text or "1/1", re.ASCII)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ConfigError(f"shard is i/n with 1 <= i <= n, such as 2/8, but got shard={text}.")
    return int(found[1]), int(found[2])


def shard_folder(whole: Path, shard: str) -> Path:
    """The folder of a shard in that of the whole build, which may be named itself."""
    name = "shard-{}-of-{}".format(*part_of_shards(shard))
    return whole if not shard or whole.name == name else whole / name


@dataclass(frozen=True)
class Table:
    """Its rows.

    Attributes:
        size: architectures in the table; a larger number grows a table.
        uniform: so many of these are drawn uniformly from the space; the others are spread evenly over its operations.
        trainings: trainings per architecture.
        retests: architectures, of both kinds alike, that are trained once more, for the noise of retraining.
        longer: architectures that are trained once more, `times` as long, for the correlation of short and long.
        times: how many times as many steps these get.
        plan_seed: seed of the choice of architectures.
        out: where the results are kept; the folder of the build. Empty makes builds/SPACE-DATA.
        benchmark: table of measured architectures, by name or as a CSV file with a card; the one to grow, whose
            settings are taken over. Empty begins or continues the one in the folder.
        shard: i/n, such as 2/8; train only the 2nd of every 8 architectures, in a folder shard-2-of-8 of its own.
            benchmark merge puts them together.
    """

    size: int = setting(120, least=1, free=True)
    uniform: int = setting(0, least=0, free=True)
    trainings: int = setting(2, least=1, free=True)
    retests: int = setting(0, least=0, free=True)
    longer: int = setting(0, least=0, free=True)
    times: int = setting(5, least=2, free=True)
    plan_seed: int = setting(0, least=0)
    out: str = setting("", free=True, path=True)
    benchmark: str = setting("", free=True, path=True)
    shard: str = setting("", free=True, rule=check_shard)


@dataclass(frozen=True)
class Workers:
    """Who trains.

    Attributes:
        workers: processes; each trains with one thread, and on a GPU some of them train while others measure.
        together: trainings at once in each process on a GPU.
    """

    workers: int = setting(1, least=1, free=True)
    together: int = setting(8, least=1, free=True)


@dataclass(frozen=True)
class BuildSettings(Cluster, Workers, TrainingSettings, Table):
    """Trains architectures spread over a space into a table of their quality."""

    def check(self) -> None:
        """Raises ConfigError for more architectures of one kind than there are in all."""
        super().check()
        for name in ("uniform", "retests", "longer"):
            if getattr(self, name) > self.size:
                raise ConfigError(f"{name} <= size must hold, but got {name}={getattr(self, name)}, size={self.size}.")
        if self.shard and self.benchmark:
            raise ConfigError(
                "A shard has a table of its own and grows no other one. Leave out --shard or --benchmark."
            )

    @property
    def name(self) -> str:
        """Name of the table."""
        if self.benchmark:
            return self.table.stem
        return f"{self.space}-{re.sub('[^A-Za-z0-9_.]+', '-', Path(self.data).name)}"

    @property
    def folder(self) -> Path:
        """Where trainings are kept."""
        return shard_folder(Path(self.out) if self.out else Path("builds") / self.name, self.shard)

    @property
    def table(self) -> Path:
        """The CSV file."""
        if not self.benchmark:
            return self.folder / f"{self.name}.csv"
        from gpproxy.benchmarks.csv_table import table_path

        return table_path(self.benchmark)

    @property
    def rows(self) -> dict[str, int]:
        """How large the table is to be; the only settings that may change while it grows."""
        return {name: getattr(self, name) for name in ("size", "uniform", "trainings", "retests", "longer", "times")}

    def meaning(self) -> dict[str, Any]:
        """The settings that decide what a row means, as TOML holds them."""
        values = {name: getattr(self, name) for name in MEANING}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


#: Settings that decide what a row of the table means.
MEANING = tuple(field.name for field in fields(BuildSettings) if not field.metadata["free"])


def from_meaning(values: Mapping[str, Any], **changes: Any) -> BuildSettings:
    """The settings with which a table was begun, with changes; what an older table does not say is as by default.

    Raises ConfigError for a name of a newer version.
    """
    unknown = [name for name in values if name not in MEANING]
    if unknown:
        raise ConfigError(
            f"The table has the unknown setting '{unknown[0]}'. It was built by a newer gpproxy; update it."
        )
    return BuildSettings(**{**values, **changes})
