"""All trees of a population as one graph in which every distinct subtree is one node (hash-consing).

In: trees. Out: nodes numbered so that operands come first, with their structural keys, and the root of each tree.
Operands that commute are put in the order of their keys, so that a value never depends on which tree was seen first.
"""

from __future__ import annotations

from collections.abc import Iterable

from deap import gp

from gpproxy.expressions.nodes import Leaf, Operation
from gpproxy.expressions.structure import digest


class Graph:
    """The distinct subtrees of a list of trees.

    Attributes:
        nodes: per number, the operation or leaf.
        operands: per number, the numbers of its operands, all smaller than its own.
        keys: per number, the structural key (`structure.key` of the subtree).
        roots: per tree, the number of its root.
    """

    def __init__(self, trees: Iterable[gp.PrimitiveTree]):
        self.nodes: list[Operation | Leaf] = []
        self.operands: list[tuple[int, ...]] = []
        self.keys: list[bytes] = []
        self.roots: list[int] = []
        known: dict[object, int] = {}
        nodes, operands, keys = self.nodes, self.operands, self.keys
        for tree in trees:
            stack: list[int] = []
            for node in reversed(tree):
                arity = node.arity
                below: tuple[int, ...]
                if arity == 0:
                    below, name = (), node.code
                elif arity == 1:
                    below = (stack.pop(),)
                    name = (node.code, below)
                else:
                    below = tuple(stack.pop() for _ in range(arity))
                    if node.swaps and keys[below[1]] < keys[below[0]]:
                        below = (below[1], below[0])
                    name = (node.code, below)
                number = known.get(name)
                if number is None:
                    number = known[name] = len(nodes)
                    nodes.append(node)
                    operands.append(below)
                    keys.append(digest(node.code, [keys[i] for i in below]))
                stack.append(number)
            self.roots.append(stack[-1])

    def __len__(self) -> int:
        return len(self.nodes)
