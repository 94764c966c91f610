"""The command `gpproxy train`: reads its arguments and shows the training in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpproxy.run.command import read_arguments, run_command, value_of
from gpproxy.train import dry_run, resume, run
from gpproxy.train.settings import TrainConfig


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
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

    return Command


if __name__ == "__main__":
    run_command(main)
