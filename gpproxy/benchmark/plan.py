"""Which architectures of a space are trained: some spread evenly over its operations, some drawn uniformly.

In: a space, numbers and a seed. Out: codes. Of the spread ones every value of every gene comes up about equally often,
and so does every pair of values of two genes: few of them tell most. The uniform ones are what a search meets. A longer
plan begins with the shorter one, so a table can always be grown. No two are functionally identical.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence

from gpproxy.errors import ConfigError
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.autogan import AutoGAN
from gpproxy.search_spaces.space import Architecture
from gpproxy.seeds import python_random

#: Architectures that every table of a space begins with.
FIRST: dict[str, tuple[Architecture, ...]] = {"autogan": tuple(AutoGAN.published.values())}
#: Candidates among which each next architecture is chosen.
CANDIDATES = 256
#: Spaces up to this size are searched whole.
SMALL = 4096
#: Random architectures from which the number of values of each gene is read off, and after which, when none of them is
#: new, a space counts as used up.
DRAWS = 2000


def plan(space: SearchSpace, count: int, seed: int = 0, uniform: int = 0) -> list[str]:
    """The codes of `count` architectures: the published ones of the space, spread ones, and `uniform` of them last.

    Raises ConfigError when the space has fewer different ones.
    """
    chosen = list(itertools.islice(_spread(space, seed), count - uniform))
    chosen += itertools.islice(_uniform(space, seed, {space.canonical(one) for one in chosen}), count - len(chosen))
    found = [space.encode(architecture) for architecture in chosen]
    if len(found) < count:
        raise ConfigError(
            f"size={count} is more than the {len(found)} functionally different architectures of {space.name} "
            "that a plan finds. Choose fewer."
        )
    return found


def retested(codes: Sequence[str], uniform: int, count: int) -> list[str]:
    """The `count` architectures of a plan that are trained once more: the first of either kind, as many of both."""
    spread, drawn = codes[: len(codes) - uniform], codes[len(codes) - uniform :]
    few = max(count // 2, count - len(spread))
    return [*spread[: count - min(few, len(drawn))], *drawn[:few]]


def _spread(space: SearchSpace, seed: int) -> Iterator[Architecture]:
    """Architectures without end, or until the space has no new one."""
    rng = python_random("plan", space.name, seed)
    balance = _Balance(_values(space))
    taken: set[object] = set()
    for architecture in FIRST.get(space.name, ()):
        taken.add(space.canonical(architecture))
        balance.add(architecture)
        yield architecture
    while candidates := _candidates(space, rng, taken):
        chosen = min(candidates, key=balance.cost)  # the first of equal ones, so ties fall at random
        taken.add(space.canonical(chosen))
        balance.add(chosen)
        yield chosen


def _uniform(space: SearchSpace, seed: int, taken: set[object]) -> Iterator[Architecture]:
    """Architectures drawn with equal chances, those that are functionally new, until there are hardly any."""
    rng = python_random("uniform", space.name, seed)
    missed = 0
    while missed < DRAWS:
        architecture = space.sample(rng)
        kind = space.canonical(architecture)
        missed = missed + 1 if kind in taken else 0
        if not missed:
            taken.add(kind)
            yield architecture


def _candidates(space: SearchSpace, rng: random.Random, taken: set[object]) -> list[Architecture]:
    """Random architectures that are functionally new, all of them where the space is small."""
    if space.count() <= SMALL:
        new = [a for a in space.enumerate() if space.canonical(a) not in taken]
        rng.shuffle(new)
        return new
    drawn = [space.sample(rng) for _ in range(CANDIDATES)]
    return [a for a in drawn if space.canonical(a) not in taken]


def _values(space: SearchSpace) -> list[int]:
    """How many values each gene takes."""
    rng = python_random("values", space.name)
    every = space.enumerate() if space.count() <= SMALL else (space.sample(rng) for _ in range(DRAWS))
    seen: list[set[int]] = []
    for architecture in every:
        seen += [set() for _ in range(len(architecture) - len(seen))]
        for gene, value in zip(seen, architecture):
            gene.add(value)
    return [len(gene) for gene in seen]


class _Balance:
    """How often each value and each pair of values was taken.

    The cost of an architecture is by how much it would raise the sums of squares of these counts, which are smallest
    when all are equal.
    """

    def __init__(self, values: Sequence[int]):
        self._sizes = values
        self._pairs = len(values) * (len(values) - 1) / 2 or 1.0
        self._single: Counter[tuple[int, int]] = Counter()
        self._double: Counter[tuple[int, int, int, int]] = Counter()

    def add(self, architecture: Architecture) -> None:
        for i, value in enumerate(architecture):
            self._single[i, value] += 1
            for j in range(i):
                self._double[j, architecture[j], i, value] += 1

    def cost(self, architecture: Architecture) -> float:
        single = pairs = 0.0
        for i, value in enumerate(architecture):
            single += self._sizes[i] * self._single[i, value]
            for j in range(i):
                pairs += self._sizes[j] * self._sizes[i] * self._double[j, architecture[j], i, value]
        return single / max(len(architecture), 1) + pairs / self._pairs
