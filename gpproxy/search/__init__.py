"""Ranks very many untrained architectures: `gpproxy search --space autogan --proxy RUN --budget 5000`.

In: a SearchSettings. Out: a SearchResult, and a run folder with the ranked CSV, the picture of score against cost, the
best architectures as graphs, and what it all cost.

    from gpproxy.search import SearchSettings, run

    found = run(SearchSettings(space="autogan", proxy=("nwot",), budget=500, max_macs=5e7))
    print(found.best(3), found.folder)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpproxy.run.interrupt import Interrupted, patient
from gpproxy.search.settings import SearchSettings

if TYPE_CHECKING:
    from gpproxy.search.console import SearchWatch
    from gpproxy.search.folder import SearchFolder
    from gpproxy.search.result import SearchResult

__all__ = ["Interrupted", "SearchSettings", "resume", "run"]


def run(config: SearchSettings, watch: SearchWatch | None = None) -> SearchResult:
    """A new search from its settings to its result, with a run folder. Shown by a watch, and in a notebook.

    Raises the errors of `gpproxy.errors` with what to do about them, and Interrupted on Ctrl-C.
    """
    return _run(config, None, watch)


def resume(folder: str | Path, watch: SearchWatch | None = None, **changes: Any) -> SearchResult:
    """Continues a search to the ranking of one that was never interrupted; `changes` may enlarge the budget, change the
    workers, or ask for trainings. Raises RunError for settings that may not change.
    """
    from gpproxy.search.folder import SearchFolder

    place = SearchFolder.open(folder)
    config = place.continued(**changes)
    return _run(config, place, watch)


def _run(config: SearchSettings, folder: SearchFolder | None, watch: SearchWatch | None) -> SearchResult:
    from gpproxy.run.notebook import watching
    from gpproxy.search.console import SearchTerminal, SearchWatch
    from gpproxy.search.running import Searcher

    with watch or watching(SearchTerminal, SearchWatch) as seen, patient() as patience:
        return Searcher(config, folder, seen, patience).result()
