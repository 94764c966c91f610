"""The folder of a search: settings, journal of candidates, ranked CSV, pictures, cost."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import Any, ClassVar

import numpy as np

from gpproxy.estimators.estimator import Estimator
from gpproxy.pictures.architecture import graph_picture
from gpproxy.pictures.cost import pareto_picture
from gpproxy.pictures.layer_graph import layer_graph
from gpproxy.proxies.scored import Scored, ScoredList, cell
from gpproxy.run.folder import RunFolder
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
