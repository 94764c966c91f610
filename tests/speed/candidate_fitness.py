"""One candidate's fitness on 100 architectures: from the table, against fresh networks as the Auto-GAS code does it.

The published code builds each network anew for each candidate, passes a batch through it with hooks on its rectifiers,
and reduces a Hamming kernel. Here the same is done for a few architectures, with the forward and the backward pass that
its gradient programs take, and scaled up. In its favour, its images of 256 pixels and its three calls are left out.

From the table a candidate is timed alone, by an evaluator that has seen nothing yet, in a population of 200 random
formulas, and in a search; ranking against the measured quality is part of it. Collecting the table is not: that happens
once per benchmark (`tests/speed/collection.py`). CPU seconds of one thread, both ways in one run.

Takes the transnas-micro table where its data and statistics are there; else a made-up table of the same size, and
random architectures of the same space for the fresh networks.

Usage: python tests/speed/candidate_fitness.py [--architectures 100] [--fresh 6] [--population 200] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from deap import gp
from torch import Tensor, nn

import gpproxy.primitives  # noqa: F401
import gpproxy.statistics  # noqa: F401  registers the statistics
from gpproxy.benchmarks.registry import load
from gpproxy.errors import GPProxyError
from gpproxy.evolution.loop import evolve
from gpproxy.evolution.problem import Case, Problem
from gpproxy.evolution.settings import EvolutionSettings
from gpproxy.evolution.target import Target
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse
from gpproxy.search_spaces import SEARCH_SPACES, SearchSpace
from gpproxy.seeds import seeded
from gpproxy.statistics import cache
from gpproxy.statistics.collect import collect
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.table import StatisticsTable
from tests.toy import toy_table

NAME = "transnas-micro"
HOW = Collection(proxies=())
#: Shapes of the cut maps in the made-up table.
SHAPES = ((16, 4, 4), (16, 4, 4), (16, 2, 2), (16, 4, 4), (16, 4, 4), (8, 4, 4))
CANDIDATES = (
    "sum_layers(spread_channels(gradient))",
    "logdet(sum_layers(agreement))",
    "mean_layers(effective_rank(correlation_channels(activation))) + last_layer(rms(gradient))",
    "sum_layers(norm1(weight * weight_gradient)) / total_params",
    "mean_layers(cosine(activation, perturbed)) * slope_layers(log(std(preactivation)))",
)


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of a call, and its result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def real_table(count: int, rng: random.Random) -> tuple[StatisticsTable, Tensor] | None:
    """Cached statistics and quality of live architectures of the benchmark; None where there are too few."""
    try:
        benchmark = load(NAME)
    except GPProxyError:
        return None
    space = SEARCH_SPACES[NAME]()
    codes = [code for code in benchmark.architectures if not space.dead(space.decode(code))]
    files = (cache.folder() / cache.file_name(space, asdict(space.settings), code, HOW) for code in codes)
    codes = [code for code, file in zip(codes, files) if file.is_file()]
    if len(codes) < count:
        return None
    codes = sorted(rng.sample(codes, count))
    return collect(space, codes, HOW)[0], benchmark.select(codes).quality


def fresh(space: SearchSpace, code: str, samples: int) -> float:
    """A candidate's score of one architecture as published: build, hook, forward, backward, kernel, reduce."""
    network = space.build(space.decode(code), seeded(space.name, code, 0, "weights"))
    batch = space.batch(samples, seeded(space.name, 0, "inputs"))
    kernel = torch.zeros(samples, samples)

    def accumulate(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        bits = (given[0].detach() > 0).flatten(1).float()
        kernel.add_(bits @ bits.T + (1 - bits) @ (1 - bits).T)

    for module in network.modules():
        if isinstance(module, (nn.ReLU, nn.LeakyReLU)):
            module.register_forward_hook(accumulate)
    space.loss(batch.call(network), batch).backward()
    return float(torch.linalg.slogdet(kernel).logabsdet)


def population(grammar: Grammar, table: StatisticsTable, count: int, rng: random.Random) -> list[gp.PrimitiveTree]:
    """Different random formulas with a value."""
    found: dict[str, gp.PrimitiveTree] = {}
    evaluator = Evaluator(table)
    while len(found) < count:
        trees = [generate(grammar, rng, max_height=8, max_nodes=25) for _ in range(count)]
        reasons = evaluator.scores(trees).reasons
        found |= {str(tree): tree for tree, reason in zip(trees, reasons) if reason is None}
    return list(found.values())[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("architectures", 100), ("fresh", 6), ("population", 200), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rng, space = random.Random(given.seed), SEARCH_SPACES[NAME]()
    found = real_table(given.architectures, rng)
    if found:
        table, quality = found
        origin = f"cached statistics of {len(table)} measured architectures of {NAME}"
    else:
        table = toy_table(given.architectures, 40, given.seed, samples=8, shapes=SHAPES)
        quality = torch.rand(len(table), generator=torch.Generator().manual_seed(given.seed), dtype=torch.float64)
        origin = f"a made-up table of {len(table)} architectures (the data or statistics of {NAME} are not there)"
    print(f"{origin}: {table.layers} layers at most, {table.bytes / 2**20:.0f} MB")

    architectures = list(table.architectures)
    if not found:
        drawn = [space.sample(rng) for _ in range(10 * given.fresh)]
        architectures = [space.encode(a) for a in drawn if not space.dead(a)]
    sample = rng.sample(architectures, given.fresh)
    fresh(space, sample[0], HOW.samples)  # what is loaded once does not count
    slow = [cpu(partial(fresh, space, code, HOW.samples))[0] for code in sample]
    whole = statistics.mean(slow) * len(table)
    print(
        f"fresh networks: {statistics.mean(slow):.3f} s per architecture (mean of {len(slow)}: "
        f"{min(slow):.2f} to {max(slow):.2f}), scaled to {len(table)} architectures: {whole:.1f} s"
    )

    grammar, target = Grammar.for_table(table), Target(quality)
    trees = population(grammar, table, given.population, rng)

    def fitness(formulas: list[gp.PrimitiveTree]) -> Tensor:
        scores = Evaluator(table).scores(formulas)
        return target.fitness(scores.values, scores.reasons).quality

    def show(what: str, seconds: float) -> None:
        print(f"  {what:58s} {seconds * 1e3:9.2f} ms   {whole / seconds:10,.0f} times faster")

    fitness(trees[:1])
    print("one candidate's fitness from the table:")
    if found:
        for text in CANDIDATES:
            one = partial(fitness, [parse(text, grammar)])
            show(text if len(text) < 58 else text[:54] + " ...", min(cpu(one)[0] for _ in range(3)))
    alone = [cpu(partial(fitness, [tree]))[0] for tree in trees]
    nodes = statistics.mean(map(len, trees))
    show(f"{len(alone)} random formulas, each alone and cold: median", statistics.median(alone))
    show(f"{len(alone)} random formulas, each alone and cold: mean", statistics.mean(alone))
    together = cpu(partial(fitness, trees))[0] / len(trees)
    show(f"the same in one population, cold ({nodes:.0f} nodes on average)", together)

    problem = Problem((Case(NAME, Evaluator(table), target),), grammar)
    generations = evolve(problem, EvolutionSettings(given.seed, given.population, generations=10, initial_factor=1))
    spent, evaluated, before = 0.0, 0, 0
    for _ in range(11):
        seconds, generation = cpu(partial(next, generations))
        if generation.index > 4:
            spent += seconds
            evaluated += generation.evaluated - before
        before = generation.evaluated
    show(f"population {given.population}, generations 5 to 10 of a search, all costs", spent / evaluated)


if __name__ == "__main__":
    main()
