"""The command `gpproxy search`: reads its arguments and shows the search in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from gpproxy.run.command import read_run, run_command
from gpproxy.search import resume, run
from gpproxy.search.settings import SearchSettings


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    settings, start = read_run(SearchSettings, arguments, "search")
    from gpproxy.search.console import SearchTerminal

    watch = SearchTerminal()
    if start.resume:
        resume(start.resume, watch, **settings.changes())
    else:
        run(settings, watch)
    return 0


if __name__ == "__main__":
    run_command(main)
