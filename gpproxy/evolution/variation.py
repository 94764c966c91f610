"""Trees in, new trees out: typed crossover and mutations that know the room they have.

Every operator measures the room first and picks something that fits, so none is tried and rejected. Parents are never
changed and a child is always a new list of the shared, immutable nodes. An operator that does not apply to a tree (no
constant to change, say) returns None; `Variation` then falls back to a new random subtree.
Sources: Koza (1992), Montana (1995) typed crossover, Poli et al. (2008) for the mutations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from deap import gp

from gpproxy.errors import ConfigError, ExpressionError
from gpproxy.evolution.combination import blend, combine, negate
from gpproxy.evolution.individual import Individual
from gpproxy.evolution.layout import Layout, Limits, Node
from gpproxy.expressions.generate import constant, generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.nodes import Constant, Operation, Statistic

Nodes = Sequence[Node]
Mutation = Callable[[Nodes, Grammar, Limits, Random], "list[Node] | None"]


def subtree(tree: Nodes, grammar: Grammar, limits: Limits, rng: Random) -> list[Node] | None:
    """Replaces a random subtree by a random tree of its type."""
    layout = Layout(tree)
    i = layout.pick(rng)
    nodes, height = layout.room(i, limits)
    if rng.random() < 0.7:  # a small step: about as large as what it replaces
        nodes = min(nodes, layout.size(i) + 4)
    try:
        new = generate(grammar, rng, type=tree[i].ret, max_height=height, max_nodes=nodes)
    except ExpressionError:  # too little room for that type: its smallest tree needs more than was there
        return None
    return layout.replace(i, new)


def point(tree: Nodes, grammar: Grammar, limits: Limits, rng: Random) -> list[Node] | None:
    """Exchanges one operation for another of the same signature."""
    places = [i for i, node in enumerate(tree) if isinstance(node, Operation)]
    rng.shuffle(places)
    for i in places:
        node = tree[i]
        others = [op for op in grammar.primitives_of(node.ret) if op.args == node.args and op.name != node.name]
        if others:
            new = list(tree)
            new[i] = rng.choice(others)
            return new
    return None


def swap(tree: Nodes, grammar: Grammar, limits: Limits, rng: Random) -> list[Node] | None:
    """Exchanges one statistic for another of its type."""
    places = [i for i, node in enumerate(tree) if isinstance(node, Statistic)]
    rng.shuffle(places)
    for i in places:
        others = [leaf for leaf in grammar.terminals_of(tree[i].ret) if leaf != tree[i]]
        if others:
            new = list(tree)
            new[i] = rng.choice(others)
            return new
    return None


def hoist(tree: Nodes, grammar: Grammar, limits: Limits, rng: Random) -> list[Node] | None:
    """Puts a part of a subtree in the place of that subtree."""
    layout = Layout(tree)
    places = [i for i, node in enumerate(tree) if node.arity]
    rng.shuffle(places)
    for i in places:
        kind = tree[i].ret
        parts = [j for j in range(i + 1, layout.ends[i]) if tree[j].ret is kind and not isinstance(tree[j], Constant)]
        if parts:
            j = rng.choice(parts)
            return layout.replace(i, tree[j : layout.ends[j]])
    return None


def shrink(tree: Nodes, grammar: Grammar, limits: Limits, rng: Random) -> list[Node] | None:
    """Replaces an inner subtree by a statistic of its type."""
    layout = Layout(tree)
    places = [i for i in range(1, len(tree)) if tree[i].arity and grammar.terminals_of(tree[i].ret)]
    if not places:
        return None
    i = rng.choice(places)
    return layout.replace(i, [rng.choice(grammar.terminals_of(tree[i].ret))])


def insert(tree: Nodes, grammar: Grammar, limits: Limits, rng: Random) -> list[Node] | None:
    """Puts an operation above a random subtree, which becomes one of its operands."""
    layout = Layout(tree)
    places = list(range(len(tree)))
    rng.shuffle(places)
    for i in places[:4]:
        kind = tree[i].ret
        nodes, height = layout.room(i, limits)
        spare = nodes - layout.size(i) - 1
        if spare < 0 or layout.heights[i] + 1 > height:
            continue
        options = []
        for op in grammar.primitives_of(kind):
            slots = [k for k, kind_k in enumerate(op.args) if kind_k is kind]
            others = sum(grammar.smallest(a, height - 1) for a in op.args) - grammar.smallest(kind, height - 1)
            if slots and others <= spare:
                options.append((op, slots))
        if not options:
            continue
        op, slots = rng.choice(options)
        slot = rng.choice(slots)
        new: list[Node] = [op]
        left = [int(grammar.smallest(a, height - 1)) for k, a in enumerate(op.args) if k != slot]
        for k, kind_k in enumerate(op.args):
            if k == slot:
                new.extend(tree[i : layout.ends[i]])
                continue
            most = min(spare - sum(left[1:]), left[0] + rng.randrange(6))
            part = generate(grammar, rng, type=kind_k, max_height=height - 1, max_nodes=most)
            spare -= len(part)
            left = left[1:]
            new.extend(part)
        return layout.replace(i, new)
    return None


def jitter(tree: Nodes, grammar: Grammar, limits: Limits, rng: Random) -> list[Node] | None:
    """Changes one constant: mostly by a factor near one, sometimes widely, rarely in sign."""
    places = [i for i, node in enumerate(tree) if isinstance(node, Constant)]
    if not places:
        return None
    i = rng.choice(places)
    draw = rng.random()
    factor = 2.0 ** rng.gauss(0, 0.3 if draw < 0.5 else 1.5)
    value = tree[i].value * factor * (-1 if draw > 0.95 else 1)
    new = list(tree)
    new[i] = constant(rng) if value == 0 or not 1e-12 < abs(value) < 1e12 else Constant(value)
    return new


def crossover(tree: Nodes, donor: Nodes, limits: Limits, rng: Random) -> list[Node] | None:
    """Replaces a random subtree by one of the donor, of the same type and no larger than the room."""
    layout, other = Layout(tree), Layout(donor)
    by_type: dict[type, list[int]] = {}
    for j, node in enumerate(donor):
        by_type.setdefault(node.ret, []).append(j)
    first = layout.pick(rng)
    rest = list(range(len(tree)))
    rng.shuffle(rest)
    for i in [first, *rest]:
        nodes, height = layout.room(i, limits)
        fit = [
            j
            for j in by_type.get(tree[i].ret, ())
            if other.size(j) <= nodes and other.heights[j] <= height and (i or j) and not isinstance(donor[j], Constant)
        ]
        if fit:
            # Inner nodes carry structure, leaves are exchanged by `swap` already.
            inner = [j for j in fit if donor[j].arity]
            j = rng.choice(inner if inner and rng.random() < 0.8 else fit)
            return layout.replace(i, donor[j : other.ends[j]])
    return None


MUTATIONS: dict[str, Mutation] = {
    "subtree": subtree,
    "point": point,
    "swap": swap,
    "hoist": hoist,
    "shrink": shrink,
    "insert": insert,
    "jitter": jitter,
    "negate": negate,
}
#: Operators that take two parents.
CROSSOVER = ("crossover", "combine", "blend")
#: Starting weight of each operator; `Weights` learns from there.
OPERATORS: dict[str, float] = {
    "crossover": 0.25,
    "combine": 0.1,
    "blend": 0.1,
    "subtree": 0.15,
    "point": 0.1,
    "swap": 0.08,
    "hoist": 0.04,
    "shrink": 0.04,
    "insert": 0.08,
    "jitter": 0.05,
    "negate": 0.01,
}


@dataclass(frozen=True)
class Variation:
    """The operators over one grammar and its limits; a pure function of its arguments and the given random stream."""

    grammar: Grammar
    limits: Limits

    def __post_init__(self) -> None:
        if self.grammar.smallest(self.grammar.pset.ret, self.limits.height) > self.limits.nodes:
            raise ConfigError(
                f"No formula has at most {self.limits.nodes} nodes and height {self.limits.height}: the smallest needs "
                f"{self.grammar.min_size[self.grammar.pset.ret]} nodes and height "
                f"{self.grammar.min_height[self.grammar.pset.ret]}. Raise max_nodes or max_height."
            )

    def random(self, rng: Random, nodes: int = 0) -> gp.PrimitiveTree:
        """A random formula within the limits; of at most `nodes` nodes if that is not 0 and any formula is so small."""
        least = self.grammar.smallest(self.grammar.pset.ret, self.limits.height)
        most = min(max(nodes, int(least)), self.limits.nodes) if nodes else self.limits.nodes
        return generate(self.grammar, rng, max_height=self.limits.height, max_nodes=most)

    def vary(self, operator: str, parent: Individual, mate: Individual, rng: Random) -> tuple[gp.PrimitiveTree, str]:
        """A child of `parent` (and `mate`, where the operator takes two) and the operator that made it; never fails.

        An operator that does not apply gives way to `subtree`. The parents must lie within the limits themselves.
        """
        child: list[Node] | None
        if operator == "crossover":
            child = crossover(parent.tree, mate.tree, self.limits, rng)
        elif operator == "combine":
            child = combine(parent.tree, mate.tree, self.grammar, self.limits, rng)
        elif operator == "blend":
            child = blend(parent, mate, self.grammar, self.limits, rng)
        else:
            child = MUTATIONS[operator](parent.tree, self.grammar, self.limits, rng)
        if child is None:
            operator, child = "subtree", subtree(parent.tree, self.grammar, self.limits, rng)
        return (gp.PrimitiveTree(child), operator) if child is not None else (self.random(rng), "random")
