"""A directed graph in layers: formulas from their statistics up, architectures from their input down.

In: an acyclic graph and the widths of its nodes. Out: for every node its layer and its place across, and for every edge
the places that it passes: an edge over several layers keeps a lane free in each, so that it runs through no box.
Source: Sugiyama, Tagawa, Toda (1981), with pooled neighbours for the places across.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

import networkx

#: Sweeps in all, and those after which the places have settled.
SWEEPS, SETTLED = 24, 8

#: A node of the graph, or a lane: (first node, last node, layer).
Place = Any


class Layered(NamedTuple):
    """Places are nodes of the graph, and lanes.

    Attributes:
        layer: of every place, 0 for what nothing leads to.
        x: centre of every place across.
        paths: the places of every edge, from its first node to its last.
    """

    layer: dict[Place, int]
    x: dict[Place, float]
    paths: dict[tuple[Place, Place], list[Place]]

    def rows(self) -> list[list[Place]]:
        """The places by layer, each row from left to right."""
        rows: list[list[Place]] = [[] for _ in range(max(self.layer.values()) + 1)]
        for place in sorted(self.layer, key=lambda place: self.x[place]):
            rows[self.layer[place]].append(place)
        return rows


def layered(graph: networkx.DiGraph, widths: Mapping[Place, float], gap: float, lane: float) -> Layered:
    """The places of a graph with at least one node.

    Args:
        widths: of the nodes.
        gap: between neighbours of a layer.
        lane: width of a lane.
    """
    layer = _layers(graph)
    full, paths, width = networkx.DiGraph(), {}, dict(widths)
    full.add_nodes_from(graph)
    for low, high in [(before, node) for node in graph for before in graph.predecessors(node)]:
        lanes: list[Place] = [(low, high, number) for number in range(layer[low] + 1, layer[high])]
        layer.update((place, layer[low] + 1 + i) for i, place in enumerate(lanes))
        width.update((place, lane) for place in lanes)
        paths[low, high] = [low, *lanes, high]
        networkx.add_path(full, paths[low, high])
    rows: dict[int, list[Place]] = {}
    for place in _from_the_ends(full):
        rows.setdefault(layer[place], []).append(place)
    x: dict[Place, float] = {}
    for row in rows.values():
        x.update(zip(row, _packed(row, [0.0] * len(row), width, gap)))
    best: tuple[float, dict[Place, float]] | None = None
    for sweep in range(SWEEPS):
        from_the_end = sweep % 2 == 0
        near = full.successors if from_the_end else full.predecessors
        for number in sorted(rows, reverse=from_the_end):
            wish = {place: _mean([x[other] for other in near(place)], x[place]) for place in rows[number]}
            rows[number] = sorted(rows[number], key=lambda place: wish[place])
            x.update(zip(rows[number], _packed(rows[number], [wish[p] for p in rows[number]], width, gap)))
        if sweep >= SETTLED:
            untidy = _crossings(full, layer, x) + 0.01 * sum(abs(x[low] - x[high]) for low, high in full.edges)
            if best is None or untidy < best[0] - 1e-9:
                best = untidy, dict(x)
    return Layered(layer, x if best is None else best[1], paths)


def _layers(graph: networkx.DiGraph) -> dict[Place, int]:
    """Above the longest path that leads to a node, and then just below what it leads to."""
    order = list(networkx.topological_sort(graph))
    layer: dict[Place, int] = {}
    for node in order:
        layer[node] = 1 + max((layer[low] for low in graph.predecessors(node)), default=-1)
    for node in reversed(order):
        layer[node] = min((layer[high] for high in graph.successors(node)), default=layer[node] + 1) - 1
    return layer


def _from_the_ends(full: networkx.DiGraph) -> list[Place]:
    """All places, from those that lead nowhere depth first to what leads to them: neighbours stand together."""
    back = full.reverse(copy=False)
    ends = [place for place in full if full.out_degree(place) == 0]
    return list(dict.fromkeys(place for end in ends for place in networkx.dfs_preorder_nodes(back, end)))


def _crossings(full: networkx.DiGraph, layer: Mapping[Place, int], x: Mapping[Place, float]) -> int:
    """How many pairs of edges between the same two layers cross."""
    edges: dict[int, list[tuple[float, float]]] = {}
    for low, high in full.edges:
        edges.setdefault(layer[low], []).append((x[low], x[high]))
    return sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for row in edges.values() for a, b in combinations(row, 2))


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _packed(row: list[Place], wish: list[float], widths: Mapping[Place, float], gap: float) -> list[float]:
    """Places in the given order, each as near its wish as the widths allow (pooled neighbours move together)."""
    gaps = [0.0]
    for a, b in zip(row, row[1:]):
        gaps.append(gaps[-1] + (widths[a] + widths[b]) / 2 + gap)
    pools: list[list[float]] = []  # mean of (wish - gap), count
    for want, away in zip(wish, gaps):
        pools.append([want - away, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, count = pools.pop()
            pools[-1] = [(pools[-1][0] * pools[-1][1] + mean * count) / (pools[-1][1] + count), pools[-1][1] + count]
    starts = [mean for mean, count in pools for _ in range(int(count))]
    return [start + away for start, away in zip(starts, gaps)]
