"""A finished search as one object: its folder in; settings, result, candidates and comparison out."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gpproxy.errors import RunError
from gpproxy.run.folder import AGAIN, ENVIRONMENT, JOURNAL
from gpproxy.run.reading import reading, typed
from gpproxy.search.candidates import Ranking, table_ranking
from gpproxy.search.contenders import Line
from gpproxy.search.folder import RANKING, RESULT, SearchFolder
from gpproxy.search.result import SHOWN, best_html
from gpproxy.search.settings import SearchSettings
from gpproxy.search.store import NAME, Store

#: The table of the trained winners.
COMPARED = "compared.csv"


@dataclass(frozen=True, eq=False)
class SearchRun:
    """A finished search.

    Attributes:
        folder: where it lies.
        settings: as it was started.
        result: content of result.json: proxies, limits, cost, best candidates.
        candidates: all of them, the best first, read from the folder as they are asked for.
        compared: the trained winners and contestants; empty where nothing was trained.
        told: what was said at the end, in sentences; empty for folders of version 0.2.0 and before.
        environment: versions, hardware, command.
    """

    folder: Path
    settings: SearchSettings
    result: dict[str, Any]
    candidates: Ranking
    compared: tuple[Line, ...]
    told: tuple[str, ...]
    environment: dict[str, Any]

    def __repr__(self) -> str:
        best = self.candidates[0]
        return f"SearchRun({str(self.folder)!r}, {len(self.candidates)} candidates, best {best.architecture})"

    def _repr_html_(self) -> str:
        """The best candidates, for a notebook."""
        rows = [(one.score, one.params, one.macs, one.architecture) for one in self.candidates[:SHOWN]]
        return best_html(rows, len(self.candidates))


def read_run(folder: str | Path) -> SearchRun:
    """The search of a folder. Raises RunError where it is none, or not finished."""
    place = SearchFolder.open(folder)
    if not place.finished:
        raise RunError(f"The search in {place.path} is not finished. Continue it: gpproxy search --resume {place.path}")
    told: list[str] = []
    with reading(place.path / JOURNAL, AGAIN):
        for event in place.journal():
            if event["event"] == "told":
                told = [str(sentence) for sentence in event["sentences"]]
    candidates = _candidates(place)
    with reading(place.path / COMPARED, AGAIN):
        compared = _compared(place)
    with reading(place.path / RESULT, AGAIN):
        return typed(SearchRun(
            place.path, place.config, place.read_json(RESULT), candidates, compared, tuple(told),
            place.read_json(ENVIRONMENT),
        ))  # fmt: skip


def _rows(place: SearchFolder, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(place.read(name).splitlines()))


def _candidates(place: SearchFolder) -> Ranking:
    """From the store, or the table where there is none, as in folders of version 0.2.0 and before."""
    path = place.path / NAME
    if not path.is_file():
        place.read(RANKING)
        return table_ranking(place.path / RANKING)
    found = Ranking(Store.read(path))
    if not found:
        raise RunError(f"{path} has no ranking: the search in it has gone on and not ended. Continue it with --resume.")
    return found


def _compared(place: SearchFolder) -> tuple[Line, ...]:
    if not (place.path / COMPARED).is_file():
        return ()
    found = []
    for row in _rows(place, COMPARED):
        values: dict[str, Any] = {field.name: row[field.name] for field in fields(Line)}
        for name in ("architectures", "trainings", "collapsed"):
            values[name] = int(values[name])
        for name in ("mean", "low", "high", "params", "macs"):
            values[name] = _number(values[name])
        found.append(Line(**values))
    return tuple(found)


def _number(cell: str | None) -> float:
    return float(cell) if cell else math.nan
