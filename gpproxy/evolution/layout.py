"""Where the subtrees of a tree lie, how deep they hang, and how much room there is in their place."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from gpproxy.evolution.settings import Limits
from gpproxy.expressions.nodes import Leaf, Operation

Node = Operation | Leaf

#: How often a place for variation is an inner node and not a leaf (Koza, 1992).
INNER = 0.85


class Layout:
    """Of each node of a tree in prefix order: where its subtree ends, its depth and the height of its subtree."""

    __slots__ = ("tree", "ends", "depths", "heights")

    def __init__(self, tree: Sequence[Node]):
        n = len(tree)
        ends, heights, depths = [0] * n, [0] * n, [0] * n
        for i in range(n - 1, -1, -1):
            end, height = i + 1, 0
            for _ in range(tree[i].arity):
                height = max(height, heights[end] + 1)
                end = ends[end]
            ends[i], heights[i] = end, height
        for i in range(n):
            child = i + 1
            for _ in range(tree[i].arity):
                depths[child] = depths[i] + 1
                child = ends[child]
        self.tree, self.ends, self.depths, self.heights = tree, ends, depths, heights

    def size(self, i: int) -> int:
        """Nodes of the subtree at `i`."""
        return self.ends[i] - i

    def room(self, i: int, limits: Limits) -> tuple[int, int]:
        """Nodes and height that a subtree in the place of `i` may have."""
        return limits.nodes - len(self.tree) + self.size(i), limits.height - self.depths[i]

    def pick(self, rng: Random) -> int:
        """A random place, mostly an inner node."""
        inner = [i for i, node in enumerate(self.tree) if node.arity]
        if inner and rng.random() < INNER:
            return rng.choice(inner)
        return rng.randrange(len(self.tree))

    def replace(self, i: int, new: Sequence[Node]) -> list[Node]:
        """The tree with `new` in the place of the subtree at `i`, as a new list."""
        return [*self.tree[:i], *new, *self.tree[self.ends[i] :]]
