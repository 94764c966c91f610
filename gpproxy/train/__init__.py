"""Trains one generator: `python -m gpproxy.train --arch autogan-a --data cifar10 --steps 5000 --width 32`.

In: a TrainConfig. Out: an Outcome, and a run folder with the best weights, grids, the journal and all measures.

    from gpproxy.train import TrainConfig, run

    found = run(TrainConfig(arch="autogan-a", data="shapes", steps=500, extractor="none"))
    print(found.verdict, found.value)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from gpproxy.run.command import read_arguments, value_of
from gpproxy.run.interrupt import Interrupted
from gpproxy.train.settings import TrainConfig

if TYPE_CHECKING:
    from gpproxy.run.terminal import Watch
    from gpproxy.training.dry_run import DryRun
    from gpproxy.training.outcome import Outcome

__all__ = ["Interrupted", "TrainConfig", "dry_run", "resume", "run"]


def run(config: TrainConfig, watch: Watch | None = None) -> Outcome:
    """A training from its settings to its outcome. A folder `config.out` with the same settings is continued.

    Without `config.out`, the newest training in runs/ that the same settings began and did not finish is continued.

    Raises the errors of `gpproxy.errors` with what to do about them, and Interrupted on Ctrl-C.
    """
    from gpproxy.train.running import run_training

    return run_training(config, watch)


def resume(folder: str | Path, watch: Watch | None = None, **changes: Any) -> Outcome:
    """Continues a training, on a CPU equal bit for bit to one that was never interrupted.

    Args:
        changes: settings that do not decide what is computed, such as the device.

    Raises RunError for other settings.
    """
    from gpproxy.train.running import resume_training

    return resume_training(folder, watch, **changes)


def dry_run(config: TrainConfig, watch: Watch | None = None) -> DryRun:
    """What a training will take; a few steps are timed, and nothing is written."""
    from gpproxy.train.running import time_training

    return time_training(config, watch)


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    if value_of("--from", arguments) is not None:
        from gpproxy.search import train_from

        return train_from(arguments)
    started, settings = value_of("--resume", arguments), value_of("--config", arguments)
    default = None
    if started is not None:
        from gpproxy.train.folder import TrainFolder

        default = TrainFolder.open(started).config
    elif settings is not None:
        default = TrainConfig.from_toml(settings)
    names = [name for name in TrainConfig.__dataclass_fields__ if started is None or name != "out"]
    command = read_arguments(_command(), arguments, "train", None if default is None else _command()(**vars(default)))
    config = TrainConfig(**{name: getattr(command, name) for name in TrainConfig.__dataclass_fields__})
    from gpproxy.run.terminal import Terminal

    watch = Terminal()
    if command.dry_run:
        from gpproxy.train.table import dry_run_lines

        for line in dry_run_lines(config, dry_run(config, watch)):
            watch.note(line)
    elif started is not None:
        resume(started, watch, **{name: getattr(config, name) for name in names})
    else:
        run(config, watch)
    return 0


def _command() -> Any:
    """TrainConfig with the flags that only a command line needs."""

    @dataclass(frozen=True)
    class Command(TrainConfig):
        __doc__ = TrainConfig.__doc__

        config: str = ""
        """TOML file with settings, or a run folder; other flags change single ones."""
        resume: str = ""
        """run folder to continue."""
        dry_run: bool = False
        """time a few steps and print what the training will take; write nothing."""
        from_: Annotated[str, tyro.conf.arg(name="from")] = ""
        """folder of a search whose best architectures are trained; `--from FOLDER --help` tells the flags of that."""

    return Command
