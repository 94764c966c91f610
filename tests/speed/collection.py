"""Collecting statistics against the bare passes of the same networks, and against one forward and backward pass.

Bare passes are those that a look makes, on as many samples (noise with its backward pass, perturbed, all-ones, input
gradient, Jacobian directions, and one forward pass of the whole batch), without hooks, kept tensors or gradients of
activations; `wide backward` are the bare passes that this script counted up to 0.2.0: no pass of the whole batch, but
the others on all of it, also where a look takes only the first 16 samples. Building the network counts on both sides.
CPU seconds of one thread; every figure is the median over the architectures, the ways are timed in turn.

Usage: python tests/speed/collection.py [--space transnas-micro] [--architectures 6] [--samples 32] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch

import gpproxy.primitives  # noqa: F401
import gpproxy.statistics  # noqa: F401  registers the statistics
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.structure import needs
from gpproxy.expressions.text import parse
from gpproxy.search_spaces import SEARCH_SPACES, SearchSpace
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one
from gpproxy.statistics.statistic import STATISTICS
from tests.speed.bare import Bare, cpu

FORMULAS = {
    "forward only": "logdet(sum_layers(agreement))",
    "forward and backward": "sum_layers(spread_channels(gradient))",
}


def ways(space: SearchSpace, code: str, how: Collection, inits: dict[str, Collection]) -> dict[str, Callable]:
    """What is timed for one architecture."""
    bare = Bare(space, code, how)
    return {
        "build": bare.build,
        "describe": lambda: space.describe(space.decode(code)),
        "one forward": bare.forward,
        "one forward + backward": bare.forward_backward,
        "bare passes": bare.every_pass,
        **{f"  {name}": work for name, work in bare.passes().items()},
        "wide backward": bare.wide_backward,
        "all statistics": lambda: collect_one(space, code, how),
        **{name: partial(collect_one, space, code, passes) for name, passes in inits.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", default="transnas-micro")
    for name, default in (("architectures", 6), ("samples", 32), ("repeats", 2), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    torch.set_num_threads(1)
    space, rng = SEARCH_SPACES[given.space](), random.Random(given.seed)
    codes: list[str] = []
    while len(codes) < given.architectures:
        architecture = space.sample(rng)
        if not space.dead(architecture):
            codes.append(space.encode(architecture))
    grammar = Grammar({name: statistic.type for name, statistic in STATISTICS.items()})
    everything = Collection(samples=given.samples, proxies=())
    inits = {name: only_for(parse(text, grammar), given.samples) for name, text in FORMULAS.items()}
    collect_one(space, codes[0], everything)  # what is loaded and compiled once does not count

    seconds: dict[str, list[float]] = {}
    for code in codes:
        timed = ways(space, code, everything, inits)
        for name, value in zip(timed, cpu(list(timed.values()), given.repeats)):
            seconds.setdefault(name, []).append(value)

    middle = {name: statistics.median(times) for name, times in seconds.items()}
    print(f"{len(codes)} architectures of {space.name}, {given.samples} samples; CPU seconds, medians")
    for name, value in middle.items():
        print(f"  {name:24s} {value:7.3f}")

    def against(name: str, *bare: str, less: tuple[str, ...] = ()) -> float:
        rows = zip(*(seconds[n] for n in (name, *bare, *less)))
        ratios = [(row[0] - sum(row[1 + len(bare) :])) / sum(row[1 : 1 + len(bare)]) for row in rows]
        return statistics.median(ratios)

    both, one = ("build", "bare passes"), ("build", "one forward + backward")
    print("ratios, building on both sides, structural descriptors (`describe`) left out / counted:")
    for name, bare, words in (
        ("all statistics", both, "the same passes, bare"),
        ("all statistics", ("build", "wide backward"), "wide backward, as up to 0.2.0"),
        ("all statistics", one, "one bare forward + backward"),
        ("forward and backward", one, "one bare forward + backward"),
        ("forward only", ("build", "one forward"), "one bare forward"),
        ("forward only", one, "one bare forward + backward"),
    ):
        left_out, counted = against(name, *bare, less=("describe",)), against(name, *bare)
        print(f"  {name:22s} / {words:30s} {left_out:5.2f} / {counted:5.2f}")
    for name, text in FORMULAS.items():
        print(f"  {name}: what `{text}` needs")


def only_for(tree, samples: int) -> Collection:  # type: ignore[no-untyped-def]
    """The look that a formula needs."""
    return Collection(samples=samples, statistics=needs(tree), proxies=())


if __name__ == "__main__":
    main()
