"""Layer graphs: what depends on what, and what is left out."""

from __future__ import annotations

import networkx as nx
import torch
from torch import nn

from gpproxy.pictures.architecture import graph_picture, short
from gpproxy.pictures.layer_graph import INPUT, OUTPUT, describe_layer, layer_graph
from gpproxy.proxies.scored import Scored
from gpproxy.search_spaces.check import make_space
from tests.search.setups import fake_space


def lines(graph: nx.DiGraph) -> list[str]:
    return [line for node in nx.lexicographical_topological_sort(graph) for line in graph.nodes[node]["lines"]]


def test_a_chain_is_one_path() -> None:
    space = fake_space()
    graph = layer_graph(space, (1, 1, 1, 1))
    assert nx.is_directed_acyclic_graph(graph) and graph.in_degree(INPUT) == 0 and graph.out_degree(OUTPUT) == 0
    found = lines(graph)
    assert found[0] == INPUT and found[-1] == OUTPUT and found[1] == "conv 3×3, 3 → 4, /2"
    assert "batch norm" in found and found[-2] == "tanh" and "deconv 4×4, 4 → 3, ×2" in found


class Forked(nn.Module):
    """x and a branch of it, in place, are added; another branch is computed for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.idle = (nn.Conv2d(3, 3, 1, device="meta") for _ in range(3))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.a(x)
        self.idle(first)
        return first + self.relu(self.b(first)) * 2


def test_sums_join_and_what_nothing_uses_is_left_out() -> None:
    class Space(type(fake_space())):  # type: ignore[misc]
        def build(self, architecture, generator):  # type: ignore[no-untyped-def]
            return Forked()

    graph = layer_graph(Space(), (0,))
    (join,) = [node for node in graph if graph.nodes[node]["lines"] == ["+"]]
    assert graph.in_degree(join) == 2 and list(graph.successors(join)) == [OUTPUT]
    assert sorted(lines(graph)) == sorted([INPUT, OUTPUT, "conv 1×1, 3 → 3", "conv 1×1, 3 → 3", "ReLU", "+"])


def test_autogan_skips_are_edges() -> None:
    space = make_space("autogan", {"width": 2, "resolution": 16})
    with_skips = layer_graph(space, space.decode("1011-10011-10103"))
    without = layer_graph(space, space.decode("1010-10000-10100"))
    sums = [sum(g.nodes[n]["lines"] == ["+"] for n in g) for g in (with_skips, without)]
    assert sums == [5, 0] and with_skips.nodes[OUTPUT]["shape"] == (3, 16, 16)


def test_pictures_are_files_of_equal_bytes() -> None:
    graph = layer_graph(fake_space(), (1, 1, 1, 1))
    one = Scored("1-1-1-1", (1.5,), 1234.0, 5.6e6, 0.7)
    png = graph_picture(graph, one, 1, 1.5)
    svg = graph_picture(graph, one, 1, 1.5, "svg").decode()
    assert png[:4] == b"\x89PNG" and png == graph_picture(graph, one, 1, 1.5)
    assert svg.lstrip().startswith("<?xml") and [short(n) for n in (950, 1234, 5.6e6, 2e9)] == [
        "950",
        "1.23k",
        "5.6M",
        "2G",
    ]


def test_layers_in_words() -> None:
    depthwise = nn.Conv2d(4, 4, 3, 1, 1, groups=4)
    assert describe_layer(depthwise) == "depthwise conv 3×3, 4 → 4" and describe_layer(nn.Softplus()) == "Softplus"
    assert describe_layer(nn.Upsample(scale_factor=4, mode="nearest")) == "nearest ×4"
    assert describe_layer(nn.Linear(2, 3)) == "linear, 2 → 3"
