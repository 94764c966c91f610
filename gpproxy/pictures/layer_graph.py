"""The layers of a network as a graph: what the output depends on, read off one pass on the meta device.

In: a space and an architecture. Out: a `networkx.DiGraph` from the input to the output. Layers that follow one another
without a branch share a node. Branches that nothing consumes are not there.
"""

from __future__ import annotations

from typing import Any

import networkx as nx
import torch
from torch import Tensor, nn

from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.space import Architecture
from gpproxy.seeds import numbered

#: Short names of layers that say nothing else.
SHORT = {
    "BatchNorm2d": "batch norm", "InstanceNorm2d": "instance norm", "ReLU": "ReLU", "LeakyReLU": "leaky ReLU",
    "Tanh": "tanh", "ConstantPad2d": "pad", "ReflectionPad2d": "pad",
}  # fmt: skip
INPUT, OUTPUT = "input", "output"
#: Autograd steps in which values meet, and their signs.
JOINS = {"add": "+", "sub": "−", "mul": "×", "cat": "concat"}


def layer_graph(space: SearchSpace, architecture: Architecture) -> nx.DiGraph:
    """Edges point from what is computed first. Nodes have `lines` (what happens, one layer per line), `part` (the first
    two names of the module path) and `shape` (channel x height x width, without the samples).
    """
    network = space.build(architecture, None)
    batch = space.batch(2, numbered(0)).to("meta")
    inputs = batch.visible.requires_grad_(True)
    trace = _Trace(inputs, {module: name for name, module in network.named_modules()})
    handles = []
    for module in network.modules():
        if not any(True for _ in module.children()):
            handles.append(module.register_forward_pre_hook(trace.before))
            handles.append(module.register_forward_hook(trace.after))
    try:
        with torch.enable_grad():
            # A copy, for a first layer that works in place.
            output = batch.with_visible(inputs * 1).call(network)
    finally:
        for handle in handles:
            handle.remove()
    graph = trace.graph
    graph.add_node(OUTPUT, lines=[OUTPUT], part="", shape=tuple(output.shape[1:]))
    for source in trace.sources(output.grad_fn):
        graph.add_edge(source, OUTPUT)
    live = nx.ancestors(graph, OUTPUT) | {OUTPUT}
    graph.remove_nodes_from([node for node in graph if node not in live])
    return _contracted(graph)


class _Trace:
    """Follows the autograd steps between the calls of layers while a pass runs.

    Every step is kept, so that its identity means something until the end.
    """

    def __init__(self, inputs: Tensor, names: dict[nn.Module, str]):
        self.inputs, self.names = inputs, names
        self.graph = nx.DiGraph()
        self.graph.add_node(INPUT, lines=[INPUT], part="", shape=tuple(inputs.shape[1:]))
        self._known: dict[Any, list[str]] = {}
        self._given: dict[nn.Module, list[Any]] = {}
        self._nodes = 0

    def before(self, module: nn.Module, arguments: tuple) -> None:
        # Before the call: a layer that works in place changes the step of its input.
        self._given[module] = [a.grad_fn for a in arguments if isinstance(a, Tensor)]

    def after(self, module: nn.Module, arguments: tuple, output: Any) -> None:
        given = self._given.pop(module, [])
        if not isinstance(output, Tensor) or output.grad_fn is None or output.grad_fn in given:
            return
        path = self.names[module].split(".")
        part = ".".join(path[:2] if len(path) > 2 else path[:1])
        sources = list(dict.fromkeys(source for step in given for source in self.sources(step)))
        node = self._node(describe_layer(module), part, tuple(output.shape[1:]), sources)
        self._known[output.grad_fn] = [node]

    def sources(self, step: Any) -> list[str]:
        """The nodes whose values meet in a step: a layer, the input, or a sum, made where it is new."""
        if step is None:
            return []
        if step not in self._known:
            if getattr(step, "variable", None) is not None:  # a leaf: the input or a weight
                self._known[step] = [INPUT] if step.variable is self.inputs else []
                return self._known[step]
            found = list(dict.fromkeys(s for earlier, _ in step.next_functions for s in self.sources(earlier)))
            if len(found) > 1:  # else a view, a slice, a scale
                kind = type(step).__name__.lower()
                word = next((sign for name, sign in JOINS.items() if name in kind), "join")
                shape = max((self.graph.nodes[source]["shape"] for source in found), key=len)
                found = [self._node(word, "", shape, found)]
            self._known[step] = found
        return self._known[step]

    def _node(self, line: str, part: str, shape: tuple[int, ...], sources: list[str]) -> str:
        self._nodes += 1
        name = f"{self._nodes:04d} {line}"
        self.graph.add_node(name, lines=[line], part=part, shape=shape)
        self.graph.add_edges_from((source, name) for source in sources)
        return name


def describe_layer(module: nn.Module) -> str:
    """A layer in a few words: `conv 3×3, 32 → 64, /2`."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        kind = "deconv" if isinstance(module, nn.ConvTranspose2d) else "conv"
        kind = f"depthwise {kind}" if module.groups == module.in_channels > 1 else kind
        step = "" if module.stride[0] == 1 else f", {'×' if 'de' in kind[:2] else '/'}{module.stride[0]}"
        kernel = "×".join(map(str, module.kernel_size))
        return f"{kind} {kernel}, {module.in_channels} → {module.out_channels}{step}"
    if isinstance(module, nn.Linear):
        return f"linear, {module.in_features} → {module.out_features}"
    if isinstance(module, nn.Upsample) and module.scale_factor is not None:
        factor = module.scale_factor[0] if isinstance(module.scale_factor, tuple) else module.scale_factor
        return f"{module.mode} ×{factor:g}"
    name = type(module).__name__
    return SHORT.get(name, name)


def _contracted(graph: nx.DiGraph) -> nx.DiGraph:
    """Joins each node with the one before it where both have no other neighbour between them and one part."""
    for node in list(nx.topological_sort(graph)):
        before = list(graph.predecessors(node))
        if len(before) != 1 or graph.out_degree(before[0]) != 1:
            continue
        first = before[0]
        if INPUT in (first, node) or OUTPUT in (first, node) or not graph.nodes[node]["part"]:
            continue
        if graph.nodes[first]["part"] != graph.nodes[node]["part"]:
            continue
        lines = graph.nodes[first]["lines"] + graph.nodes[node]["lines"]
        graph.nodes[node]["lines"] = lines
        graph.add_edges_from((source, node) for source in list(graph.predecessors(first)))
        graph.remove_node(first)
    return graph
