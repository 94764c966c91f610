"""The command `gpproxy evolve`: reads its arguments and shows the run in the terminal."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from gpproxy.evolve import read_result, resume, run
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.run.command import Start, read_settings, run_command, value_of


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    started, file = value_of("--resume", arguments), value_of("--config", arguments)
    default = None
    if started is not None:
        default = EvolveFolder.open(started).config
    elif file is not None:
        default = EvolveSettings.from_toml(file)
    settings, _ = read_settings(EvolveSettings, arguments, "evolve", default, Start)
    from gpproxy.evolve.console import EvolveTerminal

    watch = EvolveTerminal()
    if started is None:
        run(settings, watch)
        return 0
    if EvolveFolder.open(started).finished:
        watch.note(f"The run in {started} is complete: its test has been read, so it is not continued. Its result:")
        watch.result(read_result(started))
        return 0
    names = [field.name for field in dataclasses.fields(settings) if field.name != "out"]
    resume(started, watch, **{name: getattr(settings, name) for name in names})
    return 0


if __name__ == "__main__":
    run_command(main)
