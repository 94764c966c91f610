"""Ranks very many untrained architectures: `python -m gpproxy.search --space autogan --proxy RUN --budget 5000`.

In: a SearchConfig. Out: a SearchResult, and a run folder with the ranked CSV, the picture of score against cost, the
best architectures as graphs, and what it all cost.

    from gpproxy.search import SearchConfig, run

    found = run(SearchConfig(space="autogan", proxy=("nwot",), budget=500, max_macs=5e7))
    print(found.best(3), found.folder)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from gpproxy.run.command import read_arguments, value_of
from gpproxy.run.interrupt import Interrupted, patient
from gpproxy.search.settings import SearchConfig

if TYPE_CHECKING:
    from gpproxy.search.console import SearchWatch
    from gpproxy.search.folder import SearchFolder
    from gpproxy.search.running import SearchResult

__all__ = ["Interrupted", "SearchConfig", "resume", "run"]


def run(config: SearchConfig, watch: SearchWatch | None = None) -> SearchResult:
    """A new search from its settings to its result, with a run folder.

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


def _run(config: SearchConfig, folder: SearchFolder | None, watch: SearchWatch | None) -> SearchResult:
    from gpproxy.search.console import SearchWatch
    from gpproxy.search.running import Searcher

    with watch or SearchWatch() as seen, patient() as patience:
        return Searcher(config, folder, seen, patience).result()


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    started, settings = value_of("--resume", arguments), value_of("--config", arguments)
    default = None
    if started is not None:
        from gpproxy.search.folder import SearchFolder

        default = SearchFolder.open(started).config
    elif settings is not None:
        default = SearchConfig.from_toml(settings)
    command = read_arguments(_command(), arguments, "search", None if default is None else _command()(**vars(default)))
    config = SearchConfig(**{name: getattr(command, name) for name in SearchConfig.__dataclass_fields__})
    from gpproxy.search.console import SearchTerminal

    watch = SearchTerminal()
    if started is None:
        run(config, watch)
    else:
        resume(started, watch, **{n: getattr(config, n) for n in SearchConfig.__dataclass_fields__ if n != "out"})
    return 0


def train_from(arguments: Sequence[str]) -> int:
    """`gpproxy.train --from FOLDER`: trains the best of a search; returns the exit code."""

    @dataclass(frozen=True)
    class FromSearch:
        """Trains the best architectures of a search, and what they are compared with, under one recipe."""

        from_: Annotated[str, tyro.conf.arg(name="from")] = ""
        """folder of the search."""
        top: int = 3
        """how many of the best."""
        compare: str = "random:3"
        """what is trained beside them: random:5 within the same limits, and codes or names such as autogan-a."""
        seeds: int = 3
        """trainings per architecture."""
        data: str = "cifar10"
        """images, as in gpproxy.train: cifar10, stl10, shapes, facades, or a folder."""
        recipe: str = "short"
        """of the trainings, as in gpproxy.train: short, autogan, pix2pix, ..."""
        train_settings: tuple[str, ...] = ()
        """further setting of gpproxy.train, such as steps=2000."""
        workers: int = 0
        """processes."""

    command = read_arguments(FromSearch, arguments, "train")
    changes = {name: value for name, value in vars(command).items() if name not in ("from_", "top")}
    from gpproxy.search.console import SearchTerminal

    resume(command.from_, SearchTerminal(), train_top=command.top, **changes)
    return 0


def _command() -> Any:
    """SearchConfig with the two flags that only a command line needs."""

    @dataclass(frozen=True)
    class Command(SearchConfig):
        __doc__ = SearchConfig.__doc__

        config: str = ""
        """TOML file with settings, or a run folder; other flags change single ones."""
        resume: str = ""
        """run folder to continue."""

    return Command
