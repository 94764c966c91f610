"""`gpproxy compare RUN...`: finished runs and series beside each other.

In: folders. Out: a table per benchmark: what each reaches on its own tests, and the paired difference of the first to
every other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gpproxy.errors import ConfigError

if TYPE_CHECKING:
    from gpproxy.evolve.compare import Compared
    from gpproxy.evolve.series import Spread

USAGE = """usage: gpproxy compare RUN RUN...

Runs or series (gpproxy evolve --seeds) beside each other: the test of each,
and the paired difference of the first to every other one on the architectures
that neither has learnt from."""


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code. Raises RunError for a folder without a finished run."""
    if "-h" in arguments or "--help" in arguments:
        print(USAGE)
        return 0
    if len(arguments) < 2:
        raise ConfigError("gpproxy compare takes the folders of two or more runs. gpproxy list runs shows them.")
    from gpproxy.evolve.compare import compare
    from gpproxy.registry import load_plugin
    from gpproxy.run.console import usual_console
    from gpproxy.run.kind import settings_of

    for folder in arguments:
        for plugin in settings_of(folder).get("plugins", ()):
            load_plugin(plugin)
    console = usual_console()
    for name, rows in compare(arguments).items():
        for line in lines(name, rows):
            console.print(line, markup=False, soft_wrap=True)
    return 0


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
