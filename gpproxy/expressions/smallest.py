"""All formulas of one statistic up to a size: a grammar in, trees out, in the order of the grammar.

They are what a single number of a network can say, and what a formula has to be better than.
"""

from __future__ import annotations

from deap import gp

from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.nodes import Leaf, Operation
from gpproxy.primitives.types import TYPES, Scalar

#: Nodes of the largest: a statistic, one operation on it and a reducer.
NODES = 3
#: How layers are joined where the statistic needs an operation first: all reducers would make tens of thousands.
PLAIN = "mean_layers"


def single_statistics(grammar: Grammar, nodes: int = NODES) -> list[gp.PrimitiveTree]:
    """Every formula of at most `nodes` nodes that is a chain of operations on one statistic, the smallest first.

    >>> import gpproxy.primitives
    >>> from gpproxy.primitives.types import LayerScalar, Scalar
    >>> [str(tree) for tree in single_statistics(Grammar({"a": Scalar, "depth": LayerScalar}), 2)][:2]
    ['a', 'sum_layers(depth)']
    """
    unary = [op for kind in TYPES for op in grammar.primitives_of(kind) if op.arity == 1]
    chains: list[list[Operation | Leaf]] = [[leaf] for kind in TYPES for leaf in grammar.terminals_of(kind)]
    found: list[gp.PrimitiveTree] = []
    for size in range(1, nodes + 1):
        # A function of a number of the network ranks like the number, forwards or backwards, or hardly at all.
        found += [gp.PrimitiveTree(chain) for chain in chains if chain[0].ret is Scalar]
        if size < nodes:
            open_ends = [chain for chain in chains if chain[0].ret is not Scalar]
            chains = [
                [op, *chain]
                for chain in open_ends
                for op in unary
                if op.args[0] is chain[0].ret and (size == 1 or not op.primitive.over_layers or op.name == PLAIN)
            ]
    return found
