"""The command `gpproxy search`: reads its arguments and shows the search in the terminal."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from gpproxy.run.command import Start, read_settings, run_command, value_of
from gpproxy.search import resume, run
from gpproxy.search.settings import SearchSettings


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    started, file = value_of("--resume", arguments), value_of("--config", arguments)
    default = None
    if started is not None:
        from gpproxy.search.folder import SearchFolder

        default = SearchFolder.open(started).config
    elif file is not None:
        default = SearchSettings.from_toml(file)
    settings, _ = read_settings(SearchSettings, arguments, "search", default, Start)
    from gpproxy.search.console import SearchTerminal

    watch = SearchTerminal()
    if started is None:
        run(settings, watch)
        return 0
    names = [field.name for field in dataclasses.fields(settings) if field.name != "out"]
    resume(started, watch, **{name: getattr(settings, name) for name in names})
    return 0


if __name__ == "__main__":
    run_command(main)
