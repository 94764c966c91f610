"""Evaluating a population: one shared graph against `gp.compile` and a loop over architectures and layers.

A population evolves by tournaments and the project's own variation on a made-up table of realistic size (maps as the
collection cuts them); some generations are timed both ways, in CPU seconds, side by side. The plain way is timed on a
random part of the population. "cold" starts each time from nothing, "warm" keeps values from generation to generation.

Usage: python tests/speed/population_evaluation.py [--architectures 100] [--layers 16] [--population 300] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from deap import gp
from scipy.stats import rankdata

import gpproxy.primitives  # noqa: F401
from gpproxy.evolution.individual import Individual, Score
from gpproxy.evolution.settings import Limits
from gpproxy.evolution.variation import OPERATORS, Variation
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.evaluation.graph import Graph
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.structure import key
from gpproxy.expressions.text import parse
from tests.naive import Invalid, Naive
from tests.toy import toy_table

#: What the made-up networks were "measured" by.
HIDDEN = "sum_layers(spread_channels(gradient)) + mean_layers(rms(activation)) * mean_late(decodability)"
SHAPES = ((16, 4, 4), (16, 4, 4), (16, 2, 2), (16, 4, 4), (16, 4, 4), (8, 4, 4))


def individual(tree: gp.PrimitiveTree) -> Individual:
    return Individual(tree, key(tree).hex(), len(tree), 0.0, Score(0.0, (), (), (), 1.0, "", None), "random")


def fitness(values: torch.Tensor, wanted: torch.Tensor) -> list[float]:
    """|Spearman| per row, -1 for invalid rows."""
    ranks = torch.tensor(rankdata(values.numpy(), axis=1))
    centred = ranks - ranks.mean(1, keepdim=True)
    found = (centred @ wanted).abs() / (centred.norm(dim=1) * wanted.norm())
    return found.nan_to_num(-1.0).tolist()


def cpu(work: Callable[..., Any], *arguments: object) -> tuple[float, Any]:
    """CPU seconds of a call, and its result."""
    start = time.process_time()
    result = work(*arguments)
    return time.process_time() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (
        ("architectures", 100),
        ("layers", 16),
        ("population", 300),
        ("generations", 25),
        ("seed", 0),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--naive", type=int, default=12, help="trees timed the plain way per generation")
    given = parser.parse_args()
    torch.set_num_threads(1)
    table = toy_table(given.architectures, given.layers, given.seed, samples=8, shapes=SHAPES)
    grammar, naive = Grammar.for_table(table), Naive(table)
    rng, limits = random.Random(given.seed), Limits(25, 8)
    variation = Variation(grammar, limits)
    warm = Evaluator(table)
    quality = torch.tensor(rankdata(warm.scores([parse(HIDDEN, grammar)]).values[0]))
    quality -= quality.mean()
    population = [variation.random(rng) for _ in range(given.population)]
    print(f"table {table.bytes / 2**20:.0f} MB, {given.architectures} architectures, population {given.population}")
    print("generation  mean nodes  unique subtrees   ms per tree: plain    cold    warm   speed-up: cold   warm   best")
    for generation in range(given.generations + 1):
        hot, values = cpu(warm.scores, population)
        timed = fitness(values.values, quality)
        if generation % 5 == 0:
            graph = Graph(population)
            share = len(graph) / sum(map(len, population))
            cold = cpu(Evaluator(table).scores, population)[0] / len(population)
            part = rng.sample(population, min(given.naive, len(population)))
            plain = sum(cpu(naive_scores, naive, tree)[0] for tree in part) / len(part)
            hot /= len(population)
            print(
                f"{generation:10d}  {sum(map(len, population)) / len(population):10.1f}  {share:15.0%}"
                f"  {plain * 1e3:18.1f} {cold * 1e3:7.2f} {hot * 1e3:7.2f}"
                f"  {plain / cold:15.1f} {plain / hot:6.1f}  {max(timed):5.3f}"
            )
        ranked = [individual(population[i]) for i in sorted(range(len(population)), key=lambda i: -timed[i])]
        children = [one.tree for one in ranked[:8]]
        while len(children) < len(population):
            parents = [ranked[min(rng.randrange(len(ranked)) for _ in range(4))] for _ in range(2)]
            operator = rng.choices(list(OPERATORS), list(OPERATORS.values()))[0]
            children.append(variation.vary(operator, parents[0], parents[1], rng)[0])
        population = children


def naive_scores(naive: Naive, tree: gp.PrimitiveTree) -> None:
    try:
        naive.scores(tree)
    except Invalid:
        pass


if __name__ == "__main__":
    main()
