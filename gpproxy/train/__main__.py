"""The command `gpproxy train`: reads its arguments and shows the training in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpproxy.run.command import read_settings, run_command, value_of
from gpproxy.train import dry_run, resume, run
from gpproxy.train.settings import TrainSettings


@dataclass(frozen=True)
class Start:
    """Where settings come from.

    Attributes:
        config: TOML file with settings, or a run folder; other flags change single ones.
        resume: run folder to continue.
        dry_run: only time a few steps; prints what the training will take, and writes nothing.
    """

    config: str = ""
    resume: str = ""
    dry_run: bool = False


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    started, file = value_of("--resume", arguments), value_of("--config", arguments)
    default = None
    if started is not None:
        from gpproxy.train.folder import TrainFolder

        default = TrainFolder.open(started).config
    elif file is not None:
        default = TrainSettings.from_toml(file)
    settings, start = read_settings(TrainSettings, arguments, "train", default, Start)
    from gpproxy.run.terminal import Terminal

    watch = Terminal()
    if start.dry_run:
        from gpproxy.train.table import dry_run_lines

        for line in dry_run_lines(settings, dry_run(settings, watch)):
            watch.note(line)
    elif started is not None:
        resume(started, watch, **{name: value for name, value in vars(settings).items() if name != "out"})
    else:
        run(settings, watch)
    return 0


if __name__ == "__main__":
    run_command(main)
