"""In which order the nodes of a graph are evaluated, and which are needed at all.

Depth-first from the statistics up: once a large value is there, everything that consumes it comes next, numbers first,
so that it can be freed early.
"""

from __future__ import annotations

from collections.abc import Callable

from gpproxy.expressions.evaluation.apply import BLOCK_TYPES
from gpproxy.expressions.evaluation.graph import Graph


class Schedule:
    """The needed nodes in order.

    Args:
        graph: all trees.
        ready: whether the value of a node is there without evaluating it.

    Attributes:
        order: numbers of the nodes to evaluate.
        found: numbers of the nodes that are there and needed.
        consumers: per needed node, the nodes in `order` that take it.
        uses: per node, how often it is taken, by nodes and as a root.
        waits: per node in `order`, how many of its distinct operands are in `order` too.
    """

    def __init__(self, graph: Graph, ready: Callable[[int], bool]):
        self.order: list[int] = []
        self.found: list[int] = []
        self.consumers: dict[int, list[int]] = {}
        self.uses: dict[int, int] = {}
        self.waits: dict[int, int] = {}
        self._collect(graph, ready)
        waiting = dict(self.waits)
        large = [i for i in sorted(waiting, reverse=True) if waiting[i] == 0]
        small: list[int] = []
        while large or small:
            i = small.pop() if small else large.pop()
            self.order.append(i)
            for c in reversed(self.consumers[i]):
                waiting[c] -= 1
                if waiting[c] == 0:
                    (large if graph.nodes[c].ret in BLOCK_TYPES else small).append(c)

    def _collect(self, graph: Graph, ready: Callable[[int], bool]) -> None:
        consumers, uses = self.consumers, self.uses
        stack: list[int] = []
        for root in graph.roots:
            if root not in uses:
                uses[root] = 1
                stack.append(root)
        while stack:
            i = stack.pop()
            if i in consumers:
                continue
            consumers[i] = []
            if ready(i):
                self.found.append(i)
                continue
            self.waits[i] = -1
            for j in dict.fromkeys(graph.operands[i]):
                uses[j] = uses.get(j, 0) + 1
                stack.append(j)
        for i in sorted(self.waits):
            operands = dict.fromkeys(graph.operands[i])
            self.waits[i] = sum(j in self.waits for j in operands)
            for j in operands:
                consumers[j].append(i)
