"""A table of architectures with measured quality, and the card that says where the numbers come from.

In: what a reader collected. Out: `Benchmark`, plain frozen data in which more quality is always better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from gpproxy.errors import BenchmarkError, did_you_mean
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.check import make_space

DIRECTIONS = ("higher", "lower")
SCALES = ("linear", "log")


@dataclass(frozen=True)
class Card:
    """What a table measures and how; written beside it as TOML.

    Attributes:
        space: name of the search space.
        metric: the column that holds the quality.
        direction: which way the metric is better, `higher` or `lower`.
        space_settings: arguments of the search space under which the table was measured.
        look_settings: of these, what is smaller for proxies: they look at generators of this width and size, because a
            look at the trained size would take too long. The table's own where a name is missing.
        scale: `log` averages repeated trainings on the logarithm of the metric (distances), `linear` on the metric.
        task, data, recipe, source, licence, notes: sentences for the reader.
        seeds: trainings per architecture, 0 when unknown.
        architecture_column, seed_column, collapsed_column: names of these columns; the last two may be absent.
        text_columns: further columns that hold text and are not read.
        measured_columns: further columns that were measured on the trained networks (other distances, checks during
            the training, seconds). They are no scores of untrained networks, so no proxy is compared with them.
        directions: measured column -> `higher` or `lower`, which way it is better: as `TABLE:COLUMN` it takes the place
            of the metric.
        prefix: put before the names of all further columns (`suite_zero/`).
        facts: side numbers and settings (extractor and its digest, seconds per training, correlation of short and long
            training).
    """

    space: str
    metric: str
    direction: str
    space_settings: Mapping[str, Any] = field(default_factory=dict)
    look_settings: Mapping[str, Any] = field(default_factory=dict)
    scale: str = "linear"
    task: str = ""
    data: str = ""
    recipe: str = ""
    seeds: int = 0
    source: str = ""
    licence: str = ""
    notes: str = ""
    architecture_column: str = "architecture"
    seed_column: str = "seed"
    collapsed_column: str = "collapsed"
    text_columns: tuple[str, ...] = ()
    measured_columns: tuple[str, ...] = ()
    directions: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for told in (self.direction, *self.directions.values()):
            if told not in DIRECTIONS:
                raise BenchmarkError(f"A card's direction is 'higher' or 'lower', but this one says '{told}'.")
        if self.scale not in SCALES:
            raise BenchmarkError(f"A card's scale is 'linear' or 'log', but this one says '{self.scale}'.")

    def by(self, column: str) -> Card:
        """The card with another measured column as its metric, and the metric among the measured ones.

        Raises BenchmarkError for a column whose direction it does not know.
        """
        if column == self.metric:
            return self
        if column not in self.directions:
            known = ", ".join((self.metric, *self.directions))
            raise BenchmarkError(
                f"The metric of a table is one of {known}, but '{column}' was asked for."
                f"{did_you_mean(column, self.directions)} A card names others under [directions]."
            )
        others = (*(name for name in self.measured_columns if name != column), self.metric)
        directions = {**self.directions, self.metric: self.direction}
        return replace(
            self,
            metric=column,
            direction=self.directions[column],
            scale=self.scale if self.directions[column] == "lower" else "linear",
            measured_columns=others,
            directions={name: told for name, told in directions.items() if name != column},
        )

    def oriented(self, metric: Tensor) -> Tensor:
        """Metric -> quality: higher is better."""
        metric = metric.log() if self.scale == "log" else metric
        return -metric if self.direction == "lower" else metric

    def in_units(self, quality: Tensor) -> Tensor:
        """Quality -> metric, the inverse of `oriented`."""
        metric = -quality if self.direction == "lower" else quality
        return metric.exp() if self.scale == "log" else metric


@dataclass(frozen=True)
class BadRow:
    """A row that could not be used, and why. `number` counts as a text editor does for a CSV file."""

    number: int
    architecture: str
    reason: str

    def __str__(self) -> str:
        return f"row {self.number} ({self.architecture}): {self.reason}"


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Architectures with measured quality.

    Attributes:
        name: name in the registry, or of the file.
        space: name of the search space.
        architectures: codes in the space's own spelling, each once.
        quality: `architecture`, float64, finite, higher is better: the mean over trainings.
        card: where the numbers come from.
        columns: other published columns, name -> `architecture` float64, in their published direction; NaN is missing.
        repeats: `architecture x training`, float64, quality of the single trainings, NaN where there was none.
        collapsed: `architecture x training`, bool. A collapsed training counts as just below the worst measured one.
        dropped: the rows that were left out because the user chose to.
        remarks: sentences on anything else the reader left out.
        measured: the card's `measured_columns`, name -> `architecture` float64, mean over trainings; NaN is missing.
    """

    name: str
    space: str
    architectures: tuple[str, ...]
    quality: Tensor
    card: Card
    columns: Mapping[str, Tensor] = field(default_factory=dict)
    repeats: Tensor = field(default_factory=lambda: torch.empty(0, 0, dtype=torch.float64))
    collapsed: Tensor = field(default_factory=lambda: torch.empty(0, 0, dtype=torch.bool))
    dropped: tuple[BadRow, ...] = ()
    remarks: tuple[str, ...] = ()
    measured: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.repeats.numel() and len(self.architectures):
            object.__setattr__(self, "repeats", self.quality[:, None])
            object.__setattr__(self, "collapsed", torch.zeros(len(self), 1, dtype=torch.bool))

    def __len__(self) -> int:
        return len(self.architectures)

    @property
    def values(self) -> dict[str, float]:
        """Code -> quality."""
        return dict(zip(self.architectures, self.quality.tolist(), strict=True))

    def select(self, codes: Sequence[str]) -> Benchmark:
        """The part with these architectures, in the order given. Raises BenchmarkError for one that is not there."""
        position = {code: i for i, code in enumerate(self.architectures)}
        missing = [code for code in codes if code not in position]
        if missing:
            raise BenchmarkError(
                f"{self.name} has no row for {', '.join(missing[:3])}{' ...' if len(missing) > 3 else ''} "
                f"({len(missing)} of {len(codes)} asked for). Choose among its {len(self)} architectures."
            )
        index = torch.tensor([position[code] for code in codes], dtype=torch.long)
        return replace(
            self,
            architectures=tuple(codes),
            quality=self.quality[index],
            columns={name: column[index] for name, column in self.columns.items()},
            measured={name: column[index] for name, column in self.measured.items()},
            repeats=self.repeats[index],
            collapsed=self.collapsed[index],
        )


def open_space(card: Card, **overrides: Any) -> SearchSpace:
    """The search space of a card as proxies look at it, with other settings where given.

    Raises RegistryError, ConfigError, SpaceError.
    """
    return make_space(card.space, {**card.space_settings, **card.look_settings, **overrides})
