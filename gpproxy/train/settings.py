"""Settings of a training: one frozen dataclass is the Python API, the command line and the TOML file.

Importing this file imports no torch, so that `--help` answers at once.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gpproxy.errors import ConfigError
from gpproxy.run.settings import parse_settings, read_toml

#: Settings that a continued training may change: they decide where it is computed, not what. Files that they name are
#: told apart by their digests.
FREE = ("device", "threads", "data_folder", "download", "extractor_weights", "plugins", "out")


@dataclass(frozen=True)
class TrainConfig:
    """Trains one generator architecture and measures how good its images are.

    Attributes:
        arch: code of the architecture, such as "1 0 1 1 / 1 0 0 1 1 / 1 0 1 0 3", or a published name: autogan-a.
        space: search space of the architecture.
        data: what is learnt from: cifar10, stl10 (train and unlabeled, 105,000 images), shapes, or a folder of images;
            for translations facades, or a folder of side-by-side images in train/ and test/, or of images in trainA/,
            trainB/, testA/ and testB/.
        direction: which half of a side-by-side image is the input: left-to-right or right-to-left.
        recipe: short, for small budgets, or autogan, the published one with its 256 channels; for translations pix2pix,
            cyclegan, pix2pix-short or cyclegan-short.
        steps: generator updates; 0 takes the recipe's.
        batch: images per update; 0 takes the recipe's.
        recipe_settings: value of the recipe, such as critic_steps=2.
        width: channels of the generator; 0 takes the recipe's, or the space's own.
        resolution: side of the images in pixels; 0 takes the space's own.
        space_settings: other setting of the search space, such as latent=64.
        seed: of the weights, the noise and the order of the images.
        extractor: network whose features measure the images: cifar, inception, or none.
        extractor_weights: file with its weights, where they are not shipped.
        samples: images that are measured at each check.
        split: real images that they are compared with.
        limit: train with the first so many images; 0 takes all.
        data_folder: where the data set is; empty looks in the usual places.
        download: fetch missing data and weights.
        device: where everything is computed: cpu, cuda, cuda:1, ...
        threads: of a CPU; another number gives slightly other results.
        out: run folder; empty makes runs/<time>-<space>-<architecture>-s<seed>. The same command continues it, without
            a folder the newest in runs/ that is not finished.
        plugins: Python file that registers search spaces, data sets or extractors.
    """

    arch: str = ""
    space: str = "autogan"
    data: str = "cifar10"
    direction: Literal["left-to-right", "right-to-left"] = "left-to-right"
    recipe: str = "short"
    steps: int = 0
    batch: int = 0
    recipe_settings: tuple[str, ...] = ()
    width: int = 0
    resolution: int = 0
    space_settings: tuple[str, ...] = ()
    seed: int = 0
    extractor: str = "cifar"
    extractor_weights: str = ""
    samples: int = 5000
    split: str = "test"
    limit: int = 0
    data_folder: str = ""
    download: bool = False
    device: str = "cpu"
    threads: int = 1
    out: str = ""
    plugins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("recipe_settings", "space_settings", "plugins"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(map(str, value)))
        # Absolute, so that a run can be continued from any folder.
        object.__setattr__(self, "plugins", tuple(str(Path(name).expanduser().resolve()) for name in self.plugins))
        object.__setattr__(self, "out", str(self.out))
        if not self.arch.strip():
            raise ConfigError('Give the architecture: --arch "1 0 1 1 / 1 0 0 1 1 / 1 0 1 0 3", or --arch autogan-a.')
        for name, least in (("samples", 20), ("threads", 1), *((n, 0) for n in _COUNTS)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} >= {least} must hold, but got {name}={getattr(self, name)}.")
        if self.device.split(":")[0] not in ("cpu", "cuda"):
            raise ConfigError(f"device is cpu, cuda or cuda:NUMBER, but got device={self.device}.")
        parse_settings(self.space_settings)
        parse_settings(self.recipe_settings)

    @property
    def run_name(self) -> str:
        """What the run folder is called after."""
        arch = "".join(letter if letter.isalnum() or letter in "-_" else "" for letter in self.arch.replace("/", "-"))
        return arch if arch.startswith(f"{self.space}-") else f"{self.space}-{arch}"

    @property
    def cores(self) -> int:
        """Cores that are used."""
        return self.threads

    @property
    def recipe_changes(self) -> dict[str, Any]:
        """What differs from the preset, as `gpproxy.training.recipe.recipe` takes it."""
        flags = {name: getattr(self, name) for name in ("steps", "batch") if getattr(self, name)}
        return {**parse_settings(self.recipe_settings), **flags}

    @property
    def space_changes(self) -> dict[str, Any]:
        """What differs from the space's own settings."""
        flags = {name: getattr(self, name) for name in ("width", "resolution") if getattr(self, name)}
        return {**parse_settings(self.space_settings), **flags}

    def to_toml(self) -> str:
        """The settings as TOML that `from_toml` reads back."""
        import tomli_w

        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return tomli_w.dumps({k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()})

    @classmethod
    def from_toml(cls, path: str | Path, **changes: Any) -> TrainConfig:
        """The settings of a file, with changes. Raises ConfigError: missing or broken file, unknown or wrong key."""
        return cls(**{**read_toml(cls, path), **changes})

    def changed(self, saved: TrainConfig) -> list[str]:
        """Names of the settings that differ from `saved` and that a continued training may not change."""
        names = [f.name for f in dataclasses.fields(self) if f.name not in FREE]
        return [name for name in names if getattr(self, name) != getattr(saved, name)]


_COUNTS = ("steps", "batch", "width", "resolution", "limit")
