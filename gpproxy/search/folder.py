"""The folder of a search: settings, journal of candidates, ranked CSV, pictures, cost."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from gpproxy.errors import SpaceError
from gpproxy.estimators.estimator import Estimator
from gpproxy.pictures.architecture import graph_picture
from gpproxy.pictures.cost import pareto_picture
from gpproxy.pictures.layer_graph import layer_graph
from gpproxy.pictures.learning import learning_picture, winners_picture
from gpproxy.proxies.scored import Scored, ScoredList, cell
from gpproxy.run.folder import RunFolder
from gpproxy.run.kind import CONFIG
from gpproxy.search.order import front, order
from gpproxy.search.settings import SearchSettings
from gpproxy.search_spaces import SearchSpace

RANKING, PARETO, RESULT = "ranking.csv", "pareto.png", "result.json"


class SearchFolder(RunFolder):
    """The folder of a search. It is finished when it has its result."""

    process: ClassVar[str] = "search"
    ending: ClassVar[str] = RESULT
    command: ClassVar[str] = "search"
    settings: ClassVar[type[Any]] = SearchSettings

    def write_ranking(
        self, seen: ScoredList, estimator: Estimator, timed: bool, averaged: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Writes every candidate from best to worst; returns what `ranking.order` does.

        Args:
            timed: whether latencies were measured.
            averaged: whether scores are means over initialisations, whose spread is told.
        """
        ranked, value = order(seen)
        single = len(estimator.labels) == 1
        averaged = single and averaged
        own = ["spread"] if averaged else [] if single else list(estimator.labels)
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            ["rank", "architecture", "score", *own, "params", "macs", *(["latency_ms"] if timed else []), "problem"]
        )
        for rank, i in enumerate(ranked.tolist(), start=1):
            one = seen[i]
            latency = [cell(one.latency)] if timed else []
            scores = map(cell, [one.spread] if averaged else [] if single else one.scores)
            size = (f"{one.params:.0f}", f"{one.macs:.0f}")
            writer.writerow([rank, one.code, cell(value[i]), *scores, *size, *latency, one.problem])
        self.write(RANKING, stream.getvalue())
        return ranked, value

    def write_pictures(
        self,
        seen: ScoredList,
        ranked: np.ndarray,
        value: np.ndarray,
        space: SearchSpace,
        config: SearchSettings,
        label: str,
    ) -> None:
        """Writes score against cost, and the best architectures as graphs, PNG and SVG."""
        best = ranked[: config.top]
        edge = front(value, seen.column(config.objective))
        self.write(PARETO, pareto_picture(seen, value, edge, best, config.objective, label))
        for old in (self.path / "top").glob("[0-9]*.*g"):
            old.unlink()
        (self.path / "top").mkdir(exist_ok=True)
        for rank, i in enumerate(best.tolist(), start=1):
            candidate = seen[i]
            if not math.isfinite(value[i]):
                continue
            graph = layer_graph(space, space.decode(candidate.code))
            name = f"{rank:02d}_{re.sub('[^A-Za-z0-9_-]', '_', candidate.code)}"
            for kind in ("png", "svg"):
                self.write(f"top/{name}.{kind}", graph_picture(graph, candidate, rank, float(value[i]), kind))

    def write_learning(self, history: Sequence[Mapping[str, float]], reward: str) -> None:
        """Writes what a controller has learnt from, as CSV and as a picture; nothing where it has not learnt."""
        if not history:
            return
        stream = io.StringIO()
        writer = csv.DictWriter(stream, list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
        self.write("controller.csv", stream.getvalue())
        self.write("controller.png", learning_picture(history, reward))

    def write_winners(self, seen: ScoredList, ranked: np.ndarray, value: np.ndarray, space: SearchSpace) -> None:
        """Draws what the best have in common, of spaces with tokens; the best tenth, 10 at least."""
        finite = [i for i in ranked.tolist() if math.isfinite(value[i])]
        rows = []
        for i in finite[: max(len(finite) // 10, 10)]:
            with contextlib.suppress(SpaceError):  # a published one, which no tokens make
                rows.append(space.to_tokens(space.decode(seen.codes[i])))
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
