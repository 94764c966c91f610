"""Settings of a measured table: what is trained, how, and how the result is measured. Imports nothing heavy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gpproxy.errors import ConfigError

#: Settings that decide what a row of the table means; a table keeps them for ever.
MEANING = (
    "space",
    "data",
    "recipe",
    "steps",
    "batch",
    "recipe_settings",
    "width",
    "resolution",
    "space_settings",
    "samples",
    "extractor",
    "split",
    "plan_seed",
)


@dataclass(frozen=True)
class BuildConfig:
    """Trains architectures spread over a space and writes a table of their measured quality.

    Attributes:
        space: search space of the generators.
        data: images to train on: cifar10, stl10, shapes, or a folder of images; for translations facades, or a folder.
        data_folder: where the data set lies; empty looks in the usual places.
        download: whether a missing data set may be downloaded.
        archs: architectures in the table; a larger number grows a table.
        seeds: trainings per architecture.
        longer: architectures that are trained once more, `times` as long, for the correlation of short and long.
        times: how many times as many steps these get.
        recipe: preset of the training: short or autogan, for translations pix2pix, cyclegan, pix2pix-short or
            cyclegan-short.
        steps: generator updates per training; 0 takes those of the recipe.
        batch: images per update; 0 takes those of the recipe.
        recipe_settings: change of the recipe, such as critic_steps=2.
        width: channels of the generators.
        resolution: side of the images in pixels.
        space_settings: further setting of the search space, such as latent=64.
        samples: generated images per measurement, 20 at least.
        extractor: network whose features are compared: cifar or inception; none measures pairs by DSSIM.
        extractor_weights: file with its weights; empty takes its own.
        split: images that generated ones are compared with: train or test; of translations, those that are translated.
        plan_seed: seed of the choice of architectures.
        out: folder of the build; empty makes builds/SPACE-DATA.
        append: table to grow, whose settings are taken over; empty begins or continues the one in the folder.
        device: where trainings run: cpu, cuda, cuda:1, ...
        workers: processes that train, with one thread each; on a GPU some of them train while others measure.
        together: trainings at once in each process on a GPU.
        dry_run: only say what would be trained and how long it would take.
        plugins: Python file that registers a search space.
    """

    space: str = "autogan"
    data: str = "cifar10"
    data_folder: str = ""
    download: bool = False
    archs: int = 120
    seeds: int = 2
    longer: int = 0
    times: int = 5
    recipe: str = "short"
    steps: int = 0
    batch: int = 0
    recipe_settings: tuple[str, ...] = ()
    width: int = 32
    resolution: int = 32
    space_settings: tuple[str, ...] = ()
    samples: int = 5000
    extractor: str = "cifar"
    extractor_weights: str = ""
    split: str = "test"
    plan_seed: int = 0
    out: str = ""
    append: str = ""
    device: str = "cpu"
    workers: int = 1
    together: int = 8
    dry_run: bool = False
    plugins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        least = {"longer": 0, "plan_seed": 0, "times": 2, "steps": 0, "batch": 0, "samples": 20}
        for field in fields(self):
            value, bound = getattr(self, field.name), least.get(field.name, 1)
            if isinstance(field.default, tuple):
                object.__setattr__(self, field.name, (value,) if isinstance(value, str) else tuple(map(str, value)))
            elif isinstance(field.default, int) and not isinstance(field.default, bool) and value < bound:
                raise ConfigError(f"{field.name} >= {bound} must hold, but got {field.name}={value}.")
        if self.longer > self.archs:
            raise ConfigError(f"longer <= archs must hold, but got longer={self.longer} and archs={self.archs}.")
        if self.device.split(":")[0] not in ("cpu", "cuda"):
            raise ConfigError(f"device is cpu, cuda or cuda:NUMBER, but got device={self.device}.")

    @property
    def name(self) -> str:
        """Name of the table."""
        if self.append:
            return self.table.stem
        return f"{self.space}-{re.sub('[^A-Za-z0-9_.]+', '-', Path(self.data).name)}"

    @property
    def folder(self) -> Path:
        """Where trainings are kept."""
        return Path(self.out).expanduser() if self.out else Path("builds") / self.name

    @property
    def table(self) -> Path:
        """The CSV file."""
        if not self.append:
            return self.folder / f"{self.name}.csv"
        from gpproxy.benchmarks.csv_table import table_path

        return table_path(self.append)

    def meaning(self) -> dict[str, Any]:
        """The settings that decide what a row means, as TOML holds them."""
        values = {name: getattr(self, name) for name in MEANING}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def from_meaning(values: Mapping[str, Any], **changes: Any) -> BuildConfig:
    """The settings with which a table was begun, with changes. Unknown names are of a newer version and an error."""
    unknown = [name for name in values if name not in MEANING]
    if unknown:
        raise ConfigError(
            f"The table has the unknown setting '{unknown[0]}'. It was built by a newer gpproxy; update it."
        )
    return BuildConfig(**{**values, **changes})
