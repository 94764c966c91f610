"""The picture of a formula."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse
from gpproxy.pictures.formula import BOX, UP, draw, graph_of, layout
from tests.toy import toy_table

GRAMMAR = Grammar.for_table(toy_table(4))


def test_shared_subtrees_are_drawn_once() -> None:
    graph = graph_of(parse("sum_layers(std(activation * gradient) / mean(activation * gradient))", GRAMMAR))
    labels = [data["label"] for _, data in graph.nodes(data=True)]
    assert sorted(labels) == sorted(["sum_layers", "÷", "std", "mean", "×", "activation", "gradient ∇"])
    assert sorted(d["places"] for _, _, d in graph.edges(data=True) if d["places"]) == [[1], [2]]


def test_one_operand_twice_is_one_edge() -> None:
    graph = graph_of(parse("total_params - total_params", GRAMMAR))
    assert graph.number_of_nodes() == 2
    assert [d["places"] for _, _, d in graph.edges(data=True)] == [[1, 2]]


def test_boxes_do_not_overlap_and_operands_stand_below() -> None:
    rng = random.Random(0)
    for _ in range(40):
        graph = graph_of(generate(GRAMMAR, rng, max_nodes=30))
        widths = {n: 0.36 + 0.098 * len(graph.nodes[n]["label"]) for n in graph}
        place, paths = layout(graph, widths)
        for low, high in graph.edges:
            assert place[low][1] < place[high][1]
        for a in graph:
            for b in graph:
                if a < b and abs(place[a][1] - place[b][1]) < 2 * BOX:
                    assert abs(place[a][0] - place[b][0]) >= (widths[a] + widths[b]) / 2
        for (low, high), points in paths.items():  # an edge passes every layer on its way beside the boxes
            assert len(points) - 1 == round((place[high][1] - place[low][1]) / UP)
            for x, y in points[1:-1]:
                assert all(abs(place[n][0] - x) > widths[n] / 2 for n in graph if abs(place[n][1] - y) < BOX)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
@pytest.mark.parametrize("text", ["total_params", "sum_layers(spread_channels(gradient)) - 0.05 / initial_loss"])
def test_draws_a_file(tmp_path: Path, suffix: str, text: str) -> None:
    path = draw(parse(text, GRAMMAR), tmp_path / f"formula{suffix}")
    assert path.stat().st_size > 2000
    if suffix == ".svg":
        assert "<svg" in path.read_text()
