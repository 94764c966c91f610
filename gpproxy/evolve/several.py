"""Several seeds in one folder: `gpproxy evolve --seeds 0-9`. Settings in, a Series per benchmark out.

The runs follow each other, on the same statistics in the cache, or are spread over a cluster; each has a folder
`s<seed>` of its own in that of the series. What is finished is read and not made again, so that the same command, or
--resume, goes on after any end.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from gpproxy.evolve.console import EvolveWatch
from gpproxy.evolve.finished import read_run
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.page import document
from gpproxy.evolve.result import Result
from gpproxy.evolve.series import Series, summarise
from gpproxy.evolve.series_cluster import Runner, run_on_cluster
from gpproxy.evolve.series_committee import write_series_committee
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.report.render import REPORT, render
from gpproxy.run.folder import RESULT, RunFolder, default_path
from gpproxy.run.interrupt import Interrupted
from gpproxy.run.kind import CONFIG

#: The file that marks a series as finished.
SERIES = "series.json"


class SeriesFolder(RunFolder):
    """The folder of a series. It is finished when it has its result."""

    process: ClassVar[str] = "series"
    ending: ClassVar[str] = SERIES
    command: ClassVar[str] = "evolve"
    settings: ClassVar[type[Any]] = EvolveSettings


class _Inner(EvolveWatch):
    """Shows a run of a series: everything but its final table."""

    def __init__(self, outer: EvolveWatch, seed: int):
        self._outer, self._seed = outer, seed

    def note(self, text: str) -> None:
        self._outer.note(f"seed {self._seed}: {text}")

    def progress(self, what: str, done: int, total: int) -> None:
        self._outer.progress(f"seed {self._seed}: {what}", done, total)

    def step(self, what: str) -> None:
        self._outer.step(f"seed {self._seed}: {what}")

    def generation(self, generation: Any, front: Any, last: int) -> None:
        self._outer.progress(f"seed {self._seed}: generations", generation.index, last)

    def result(self, result: Result) -> None:
        kendall, spearman = result.test["kendall"], result.test["spearman"]
        told = "undefined" if None in (kendall, spearman) else f"τ {kendall:.2f}, ρ {spearman:.2f}"
        self._outer.note(f"seed {self._seed}: test {told}: {result.formula}")


def is_series(folder: str | Path) -> bool:
    """Whether a folder, which some command has made, is that of a series."""
    return bool(SeriesFolder.open(folder).config.seeds)


def run_series(
    config: EvolveSettings, folder: SeriesFolder | None, watch: EvolveWatch, run_one: Runner
) -> dict[str, Series]:
    """Runs what is missing, and writes and returns the series of each benchmark.

    Raises Interrupted, with the command that continues the series, when a run was stopped.
    """
    if folder is None:
        path = Path(config.out).expanduser() if config.out else None
        if path is not None and (path / CONFIG).is_file() and not SeriesFolder.open(path).finished:
            folder = SeriesFolder.open(path)
            config = folder.continued(**config.changes())
        else:
            folder = SeriesFolder.create(replace(config, out=config.out or str(place_of(config))))
    results, paths = [], []
    with folder.alone():
        watch.note(f"series folder {folder.path}")
        configs = [
            replace(config, seeds="", ablation=False, seed=seed, out=str(folder.path / f"s{seed}"))
            for seed in config.seed_list
        ]
        left = [one for one in configs if not (Path(one.out) / RESULT).is_file()]
        if config.cluster and left and not run_on_cluster(left, watch, run_one):
            raise Interrupted(folder.path)
        for one in configs:
            paths.append(Path(one.out))
            results.append(_one(one, paths[-1], folder, watch, run_one))
        watch.step("comparing over the seeds")
        found = {name: summarise(name, config.seed_list, results, paths, folder.path) for name in results[0].benchmarks}
        write_series_committee(folder, results, paths, found, watch.note)
        folder.write_json(SERIES, {name: series.to_json() for name, series in found.items()})
        if folder.write_or_tell(REPORT, lambda: render(document([*map(read_run, paths)], found)), watch.note):
            watch.note(f"page {folder.path / REPORT}")
    return found


def series_in(config: EvolveSettings, path: Path, watch: EvolveWatch, run_one: Runner) -> None:
    """The series in a folder: left as it is where it is finished, continued or made."""
    begun = SeriesFolder.open(path) if (path / CONFIG).is_file() else None
    if begun is None or not begun.finished:
        run_series(config, begun, watch, run_one)


def place_of(config: EvolveSettings) -> Path:
    """runs/<time>-<benchmark>-seeds<seeds>."""
    path = default_path(config)
    return path.with_name(f"{path.name.rpartition('-s')[0]}-seeds{config.seeds.replace(',', '+')}")


def _one(config: EvolveSettings, path: Path, folder: SeriesFolder, watch: EvolveWatch, run_one: Runner) -> Result:
    """The result of one seed: read, continued or made."""
    from gpproxy.evolve import read_result

    inner = _Inner(watch, config.seed)
    begun = EvolveFolder.open(path) if (path / CONFIG).is_file() else None
    if begun is not None and (path / RESULT).is_file():
        result = read_result(path)
        inner.result(result)
        return result
    try:
        if begun is not None:
            config = begun.continued(**config.changes())
        return run_one(config, begun, inner)
    except Interrupted:
        raise Interrupted(folder.path) from None


def read_series(folder: str | Path) -> dict[str, Series]:
    """The result of a finished series, by benchmark. Raises RunError when it has none."""
    place = SeriesFolder.open(folder)
    return {name: Series.from_json(data) for name, data in place.read_json(SERIES).items()}
