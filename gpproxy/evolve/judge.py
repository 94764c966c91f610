"""Our formulas and every baseline on the same architectures, with the same metrics.

In: what was seen of a part of a benchmark. Out: plain rows for result.json. Directions are the published ones and signs
are kept: a proxy that ranks backwards has a negative correlation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from gpproxy.benchmarks.split import PARTS
from gpproxy.evolve.discovery import coarse, descriptors
from gpproxy.evolve.part_scores import PartScores
from gpproxy.proxies.baselines import named_scores, varies
from gpproxy.ranking.confounders import confounders, within_groups
from gpproxy.ranking.metrics import Row


def baseline_scores(seen: PartScores) -> dict[str, tuple[str, Tensor]]:
    """Name -> (kind, score): classical proxies, descriptors, and the scores that were published with the benchmark.

    A score that is lower-is-better as published is negated. One that is the same everywhere or undefined is left out.
    """
    return named_scores(seen.columns, seen.part.columns)


def baseline_rows(parts: Mapping[str, PartScores], group: str | None) -> dict[str, Row]:
    """Name -> {kind, train, validation, test} of every baseline of one benchmark that is defined on the test."""
    scores = {part: baseline_scores(seen) for part, seen in parts.items()}
    rows = {}
    for name, (kind, _) in scores["test"].items():
        rows[name] = {"kind": kind} | {
            part: row(parts[part], scores[part][name][1], group if part == "test" else None)
            for part in parts
            if name in scores[part]
        }
    return rows


def row(seen: PartScores, scores: Tensor, group: str | None = None) -> Row:
    """The measures of one score; with `group` also the correlation inside the groups of that descriptor."""
    found = seen.metrics.measure(scores)
    if group is not None:
        found["within"] = {group: _within(seen, scores, group)}
    return found


def within_rows(seen: PartScores, scores: Tensor) -> dict[str, Row]:
    """Correlation inside the groups of every descriptor that makes groups, the largest in absolute terms last."""
    return {name: _within(seen, scores, name) for name, c in descriptors(seen.columns).items() if coarse(c)}


def _within(seen: PartScores, scores: Tensor, name: str) -> Row:
    labels = seen.columns[name].nan_to_num(-math.inf)
    return finite(asdict(within_groups(seen.metrics.last(scores), seen.part.quality, labels)))


def init_row(seen: PartScores, tree: int) -> Row | None:
    """How much the scores depend on the initialisation; None for a single one.

    Keys: `spearman` with the quality, of each initialisation alone; `spread`, the standard deviation of a score over
    the initialisations (root mean square over live architectures) over that of the mean score over architectures.
    """
    inits = seen.inits[:, tree]
    if len(inits) == 1:
        return None
    live = inits[:, torch.isfinite(inits).all(0)]
    spread = live.var(0).mean().sqrt() / live.mean(0).std()
    return finite({"spearman": [seen.metrics.measure(one)["spearman"] for one in inits], "spread": float(spread)})


def confounder_rows(seen: PartScores, scores: Tensor) -> list[Row]:
    """How a score relates to each descriptor, the nearest first."""
    columns = {n: seen.metrics.last(c) for n, c in descriptors(seen.columns).items() if varies(c)}
    found = confounders(seen.metrics.last(scores), seen.part.quality, columns, seen.resamples)
    return [finite(asdict(d)) for d in found]


def worst(rows: Mapping[str, Row]) -> Row:
    """The row of the benchmark with the lowest mean of tau and rho, and that benchmark's name."""
    name = min(rows, key=lambda n: level(rows[n]))
    return {"benchmark": name, **rows[name]}


def level(row: Row) -> float:
    """Mean of tau and rho, -1 where undefined."""
    values = [row["kendall"], row["spearman"]]
    return -1.0 if None in values else sum(values) / 2


def shared_baselines(per_benchmark: Mapping[str, Mapping[str, Row]]) -> dict[str, Row]:
    """Baselines that all benchmarks have, each part by its worst benchmark."""
    first = next(iter(per_benchmark.values()))
    result = {}
    for name, entry in first.items():
        if all(name in rows for rows in per_benchmark.values()):
            parts = [p for p in PARTS if all(p in rows[name] for rows in per_benchmark.values())]
            result[name] = {"kind": entry["kind"]} | {
                part: worst({benchmark: rows[name][part] for benchmark, rows in per_benchmark.items()})
                for part in parts
            }
    return result


def finite(entry: Row) -> Row:
    """The same with None for NaN, and lists for tuples: as JSON has it."""
    return {name: _plain(value) for name, value in entry.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
