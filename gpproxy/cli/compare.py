"""`gpproxy compare RUN...`: finished runs and series beside each other, or searches by their trained winners.

In: folders. Out: what each reaches, on a benchmark's tests or after a training, and the difference of the first to
every other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gpproxy.errors import ConfigError, RunError

if TYPE_CHECKING:
    from gpproxy.evolve.compare import Compared
    from gpproxy.evolve.series import Spread
    from gpproxy.search.compare import Compared as ComparedSearch
    from gpproxy.search.compare import Comparison

USAGE = """usage: gpproxy compare RUN RUN...

Runs or series (gpproxy evolve --seeds) beside each other: the test of each,
and the paired difference of the first to every other one on the architectures
that neither has learnt from. Searches (gpproxy search --train-top) beside each
other: how good the best of each are once trained, those that differ in their
seed alone together, and the difference of the first to every other one."""


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code. Raises RunError for a folder without a finished run."""
    if "-h" in arguments or "--help" in arguments:
        print(USAGE)
        return 0
    if len(arguments) < 2:
        raise ConfigError("gpproxy compare takes the folders of two or more runs. gpproxy list runs shows them.")
    from gpproxy.run.console import usual_console

    console = usual_console()
    for line in _lines_of(arguments):
        console.print(line, markup=False, soft_wrap=True)
    return 0


def _lines_of(folders: Sequence[str]) -> Iterator[str]:
    """The lines to print. Raises RunError for folders of different commands."""
    from gpproxy.evolve.compare import compare
    from gpproxy.registry import load_plugin
    from gpproxy.run.kind import SEARCH, kind_of, settings_of
    from gpproxy.search.compare import compare as compare_searches

    searches = [kind_of(folder) == SEARCH for folder in folders]
    if any(searches) and not all(searches):
        raise RunError(
            f"Searches are compared with searches, and runs with runs: {folders[searches.index(True)]} is a search, "
            f"{folders[searches.index(False)]} is none."
        )
    for folder in folders:
        for plugin in settings_of(folder).get("plugins", ()):
            load_plugin(plugin)
    if all(searches):
        yield from search_lines(compare_searches(folders))
        return
    for name, rows in compare(folders).items():
        yield from lines(name, rows)


def lines(benchmark: str, rows: Sequence[Compared]) -> Iterator[str]:
    """The table of one benchmark."""
    from gpproxy.ranking.difference import MEASURES
    from gpproxy.run.tables import with_interval

    yield f"{benchmark}: test, mean ± standard deviation over the seeds"
    for row in rows:
        count = len(row.kendall.values)
        seeds = f"{count} seed{'s' * (count > 1)}"
        yield f"  {row.label}: τ {_spread(row.kendall)}, ρ {_spread(row.spearman)} ({seeds})"
        if count == 1:
            yield f"    {next(iter(row.formulas.values()))}"
        if row.missing:
            yield f"    not compared with {rows[0].label}: {row.missing}"
        if row.difference is not None:
            told = row.difference.to_json()
            numbers = ", ".join(f"{mark} {with_interval(told, measure)}" for measure, mark in MEASURES.items())
            words = row.difference.words
            yield f"    {rows[0].label} − this, on {row.difference.n} networks: {numbers}: {words}"


def _spread(spread: Spread) -> str:
    from gpproxy.run.tables import number

    told = number(spread.mean)
    return told if spread.deviation is None else f"{told} ± {number(spread.deviation)}"


def search_lines(found: Comparison) -> Iterator[str]:
    """The table of searches."""
    from gpproxy.search.contenders import bounded

    yield f"{found.measure} after training, lower is better; mean [95 %] over {found.over}"
    for row in found.rows:
        code, quality = row.best
        yield f"  {row.label}: {bounded(row.mean, row.low, row.high)}, best {quality:.4g} {code} ({_who(row)})"
        if row.less is not None:
            yield f"    {found.rows[0].label} − this: {bounded(*row.less)}: {row.words}"


def _who(row: ComparedSearch) -> str:
    if not row.candidates:
        return f"{row.architectures} architecture{'s' * (row.architectures > 1)} trained beside them"
    seeds = f"{row.searches} search{'es' * (row.searches > 1)}"
    return f"{seeds}, {row.candidates:,.0f} candidates each, {row.architectures} architectures trained"
