"""Random trees of a wanted type and size: a grammar and a random.Random in, a tree out, without retries.

The size is drawn first and handed down from the root, each operand getting what it needs at least and a random share
of the rest, so that sizes are spread evenly and shapes freely (a size-targeted generator like PTC2: Luke, 2000).
"""

from __future__ import annotations

import random
from bisect import bisect

from deap import gp

from gpproxy.errors import ExpressionError
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.primitives.types import Scalar

#: Numbers that proxies are known to need: guards, small weights, halves, squares.
SPECIAL = (1e-5, 0.05, 0.5, 1.0, 2.0)
#: Probability that one Scalar operand of an operation with several becomes a constant.
CONSTANT = 0.2


def constant(rng: random.Random) -> Constant:
    """A random constant: a special value, or a magnitude from 0.001 to 1000, even in its logarithm."""
    return Constant(rng.choice(SPECIAL) if rng.random() < 0.3 else 10 ** rng.uniform(-3, 3))


def generate(
    grammar: Grammar,
    rng: random.Random,
    *,
    type: type = Scalar,
    max_height: int = 8,
    max_nodes: int = 25,
    nodes: int | None = None,
) -> gp.PrimitiveTree:
    """A random tree of `type` within both limits.

    >>> import gpproxy.primitives
    >>> from gpproxy.primitives.types import LayerScalar
    >>> tree = generate(Grammar({"depth": LayerScalar}), random.Random(1), max_nodes=10)
    >>> tree[0].ret is Scalar and len(tree) <= 10
    True

    Args:
        nodes: how large it should become, about; by default drawn evenly from the least possible to `max_nodes`.

    Raises:
        ExpressionError: no tree of that type is so small or so flat.
    """
    least = grammar.smallest(type, max_height)
    if least > max_nodes:
        if type is Scalar and grammar.constants and max_nodes >= 1 and max_height >= 0:
            return gp.PrimitiveTree([constant(rng)])
        raise ExpressionError(
            f"No {type.__name__} has at most {max_nodes} nodes and height {max_height}: "
            f"the smallest within that height has {least} nodes. Allow more nodes or height."
        )
    if nodes is None:
        nodes = rng.randint(int(least), max(int(least), min(max_nodes, grammar.largest(type, max_height))))
    size = max(int(least), min(nodes, max_nodes))
    return gp.PrimitiveTree(_grow(grammar, rng, type, max_height, size, root=True))


def _grow(
    grammar: Grammar, rng: random.Random, kind: type, height: int, size: int, root: bool = False
) -> list[Operation | Leaf]:
    """The nodes of a tree of at most `size` nodes and `height`, close to `size` where the grammar allows.

    A statistic takes the whole place with probability `_leaf_share`, never at the root, if there is one of that type.
    """
    leaves = grammar.terminals_of(kind)
    operations, weights = grammar.choices(kind, height, size) if size > 1 else ((), ())
    if leaves and (not operations or rng.random() < (0.0 if root else _leaf_share(grammar, kind))):
        return [rng.choice(leaves)]
    # Draws as rng.choices does, which takes three times as long for one.
    op = operations[bisect(weights, rng.random() * weights[-1], 0, len(weights) - 1)]
    needs = [grammar.smallest(a, height - 1) for a in op.args]
    parts: list[list[Operation | Leaf]] = [[] for _ in op.args]
    order = list(range(op.arity))
    rng.shuffle(order)
    number = _constant_at(grammar, rng, op, needs, size)
    if number is not None:
        parts[number] = [constant(rng)]
        needs[number] = 1
        order.remove(number)
    slack = size - 1 - int(sum(needs))
    for rank, i in enumerate(order):
        kind, need = op.args[i], int(needs[i])
        share = slack if rank == len(order) - 1 else rng.randint(0, slack)
        share = min(share, grammar.largest(kind, height - 1) - need)
        parts[i] = _grow(grammar, rng, kind, height - 1, need + share)
        slack -= len(parts[i]) - need
    return [op, *(node for part in parts for node in part)]


def _constant_at(grammar: Grammar, rng: random.Random, op: Operation, needs: list[float], size: int) -> int | None:
    """Which operand becomes a constant: a Scalar by chance, the largest one where the size leaves no choice."""
    scalars = [i for i, a in enumerate(op.args) if a is Scalar]
    if not grammar.constants or op.arity < 2 or not scalars:
        return None
    if 1 + sum(needs) > size:
        return max(scalars, key=lambda i: needs[i])
    return rng.choice(scalars) if rng.random() < CONSTANT else None


def _leaf_share(grammar: Grammar, kind: type) -> float:
    """How often a place that could hold more holds a statistic: the type's share of leaves, at most a tenth."""
    leaves, operations = len(grammar.terminals_of(kind)), len(grammar.primitives_of(kind))
    return min(0.1, leaves / (leaves + operations)) if leaves else 0.0
