"""The candidates of a search as sequences, in its order or from best to worst, read as they are asked for.

In: a Store. Out: `candidates[0]`, `candidates[:10]`, `len(candidates)`, iteration; and a bounded Cloud of points for
pictures. What was never asked for takes no memory, so a search of a million candidates is opened at once.
"""

from __future__ import annotations

import csv
import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar, overload

from gpproxy.pictures.cost import Cloud
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Work
from gpproxy.run.folder import AGAIN
from gpproxy.run.reading import reading
from gpproxy.search.order import Front
from gpproxy.search.store import PAGE, Store

T = TypeVar("T")


@dataclass(frozen=True)
class Ranked:
    """A candidate: `rank` from 1 on, NaN for a score or latency that is not known, `problem` empty where all went
    well."""

    rank: int
    architecture: str
    score: float
    params: float
    macs: float
    latency_ms: float = math.nan
    problem: str = ""


class _Pages(Sequence[T], Generic[T]):
    """A sequence that reads pages of a store. A slice is a list."""

    def __init__(self, store: Store):
        self.store = store

    @abstractmethod
    def _some(self, first: int, count: int) -> list[T]:
        """The items from a place on."""

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        places = range(len(self))[index]
        if isinstance(places, int):
            return self._some(places, 1)[0]
        if places.step == 1:
            return self._some(places.start, len(places))
        return [self[place] for place in places]

    def __iter__(self) -> Iterator[T]:
        for first in range(0, len(self), PAGE):
            yield from self._some(first, min(PAGE, len(self) - first))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} candidates in {self.store.path})"


class Candidates(_Pages[Scored]):
    """In the order of the search, without those that broke the limit on latency."""

    def __len__(self) -> int:
        return self.store.count - self.store.slow

    def _some(self, first: int, count: int) -> list[Scored]:
        if not self.store.slow:
            return self.store.rows(first, count)
        return list(islice(self, first, first + count))  # nobody has counted the slow ones before it

    def __iter__(self) -> Iterator[Scored]:
        for first in range(0, self.store.count, PAGE):
            yield from (one for one in self.store.rows(first, PAGE) if not one.slow)


class Ranking(_Pages[Ranked]):
    """From the best to the worst."""

    def __len__(self) -> int:
        return self.store.ranked

    def _some(self, first: int, count: int) -> list[Ranked]:
        return [
            Ranked(rank, one.code, value, one.params, one.macs, one.latency, one.problem)
            for rank, value, one in self.store.by_rank(first + 1, count)
        ]

    def scored(self, count: int) -> list[tuple[Scored, float]]:
        """The best candidates with all that is known of them, and what they are ranked by."""
        return [(one, value) for _, value, one in self.store.by_rank(1, count)]

    def cloud(self, cost: str, most: int, best: int) -> Cloud:
        """Points of the candidates with a finite score and cost (`params`, `macs` or `latency`).

        Args:
            most: how many dots at most, spread evenly over the ranking; where there are more, between that and half.
            best: of how many of the first.
        """
        dots: list[tuple[float, float]] = []
        first, edge = [], Front()
        count, step = 0, 1
        for x, value in self.store.points(cost):
            if not (math.isfinite(x) and math.isfinite(value)):
                continue
            edge.add(x, value)
            if count < best:
                first.append((x, value))
            if count % step == 0:
                dots.append((x, value))
                if len(dots) > most:
                    dots, step = dots[::2], 2 * step
            count += 1
        return Cloud(dots, edge.points, first, count)


def table_ranking(path: Path) -> Ranking:
    """The ranking of a `ranking.csv` whose folder has no store: of version 0.2.0 and before, or without its other
    files. Raises RunError for a damaged one."""
    store = Store.temporary(1)
    with reading(path, AGAIN), path.open(encoding="utf-8", newline="") as file:
        store.add([_of_row(row) for row in csv.DictReader(file)], Work(), 0.0)
        if not store.count:
            raise ValueError("it has no rows")
    store.rank_as_added()
    return Ranking(store)


def _of_row(row: dict[str, str]) -> Scored:
    int(row["rank"])  # damaged where it is none
    score, params, macs = (float(row[name] or math.nan) for name in ("score", "params", "macs"))
    latency = float(row.get("latency_ms") or math.nan)
    return Scored(row["architecture"], (score,), params, macs, latency, row["problem"])
