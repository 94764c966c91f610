"""Settings of `gpproxy benchmark show` and `check`. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gpproxy.errors import ConfigError
from gpproxy.run.groups import Extensions, Machine
from gpproxy.run.settings import Settings, is_table, setting


@dataclass(frozen=True)
class Table:
    """The table.

    Attributes:
        benchmark: table of measured architectures, by name or as a CSV file with a card.
    """

    benchmark: str = setting("", positional=True, path=is_table)


@dataclass(frozen=True)
class Baselines:
    """What ranks it.

    Attributes:
        on_bad_rows: what to do with rows of a table that cannot be used.
        proxies: classical proxies to compute; 'all', 'none', or names joined by commas.
        init_seed: seed of the untrained weights and inputs; that they see.
    """

    on_bad_rows: Literal["refuse", "drop"] = setting("refuse", known=("refuse", "drop"))
    proxies: str = setting("all")
    init_seed: int = setting(0)


@dataclass(frozen=True)
class CheckSettings(Extensions, Table, Settings):
    """Checks a table of your own: names every row that cannot be used, and why."""

    def check(self) -> None:
        """Raises ConfigError where no table is named."""
        if not self.benchmark.strip() or "," in self.benchmark:
            raise ConfigError("Give one table: its name, such as autogan-cifar10, or a CSV file with a card beside it.")


@dataclass(frozen=True)
class Shards:
    """What is put together.

    Attributes:
        shards: folders of shards, or the folder that they lie in.
        out: where the results are kept; the folder of the whole build, which goes on there. Empty takes the folder that
            the shards lie in.
    """

    shards: tuple[str, ...] = setting((), positional=True, path=True)
    out: str = setting("", free=True, path=True)


@dataclass(frozen=True)
class MergeSettings(Shards, Settings):
    """Puts the shards of a build together into one table; trains and measures nothing."""

    def check(self) -> None:
        """Raises ConfigError without a folder, or with several and no place for the whole."""
        if not self.shards:
            raise ConfigError("Give the folder that the shards lie in, or several folders and --out.")
        if len(self.shards) > 1 and not self.out:
            raise ConfigError(f"{len(self.shards)} folders are put together in a new one: give it with --out.")


@dataclass(frozen=True)
class PublishedData:
    """Which ones.

    Attributes:
        data: what is learnt from in a training; the results on it, such as cifar10. Empty shows all.
    """

    data: str = setting("")


@dataclass(frozen=True)
class PublishedSettings(PublishedData, Settings):
    """Shows published results with their source; none of them was measured here."""


@dataclass(frozen=True)
class ShowSettings(Extensions, Machine, Baselines, Table, Settings):
    """Shows a table: card, range, noise, ceiling, and how simple baselines rank it."""

    def check(self) -> None:
        """Raises ConfigError where no table is named."""
        CheckSettings(self.benchmark)
