"""Many random trees and many variations of them: no failure, no ill-typed tree, no shared or changed parent.

Checks of every tree: types, size, height, exact round trip through text. Checks of every variation: the child is a list
of its own, and its parents hold the same nodes as before.

Usage: python tests/speed/stress_trees.py [--trees 100000] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from deap import gp

import gpproxy.primitives  # noqa: F401
from gpproxy.evolution.individual import Individual, Score
from gpproxy.evolution.settings import Limits
from gpproxy.evolution.variation import OPERATORS, Variation
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.rewriting.rewrite import rewrite
from gpproxy.expressions.structure import key
from gpproxy.expressions.text import parse, to_text
from gpproxy.primitives.types import Scalar
from tests.toy import toy_table
from tests.trees import check

NODES, HEIGHT = 25, 8


def examine(tree: gp.PrimitiveTree, grammar: Grammar) -> None:
    check(tree)
    assert tree.root.ret is Scalar and len(tree) <= NODES and tree.height <= HEIGHT, to_text(tree)
    assert list(parse(to_text(tree), grammar)) == list(tree), to_text(tree)


def individual(tree: gp.PrimitiveTree) -> Individual:
    return Individual(tree, key(tree).hex(), len(tree), 0.0, Score(0.0, (), (), (), 1.0, "", None), "random")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trees", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    grammar, rng = Grammar.for_table(toy_table()), random.Random(given.seed)
    clock = time.process_time()
    trees = [generate(grammar, rng, max_height=HEIGHT, max_nodes=NODES) for _ in range(given.trees)]
    made = time.process_time() - clock
    for tree in trees:
        examine(tree, grammar)
    distinct = len({key(tree) for tree in trees})
    print(f"{given.trees} random trees: 0 failures, {distinct} distinct, {made / given.trees * 1e6:.0f} us each")
    assert len({id(tree) for tree in trees}) == len(trees)

    variation = Variation(grammar, Limits(NODES, HEIGHT))
    pool = [individual(tree) for tree in trees[:2000]]
    spent, used, seen = 0.0, Counter[str](), {id(one.tree) for one in pool}
    for _ in range(given.trees):
        parent, mate = rng.choice(pool), rng.choice(pool)
        before = list(parent.tree), list(mate.tree)
        operator = rng.choices(list(OPERATORS), list(OPERATORS.values()))[0]
        clock = time.process_time()
        child, name = variation.vary(operator, parent, mate, rng)
        spent += time.process_time() - clock
        used[name] += 1
        examine(child, grammar)
        assert all(
            a is b for kept, now in zip(before, (parent.tree, mate.tree)) for a, b in zip(kept, now, strict=True)
        )
        assert id(child) not in seen
        simple = rewrite(child, grammar)
        examine(simple, grammar)
        assert len(simple) <= len(child)
        place = rng.randrange(len(pool))
        seen.discard(id(pool[place].tree))
        pool[place] = individual(child)
        seen.add(id(child))
    print(f"{given.trees} variations: 0 failures, {spent / given.trees * 1e6:.0f} us each; {dict(used.most_common())}")


if __name__ == "__main__":
    main()
