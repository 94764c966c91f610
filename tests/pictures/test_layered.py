"""Graphs in layers: nothing overlaps, and edges run through lanes."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from gpproxy.pictures.layered import layered

GAP, LANE = 0.5, 0.1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30), st.integers(1, 4))
def test_places_do_not_overlap_and_edges_pass_every_layer(pairs: list[tuple[int, int]], wide: int) -> None:
    graph = nx.DiGraph()
    graph.add_nodes_from(range(12))
    graph.add_edges_from((min(pair), max(pair)) for pair in pairs if pair[0] != pair[1])
    widths = {node: 0.3 + 0.2 * (node % wide) for node in graph}
    found = layered(graph, widths, GAP, LANE)
    for row in found.rows():
        for left, right in pairwise(row):
            room = (widths.get(left, LANE) + widths.get(right, LANE)) / 2 + GAP  # type: ignore[call-overload]
            assert found.x[right] - found.x[left] >= room - 1e-9
    assert set(found.paths) == set(graph.edges)
    for (low, high), path in found.paths.items():
        assert path[0] == low and path[-1] == high and not set(path[1:-1]) & set(graph)
        assert [found.layer[place] for place in path] == list(range(found.layer[low], found.layer[high] + 1))
    assert sum(map(len, found.rows())) == 12 + sum(len(path) - 2 for path in found.paths.values())


def test_what_is_used_late_stands_late() -> None:
    graph = nx.DiGraph([("in", "a"), ("a", "b"), ("b", "sum"), ("in", "short"), ("short", "sum")])
    found = layered(graph, dict.fromkeys(graph, 1.0), GAP, LANE)
    assert found.layer["in"] == 0 and found.layer["short"] == found.layer["b"] == 2 and found.layer["sum"] == 3
    assert len(found.paths["in", "short"]) == 3


def test_a_chain_is_straight_and_a_single_node_is_a_picture() -> None:
    graph = nx.DiGraph([(0, 1), (1, 2)])
    found = layered(graph, {0: 1.0, 1: 3.0, 2: 0.5}, GAP, LANE)
    assert len(set(found.x[node] for node in graph)) == 1
    graph = nx.DiGraph()
    graph.add_node("alone")
    assert layered(graph, {"alone": 1.0}, GAP, LANE).rows() == [["alone"]]
