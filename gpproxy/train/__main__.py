"""The command `gpproxy train`: reads its arguments and shows the training in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpproxy.run import command
from gpproxy.run.command import read_run, run_command
from gpproxy.train import dry_run, resume, run
from gpproxy.train.settings import TrainSettings


@dataclass(frozen=True)
class Start(command.Start):
    """Where settings come from.

    Attributes:
        dry_run: only time a few steps; prints what the training will take, and writes nothing.
    """

    dry_run: bool = False


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    settings, start = read_run(TrainSettings, arguments, "train", Start)
    from gpproxy.run.terminal import Terminal

    watch = Terminal()
    if start.dry_run:
        from gpproxy.train.table import dry_run_lines

        for line in dry_run_lines(settings, dry_run(settings, watch)):
            watch.note(line)
    elif start.resume:
        resume(start.resume, watch, **settings.changes())
    else:
        run(settings, watch)
    return 0


if __name__ == "__main__":
    run_command(main)
