"""Settings of a training: one frozen dataclass is the Python API, the command line and the TOML file.

In: values of fields. Out: TrainSettings. Importing this file imports no torch, so that `--help` answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gpproxy.errors import ConfigError
from gpproxy.run.settings import setting
from gpproxy.tasks.settings import TrainingSettings


@dataclass(frozen=True)
class Architecture:
    """Which generator is trained.

    Attributes:
        arch: code of the architecture, such as "1 0 1 1 / 1 0 0 1 1 / 1 0 1 0 3", or a published name: autogan-a.
    """

    arch: str = setting("")


@dataclass(frozen=True)
class TrainRun:
    """The run.

    Attributes:
        seed: seed of every random draw; of the weights, the noise and the order of the images.
        threads: of a CPU; another number gives slightly other results.
        out: where the results are kept; the run folder. Empty makes runs/<time>-<space>-<architecture>-s<seed>. The
            same command continues it, without a folder the newest in runs/ that is not finished.
        export: also write the trained generator for other programs; torch (generator.pt2) or onnx (generator.onnx,
            extra `onnx`). With --resume of a finished training that is all that is done.
    """

    seed: int = setting(0)
    threads: int = setting(1, least=1, free=True)
    out: str = setting("", free=True, path=True)
    export: Literal["", "torch", "onnx"] = setting("", known=("", "torch", "onnx"), free=True)


@dataclass(frozen=True)
class TrainSettings(TrainRun, TrainingSettings, Architecture):
    """Trains one generator architecture and measures how good its images are."""

    def check(self) -> None:
        """Raises ConfigError without an architecture."""
        super().check()
        if not self.arch.strip():
            raise ConfigError('Give the architecture: --arch "1 0 1 1 / 1 0 0 1 1 / 1 0 1 0 3", or --arch autogan-a.')

    @property
    def run_name(self) -> str:
        """What the run folder is called after."""
        arch = "".join(letter if letter.isalnum() or letter in "-_" else "" for letter in self.arch.replace("/", "-"))
        return arch if arch.startswith(f"{self.space}-") else f"{self.space}-{arch}"

    @property
    def cores(self) -> int:
        """Cores that are used."""
        return self.threads
