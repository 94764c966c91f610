"""What a tree is made of: its structural key, size, price and needs, without evaluating it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

from deap import gp

from gpproxy.expressions.nodes import Operation, Statistic
from gpproxy.primitives import types as t

#: Price of one pass over a value of a type, as a multiple of one over a feature map of usual size.
WEIGHT: Mapping[type, float] = {
    t.FeatureMap: 1.0, t.Weight: 1.0, t.SampleKernel: 0.05, t.ChannelKernel: 0.1, t.SampleVector: 0.01,
    t.ChannelVector: 0.01, t.Spectrum: 0.01, t.LayerScalar: 0.001, t.NetworkKernel: 0.01, t.NetworkSpectrum: 0.001,
    t.Scalar: 0.001,
}  # fmt: skip


def digest(code: str, operands: Sequence[bytes] = ()) -> bytes:
    """128-bit hash of a node from its code and its operands' hashes; the same in every process."""
    return _digest(code, tuple(operands))


@lru_cache(maxsize=1 << 16)  # the parts of formulas recur
def _digest(code: str, operands: tuple[bytes, ...]) -> bytes:
    return blake2b(b"".join((code.encode(), b"(", *operands)), digest_size=16).digest()


def keys(tree: gp.PrimitiveTree) -> list[bytes]:
    """The structural key of the subtree at every position. Equal keys: equal up to the order of commuting operands."""
    stack: list[bytes] = []
    found: list[bytes] = []
    for node in reversed(tree):
        if node.arity:
            operands = [stack.pop() for _ in range(node.arity)]
            if node.swaps:
                operands.sort()
            made = _digest(node.code, tuple(operands))
        else:
            made = _digest(node.code, ())
        stack.append(made)
        found.append(made)
    found.reverse()
    return found


def key(tree: gp.PrimitiveTree) -> bytes:
    """The structural key of a tree: 16 bytes, equal for trees that differ only in the order of commuting operands.

    Replaces `==` and `hash` of `PrimitiveTree`, which compare positions only, or fail.
    """
    return keys(tree)[0]


def complexity(tree: gp.PrimitiveTree) -> int:
    """Number of nodes, each operation, statistic and constant counting one. Lower is simpler."""
    return len(tree)


def needs(tree: gp.PrimitiveTree) -> tuple[str, ...]:
    """Names of the statistics in a tree, each once, in the order of their first appearance."""
    return tuple(dict.fromkeys(node.name for node in tree if isinstance(node, Statistic)))


def needs_backward(tree: gp.PrimitiveTree, backward: Collection[str]) -> bool:
    """Whether the tree uses one of the statistics named in `backward`, those that take a backward pass."""
    return any(name in backward for name in needs(tree))


def cost(
    tree: gp.PrimitiveTree, prices: Mapping[str, float] | None = None, names: Sequence[bytes] | None = None
) -> float:
    """Price of one architecture's score, in passes over its feature maps. Lower is cheaper.

    Every distinct operation counts once (`Primitive.cost` times the weight of its largest operand type), and every
    statistic the price that `prices` gives for it (none: 0).

    Args:
        names: the `keys` of the tree, where they are known.
    """
    prices = prices or {}
    total = sum(prices.get(name, 0.0) for name in needs(tree))
    seen: set[bytes] = set()
    for node, made in zip(tree, keys(tree) if names is None else names):
        if isinstance(node, Operation) and made not in seen:
            seen.add(made)
            total += node.primitive.cost * max(WEIGHT[a] for a in node.args)
    return total
