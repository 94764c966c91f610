"""The command `gpproxy evolve`: reads its arguments and shows the run, or those of several seeds, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpproxy.errors import ConfigError
from gpproxy.evolve import read_result, resume, run, run_curve, run_seeds
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.run import command
from gpproxy.run.command import read_run, run_command

if TYPE_CHECKING:
    from gpproxy.evolve.console import EvolveTerminal


@dataclass(frozen=True)
class Start(command.Start):
    """Where settings come from.

    Attributes:
        conclude: with --resume, evolve no further: choose one of the formulas so far and judge it, which ends the run.
    """

    conclude: bool = False


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    settings, start = read_run(EvolveSettings, arguments, "evolve", Start)
    from gpproxy.evolve.console import EvolveTerminal

    watch = EvolveTerminal()
    if start.conclude and (not start.resume or settings.seeds):
        raise ConfigError("--conclude ends a single run that was stopped: gpproxy evolve --resume RUN --conclude.")
    if settings.seeds:
        return _several(settings, start.resume, watch)
    if not start.resume:
        run(settings, watch)
    elif EvolveFolder.open(start.resume).finished:
        watch.note(
            f"The run in {start.resume} is complete: its test has been read, so it is not continued. Its result:"
        )
        watch.result(read_result(start.resume))
    else:
        resume(start.resume, watch, conclude=start.conclude, **settings.changes())
    return 0


def _several(settings: EvolveSettings, folder: str, watch: EvolveTerminal) -> int:
    """Runs or continues a series; returns the exit code."""
    from gpproxy.evolve.several import SeriesFolder

    if folder:
        place = SeriesFolder.open(folder)
        if not place.config.seeds:
            raise ConfigError(f"{folder} is the folder of a single run, which has no seeds={settings.seeds}.")
        settings = place.continued(**settings.changes())
    if settings.learning_curve:
        watch.curve(run_curve(settings, watch, folder or None))
        return 0
    found = run_seeds(settings, watch, folder or None)
    show = watch.ablation if settings.ablation else watch.series
    show(found)
    return 0


if __name__ == "__main__":
    run_command(main)
