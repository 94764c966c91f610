"""The command `gpproxy evolve`: reads its arguments and shows the run in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from gpproxy.evolve import read_result, resume, run
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.run.command import read_run, run_command


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    settings, start = read_run(EvolveSettings, arguments, "evolve")
    from gpproxy.evolve.console import EvolveTerminal

    watch = EvolveTerminal()
    if not start.resume:
        run(settings, watch)
    elif EvolveFolder.open(start.resume).finished:
        watch.note(
            f"The run in {start.resume} is complete: its test has been read, so it is not continued. Its result:"
        )
        watch.result(read_result(start.resume))
    else:
        resume(start.resume, watch, **settings.changes())
    return 0


if __name__ == "__main__":
    run_command(main)
