"""The ablation: what each part of the method is worth, on the same tests: `gpproxy evolve --ablation --seeds 0-9`.

In: settings with several seeds. Out: a Series per benchmark whose rows climb from trivial descriptors to the black box,
each with its paired difference to the row before. The folder is that of the series of the whole method; beside its runs
it has a series `without-PART` for each part of the evolution, `ablation.json` and a picture, and the rows on its
page. All of them share the statistics in the cache. What is finished is read and not made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from gpproxy.errors import RunError
from gpproxy.evolution.settings import PARTS
from gpproxy.evolve.console import EvolveWatch
from gpproxy.evolve.finished import read_run
from gpproxy.evolve.page import document
from gpproxy.evolve.page_series import ladder_picture
from gpproxy.evolve.result import Result
from gpproxy.evolve.scores import PICK, RunScores, read_scores
from gpproxy.evolve.series import CEILING, FORMULA, Series, SeriesRow, compared, rival_scores, row_of
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.evolve.several import Runner, SeriesFolder, place_of, read_series, series_in
from gpproxy.report.render import REPORT, render
from gpproxy.run.interrupt import Interrupted

#: The file of the table, and that of the picture.
ABLATION, PICTURE = "ablation.json", "ablation.svg"
#: Kinds of rivals below and above the evolved formula.
BELOW, ABOVE = ("descriptor", "classical", "statistic", "composite", "random"), ("black box",)


@dataclass(frozen=True, eq=False)
class _Rung:
    """A row before it is compared: its kind, what was chosen in each run, and `score x architecture` of each test."""

    kind: str
    names: Sequence[str]
    scores: Sequence[Tensor]


def run_ablation(
    config: EvolveSettings, folder: SeriesFolder | None, watch: EvolveWatch, run_one: Runner
) -> dict[str, Series]:
    """Runs what is missing; writes and returns the rows of each benchmark.

    Raises Interrupted, with the command that continues it, when a run was stopped.
    """
    path = folder.path if folder is not None else Path(config.out or str(place_of(config))).expanduser()
    try:
        series_in(replace(config, out=str(path), black_box=True, proxy_parts="all"), path, watch, run_one)
        for part in PARTS:
            own = path / f"without-{part}"
            few = replace(
                config, ablation=False, out=str(own), without=(part,), random_search=False, black_box=False,
                proxies="none", proxy_parts="test",
            )  # fmt: skip
            watch.note(f"without {part}")
            series_in(few, own, watch, run_one)
    except Interrupted:
        raise Interrupted(path) from None
    place = SeriesFolder.open(path)
    whole = read_series(path)
    found = {name: _climb(name, path, one) for name, one in whole.items()}
    place.write_json(ABLATION, {name: one.to_json() for name, one in found.items()})
    for name, one in found.items():
        place.write(PICTURE if len(found) == 1 else f"{Path(name).stem}-{PICTURE}", ladder_picture(one, "ablation"))
    runs = [path / name for name in next(iter(whole.values())).folders]
    if place.write_or_tell(REPORT, lambda: render(document([*map(read_run, runs)], whole, found)), watch.note):
        watch.note(f"page {path / REPORT}")
    return found


def read_ablation(folder: str | Path) -> dict[str, Series]:
    """The rows of a finished ablation, by benchmark. Raises RunError where there is none."""
    place = SeriesFolder.open(folder)
    return {name: Series.from_json(data) for name, data in place.read_json(ABLATION).items()}


def ablation_of(folder: str | Path) -> dict[str, Series]:
    """The rows of the ablation of a series, by benchmark; none where it has no ablation, or an unfinished one."""
    return read_ablation(folder) if (Path(folder) / ABLATION).is_file() else {}


def _climb(benchmark: str, path: Path, whole: Series) -> Series:
    """The rows of a benchmark, simple ones first, each compared with the row before."""
    from gpproxy.evolve import read_result

    folders = [path / name for name in whole.folders]
    tables = [read_scores(folder)[benchmark] for folder in folders]
    tests = [table.places("test") for table in tables]
    results = [read_result(folder) for folder in folders]
    rungs = [*_rivals(BELOW, benchmark, results, tables, tests)]
    for part in PARTS:
        runs = [path / f"without-{part}" / name for name in whole.folders]
        other = [read_scores(run)[benchmark] for run in runs]
        for folder, one, table in zip(runs, other, tables):
            if one.architectures != table.architectures:
                raise RunError(f"{folder} tests other architectures than the whole method does. Remove it and resume.")
        names = [read_result(run).formula for run in runs]
        rungs.append(_Rung(f"without {part}", names, [t.ranked(PICK, at)[None] for t, at in zip(other, tests)]))
    picks = [table.ranked(PICK, at)[None] for table, at in zip(tables, tests)]
    rungs.append(_Rung(FORMULA, [result.formula for result in results], picks))
    rungs += _rivals(ABOVE, benchmark, results, tables, tests)
    rows: list[SeriesRow] = []
    for place, rung in enumerate(rungs):
        row = row_of(rung.kind, rung.names, tables, tests, rung.scores)
        if place:
            row = compared(row, row, rows[-1], tables, tests, list(zip(rung.scores, rungs[place - 1].scores)))
        rows.append(row)
    rows += [row for row in whole.rows if row.kind == CEILING]
    return replace(whole, rows=tuple(rows))


def _rivals(
    kinds: Sequence[str],
    benchmark: str,
    results: Sequence[Result],
    tables: Sequence[RunScores],
    tests: Sequence[Tensor],
) -> Iterator[_Rung]:
    """The kinds of rivals that every run has."""
    for kind in kinds:
        if found := rival_scores(benchmark, kind, results, tables, tests):
            yield _Rung(kind, *found)
