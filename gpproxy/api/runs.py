"""`gpproxy.load_run(folder)`: a finished run of evolve or search as one object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gpproxy.errors import RunError

if TYPE_CHECKING:
    from gpproxy.evolve.finished import EvolveRun
    from gpproxy.search.finished import SearchRun


def load_run(folder: str | Path) -> EvolveRun | SearchRun:
    """The settings, result, scores and journal of a finished run, read back from its folder.

    The candidates of a search are read as they are asked for, by rank: `load_run(FOLDER).candidates[:10]`.

    Raises RunError for a folder without a finished run of evolve or search.
    """
    from gpproxy.run.kind import EVOLVE, SEARCH, kind_of

    kind = kind_of(folder)
    if kind == SEARCH:
        from gpproxy.search import finished as searches

        return searches.read_run(folder)
    if kind is None or kind == EVOLVE:
        from gpproxy.evolve import finished

        return finished.read_run(folder)
    raise RunError(f"{folder} is the folder of {kind.noun}; load_run reads runs of gpproxy evolve and gpproxy search.")
