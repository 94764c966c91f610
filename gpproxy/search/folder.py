"""The folder of a search: settings, candidates, ranked CSV, pictures, cost."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from gpproxy.errors import RunError, SpaceError
from gpproxy.files import replaced
from gpproxy.pictures.architecture import graph_picture
from gpproxy.pictures.cost import pareto_picture
from gpproxy.pictures.layer_graph import layer_graph
from gpproxy.pictures.learning import learning_picture, winners_picture
from gpproxy.proxies.scored import Scored, cell
from gpproxy.run.folder import RunFolder
from gpproxy.run.kind import CONFIG
from gpproxy.search.candidates import Ranking
from gpproxy.search.settings import SearchSettings
from gpproxy.search.store import NAME as STORE
from gpproxy.search.store import OLD, PAGE, Store
from gpproxy.search_spaces import SearchSpace

RANKING, PARETO, RESULT = "ranking.csv", "pareto.png", "result.json"
#: Dots of the picture at most, and winners whose choices are counted at least and at most.
DOTS, WINNERS = 5000, (10, 1000)


class SearchFolder(RunFolder):
    """The folder of a search. It is finished when it has its result."""

    process: ClassVar[str] = "search"
    ending: ClassVar[str] = RESULT
    command: ClassVar[str] = "search"
    settings: ClassVar[type[Any]] = SearchSettings

    def store(self, proxies: int) -> Store:
        """The candidates, for the search itself. Raises RunError where they are those of an older version.

        Args:
            proxies: scores per candidate.
        """
        if (self.path / OLD).is_file() and not (self.path / STORE).is_file():
            raise RunError(
                f"{self.path / OLD} is the journal of gpproxy 0.2.0 or before, which this version does not continue. "
                f"What is finished can be read; search anew with another --out, or continue with that version."
            )
        return Store.open(self.path / STORE, proxies)

    def write_ranking(self, store: Store, labels: Sequence[str], timed: bool, averaged: bool = False) -> None:
        """Writes every ranked candidate from best to worst, page by page.

        Args:
            labels: of the proxies.
            timed: whether latencies were measured.
            averaged: whether scores are means over initialisations, whose spread is told.
        """
        single = len(labels) == 1
        averaged = single and averaged
        own = ["spread"] if averaged else [] if single else list(labels)
        head = ["rank", "architecture", "score", *own, "params", "macs", *(["latency_ms"] if timed else []), "problem"]
        with replaced(self.path / RANKING) as file:
            file.write(_lines([head]))
            for first in range(1, store.ranked + 1, PAGE):
                rows = []
                for rank, value, one in store.by_rank(first, PAGE):
                    latency = [cell(one.latency)] if timed else []
                    scores = map(cell, [one.spread] if averaged else [] if single else one.scores)
                    size = (f"{one.params:.0f}", f"{one.macs:.0f}")
                    rows.append([rank, one.code, cell(value), *scores, *size, *latency, one.problem])
                file.write(_lines(rows))

    def write_pictures(self, ranking: Ranking, space: SearchSpace, config: SearchSettings, label: str) -> None:
        """Writes score against cost, and the best architectures as graphs, PNG and SVG."""
        cloud = ranking.cloud(config.objective, DOTS, config.top)
        self.write(PARETO, pareto_picture(cloud, config.objective, label))
        for old in (self.path / "top").glob("[0-9]*.*g"):
            old.unlink()
        (self.path / "top").mkdir(exist_ok=True)
        for rank, (candidate, value) in enumerate(ranking.scored(config.top), start=1):
            if not math.isfinite(value):
                continue
            graph = layer_graph(space, space.decode(candidate.code))
            name = f"{rank:02d}_{re.sub('[^A-Za-z0-9_-]', '_', candidate.code)}"
            for kind in ("png", "svg"):
                self.write(f"top/{name}.{kind}", graph_picture(graph, candidate, rank, value, kind))

    def write_learning(self, history: Sequence[Mapping[str, float]], reward: str, who: str = "controller") -> None:
        """Writes how a controller or a population has learnt, as CSV and as a picture; nothing where it has not."""
        if not history:
            return
        stream = io.StringIO()
        writer = csv.DictWriter(stream, list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
        self.write(f"{who}.csv", stream.getvalue())
        self.write(f"{who}.png", learning_picture(history, reward, who))

    def write_winners(self, ranking: Ranking, space: SearchSpace) -> None:
        """Draws what the best have in common, of spaces with tokens: the best tenth, `WINNERS` at least and at most."""
        finite = ranking.store.finite
        least, most = WINNERS
        rows = []
        for one in ranking[: min(max(finite // 10, least), most, finite)]:
            with contextlib.suppress(SpaceError):  # a published one, which no tokens make
                rows.append(space.to_tokens(space.decode(one.architecture)))
        if space.tokens and rows:
            sizes, names = (list(itertools.chain(*levels)) for levels in (space.tokens, space.token_names))
            self.write("winners.png", winners_picture(np.array(rows), sizes, names))


def unfinished(out: str) -> SearchFolder | None:
    """The search in a folder that has not ended, which the same command goes on with; None where there is none."""
    place = Path(out).expanduser()
    if not (place / CONFIG).is_file():
        return None
    begun = SearchFolder.open(place)
    return None if begun.finished else begun


def candidate_row(candidate: Scored, score: float) -> dict[str, Any]:
    """A candidate as JSON."""
    return {
        "architecture": candidate.code,
        "score": score if math.isfinite(score) else None,
        "params": candidate.params,
        "macs": candidate.macs,
        "latency_ms": None if math.isnan(candidate.latency) else candidate.latency,
        "problem": candidate.problem,
    }


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows of a CSV file."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()
