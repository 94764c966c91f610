"""The learning curve: what labels are worth, on the same tests: `gpproxy evolve --learning-curve 10,20 --seeds 0-9`.

In: settings with several numbers of labels and several seeds. Out: per benchmark a Point for each number. The folder
has a series `labels-N` for each; of a seed, the architectures of fewer labels are part of those of more, and the test
stays what it is. `curve.json`, `curve.csv` and `report.html` have the whole. What is finished is not made again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from gpproxy.errors import BenchmarkError, ConfigError, RunError
from gpproxy.evolve.check import open_tables
from gpproxy.evolve.console import EvolveWatch
from gpproxy.evolve.curve_page import curve_document
from gpproxy.evolve.scores import PICK, RunScores, read_scores
from gpproxy.evolve.series import FORMULA, Series, compared
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.evolve.several import Runner, SeriesFolder, place_of, read_series, series_in
from gpproxy.ranking.difference import MEASURES, Difference
from gpproxy.report.document import Document
from gpproxy.report.render import REPORT, render
from gpproxy.run.folder import ENVIRONMENT
from gpproxy.run.interrupt import Interrupted
from gpproxy.run.kind import CONFIG

#: The file that marks a curve as finished, and that of the table.
CURVE, TABLE = "curve.json", "curve.csv"


@dataclass(frozen=True)
class Point:
    """A number of labels.

    Attributes:
        labels: architectures that were learnt from, training and validation together.
        series: what holds over the seeds with so many.
        gain: the formula less that with the next smaller number of labels, paired on the same tests; None for the
            smallest.
    """

    labels: int
    series: Series
    gain: Difference | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        gain = None if self.gain is None else self.gain.to_json()
        return {"labels": self.labels, "series": self.series.to_json(), "gain": gain}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Point:
        """Inverse of `to_json`."""
        gain = None if data["gain"] is None else Difference.from_json(data["gain"])
        return cls(data["labels"], Series.from_json(data["series"]), gain)


class CurveFolder(SeriesFolder):
    """The folder of a learning curve. It is finished when it has its result."""

    process: ClassVar[str] = "learning curve"
    ending: ClassVar[str] = CURVE


def run_curve(
    config: EvolveSettings, folder: SeriesFolder | None, watch: EvolveWatch, run_one: Runner
) -> dict[str, tuple[Point, ...]]:
    """Runs what is missing; writes and returns the points of each benchmark, the fewest labels first.

    Raises Interrupted, with the command that continues it, when a run was stopped, and ConfigError for a number of
    labels that a table has not.
    """
    _check(config)
    path = folder.path if folder is not None else Path(config.out or str(place_of(config))).expanduser()
    if folder is None and (path / CONFIG).is_file() and not CurveFolder.open(path).finished:
        config = CurveFolder.open(path).continued(**config.changes())
    elif folder is None:
        CurveFolder.create(replace(config, out=str(path)))
    place = CurveFolder.open(path)
    place.write(CONFIG, config.to_toml())  # a curve may go on with more numbers or seeds
    with place.alone():
        watch.note(f"folder of the learning curve {path}")
        for count in config.label_counts:
            own = path / f"labels-{count}"
            watch.note(f"with {count} labels")
            try:
                series_in(replace(config, learning_curve="", labels=count, out=str(own)), own, watch, run_one)
            except Interrupted:
                raise Interrupted(path) from None
        found = _points(path, config.label_counts)
        place.write_json(CURVE, {name: [one.to_json() for one in points] for name, points in found.items()})
        place.write(TABLE, to_csv(found))
        if place.write_or_tell(REPORT, lambda: render(curve_page(path)), watch.note):
            watch.note(f"page {path / REPORT}")
    return found


def read_curve(folder: str | Path) -> dict[str, tuple[Point, ...]]:
    """The points of a finished learning curve, by benchmark. Raises RunError where there are none."""
    told = CurveFolder.open(folder).read_json(CURVE)
    return {name: tuple(Point.from_json(point) for point in points) for name, points in told.items()}


def curve_page(folder: str | Path) -> Document:
    """The page of a finished learning curve."""
    place = CurveFolder.open(folder)
    return curve_document(place.path, read_curve(place.path), place.read_json(ENVIRONMENT))


def _check(config: EvolveSettings) -> None:
    """Raises ConfigError for a number of labels that a table has not, before anything is looked at."""
    for count in config.label_counts:
        try:
            open_tables(replace(config, learning_curve="", seeds="", labels=count, seed=config.seed_list[0]))
        except BenchmarkError as error:
            raise ConfigError(f"learning_curve={config.learning_curve}: {error} Leave that number out.") from None


def _points(path: Path, counts: Sequence[int]) -> dict[str, tuple[Point, ...]]:
    """The points of each benchmark."""
    every = {count: read_series(path / f"labels-{count}") for count in counts}
    found: dict[str, tuple[Point, ...]] = {}
    for name in every[counts[0]]:
        points: list[Point] = []
        before: list[RunScores] = []
        for count in counts:
            series = every[count][name]
            folders = [path / f"labels-{count}" / run for run in series.folders]
            tables = [read_scores(folder)[name] for folder in folders]
            gain = _gain(tables, before, series, folders) if before else None
            points.append(Point(count, series, gain))
            before = tables
        found[name] = tuple(points)
    return found


def _gain(
    tables: Sequence[RunScores], before: Sequence[RunScores], series: Series, folders: Sequence[Path]
) -> Difference | None:
    """What the formulas have over those of fewer labels, paired on the same tests."""
    scores = []
    for folder, one, other in zip(folders, tables, before):
        tests = [table.places("test") for table in (one, other)]
        codes = [[table.architectures[i] for i in at.tolist()] for table, at in zip((one, other), tests)]
        if codes[0] != codes[1]:
            raise RunError(f"{folder} tests other architectures than fewer labels do. Remove it and resume.")
        scores.append((one.ranked(PICK, tests[0])[None], other.ranked(PICK, tests[1])[None]))
    row = series.row(FORMULA)
    return compared(row, row, row, tables, [table.places("test") for table in tables], scores).difference


def to_csv(curves: Mapping[str, Sequence[Point]]) -> str:
    """The text of curve.csv: a line for each number of labels and row; a cell is empty where nothing is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    spreads = [f"{measure}_{part}" for measure in MEASURES for part in ("mean", "deviation")]
    gaps = [f"formula_minus_row_{measure}{edge}" for measure in MEASURES for edge in ("", "_low", "_high")]
    writer.writerow(["benchmark", "labels", "seeds", "row", *spreads, *gaps])
    for name, points in curves.items():
        for point in points:
            for row in point.series.rows:
                cells: list[Any] = []
                for measure in MEASURES:
                    spread = getattr(row, measure)
                    cells += [spread.mean, spread.deviation]
                cells += _gaps(row.difference)
                told = ["" if cell is None else repr(cell) for cell in cells]
                writer.writerow([name, point.labels, len(point.series.seeds), row.title, *told])
    return text.getvalue()


def _gaps(difference: Difference | None) -> Iterator[float | None]:
    """Difference and interval of each measure."""
    for measure in MEASURES:
        if difference is None:
            yield from (None, None, None)
        else:
            yield getattr(difference, measure)
            yield from getattr(difference, f"{measure}_interval")
