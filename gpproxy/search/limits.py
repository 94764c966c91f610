"""Limits on size and speed: what an architecture may have, and what the smallest one has when none may pass."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from gpproxy.errors import ConfigError
from gpproxy.proxies.size import Size
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.space import Architecture
from gpproxy.seeds import python_random

#: Spaces up to this many architectures are gone through for their smallest one; in larger ones it is searched for.
LISTED = 5000
#: Starts of that search, and steps without a smaller neighbour after which one ends.
STARTS, PATIENCE = 8, 120

#: What the limits are called on the command line, and what they are called in a sentence.
FLAGS = {"params": "--max-params", "macs": "--max-macs", "latency": "--max-latency-ms"}


@dataclass(frozen=True)
class Limits:
    """Largest values that pass; 0 for no limit. A value equal to its limit passes.

    Attributes:
        params: parameters.
        macs: multiply-accumulates for one image.
        latency: milliseconds for one image.
    """

    params: float = 0.0
    macs: float = 0.0
    latency: float = 0.0

    @property
    def on_size(self) -> bool:
        """Whether the size has a limit, which is known without building a network."""
        return self.params > 0 or self.macs > 0

    def admits(self, size: Size) -> bool:
        return (not self.params or size.params <= self.params) and (not self.macs or size.macs <= self.macs)

    def __str__(self) -> str:
        given = {FLAGS[name]: value for name, value in vars(self).items() if value}
        return ", ".join(f"{flag} {value:,.6g}" for flag, value in given.items()) or "no limit"


def smallest(
    space: SearchSpace, size: Callable[[Architecture], Size], quantity: str, seed: int = 0
) -> tuple[Architecture, Size]:
    """The architecture with the least `params` or `macs`, and its size.

    A small space is gone through; in a large one, mutations that do not enlarge are followed from several starts.
    """
    if space.count() <= LISTED:
        return min(((a, size(a)) for a in space.enumerate()), key=lambda pair: getattr(pair[1], quantity))
    rng = python_random("smallest", seed)
    starts = [space.sample(rng) for _ in range(STARTS)]
    return min((_descend(space, size, quantity, start, rng) for start in starts), key=lambda p: getattr(p[1], quantity))


def _descend(
    space: SearchSpace,
    size: Callable[[Architecture], Size],
    quantity: str,
    start: Architecture,
    rng: random.Random,
) -> tuple[Architecture, Size]:
    best, least, idle = start, size(start), 0
    while idle < PATIENCE:
        other = space.mutate(best, rng)
        found = size(other)
        smaller = getattr(found, quantity) < getattr(least, quantity)
        idle = 0 if smaller else idle + 1
        if getattr(found, quantity) <= getattr(least, quantity):
            best, least = other, found
    return best, least


def impossible(space: SearchSpace, size: Callable[[Architecture], Size], limits: Limits) -> ConfigError | None:
    """What to tell when no architecture passes the limits on size; None when one is known to pass."""
    told, passing = [], False
    for name in ("params", "macs"):
        limit = getattr(limits, name)
        if not limit:
            continue
        architecture, least = smallest(space, size, name)
        passing = passing or limits.admits(least)
        code = space.encode(architecture)
        what = f"{code} with {least.params:,.0f} params and {least.macs:,.0f} MACs"
        if getattr(least, name) > limit:
            article = "all" if space.count() <= LISTED else "all found"
            told.append(
                f"{FLAGS[name]} {limit:,.6g} excludes every architecture of {space.name}: the smallest of {article} is "
                f"{what}. Allow at least {getattr(least, name):,.0f}."
            )
        else:
            told.append(f"The smallest by {name} is {what}.")
    if passing:
        return None
    head = "" if any("excludes" in line for line in told) else f"No architecture of {space.name} within {limits}. "
    return ConfigError(head + " ".join(told))
