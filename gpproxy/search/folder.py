"""The folder of a search: settings, journal of candidates, ranked CSV, pictures, cost."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import Any, ClassVar

import numpy as np

from gpproxy.pictures.architecture import graph_picture
from gpproxy.pictures.cost import pareto_picture
from gpproxy.pictures.layer_graph import layer_graph
from gpproxy.proxies.scored import Scored, ScoredList, cell
from gpproxy.proxies.scorer import Setup
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

    def write_ranking(self, seen: ScoredList, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
        """Writes every candidate from best to worst; returns what `ranking.order` does."""
        ranked, value = order(seen)
        single = len(setup.proxies) == 1
        averaged = single and setup.proxies[0].inits > 1
        own = ["spread"] if averaged else [] if single else labels(setup)
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        timed = ["latency_ms"] if setup.timed else []
        writer.writerow(["rank", "architecture", "score", *own, "params", "macs", *timed, "problem"])
        for rank, i in enumerate(ranked.tolist(), start=1):
            one = seen[i]
            latency = [cell(one.latency)] if setup.timed else []
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


def labels(setup: Setup) -> list[str]:
    """One column name per proxy, each different."""
    names: list[str] = []
    for number, proxy in enumerate(setup.proxies, start=1):
        names.append(proxy.label if proxy.label not in names else f"{proxy.label} ({number})")
    return names


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
