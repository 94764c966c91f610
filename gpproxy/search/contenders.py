"""Who is trained after a search, and what came out: the proxy's best, random ones within the same limits, named ones.

In: a ranking, and the measured quality of finished trainings. Out: candidates, and a table with intervals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from gpproxy.errors import ConfigError
from gpproxy.proxies.size import Size
from gpproxy.search.limits import Limits
from gpproxy.search.settings import PROXY
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.space import Architecture
from gpproxy.seeds import python_random

#: The group that a search makes itself, beside that of its estimator.
RANDOM = "random"
#: Draws per random candidate after which its limits count as too tight.
DRAWS = 20_000


@dataclass(frozen=True)
class Candidate:
    """One architecture to train, and why: group `proxy` (or another estimator), `random`, or the name that it was asked
    for by."""

    group: str
    code: str


@dataclass(frozen=True)
class Trained:
    """One finished training.

    Attributes:
        code, seed: what was trained.
        value: the distance of its best check, lower is better; NaN when it collapsed before any.
        verdict: `finished`, or why it ended early.
        seconds: that it took.
        steps: generator updates.
    """

    code: str
    seed: int
    value: float
    verdict: str
    seconds: float
    steps: int


@dataclass(frozen=True)
class Line:
    """One line of the table, in units of the measure, lower is better.

    Attributes:
        group: who.
        code: its architecture; empty for the mean of a group.
        architectures, trainings, collapsed: how many.
        mean, low, high: mean with 95 % interval, NaN bounds for a single value.
        params, macs: of the architecture, NaN for a group.
    """

    group: str
    code: str
    architectures: int
    trainings: int
    collapsed: int
    mean: float
    low: float
    high: float
    params: float = math.nan
    macs: float = math.nan


def parse_compare(text: str) -> tuple[int, list[str]]:
    """Number of random candidates and the names of others, from `random:5,autogan-a`. Raises ConfigError."""
    count, named = 0, []
    for part in (piece.strip() for piece in text.split(",")):
        head, sign, tail = part.partition(":")
        if head == RANDOM and (not sign or not tail.isdigit() or not int(tail)):
            raise ConfigError(f"compare takes random:NUMBER, such as random:5, but got '{part}'.")
        if head == RANDOM:
            count += int(tail)
        elif part:
            named.append(part)
    return count, named


def candidates(
    space: SearchSpace,
    best: Sequence[str],
    compare: str,
    named: Callable[[str], str],
    admits: Callable[[Architecture], bool],
    seed: int,
    group: str = PROXY,
) -> list[Candidate]:
    """The best codes, then random ones, then named ones; no two random ones are functionally identical.

    Args:
        named: the code of a name.
        admits: whether an architecture is within the limits of the search.
        group: what chose the best.

    Raises ConfigError when hardly any random architecture is.
    """
    count, names = parse_compare(compare)
    found = [Candidate(group, code) for code in best]
    rng = python_random("compare", seed)
    taken: set[object] = set()
    draws = 0
    while len(taken) < count:
        draws += 1
        if draws > DRAWS * count:
            raise ConfigError(f"compare=random:{count}: only {len(taken)} random architectures within the limits.")
        architecture = space.sample(rng)
        key = space.canonical(architecture)
        if key not in taken and not space.dead(architecture) and admits(architecture):
            taken.add(key)
            found.append(Candidate(RANDOM, space.encode(architecture)))
    return found + [Candidate(name, named(name)) for name in names]


def within(limits: Limits, size: Callable[[Architecture], Size], time: Callable[[Architecture], float]):  # type: ignore[no-untyped-def]
    """Whether an architecture is within limits; `time` measures its latency, asked only where that has a limit."""
    return lambda a: limits.admits(size(a)) and (not limits.latency or time(a) <= limits.latency)


def table(who: Sequence[Candidate], trained: Sequence[Trained], size: Callable[[str], Size]) -> list[Line]:
    """A line per candidate, and one per group of several: groups in order, each best first.

    A training that collapsed without a value counts as the worst of all that were measured. The interval of an
    architecture is over its trainings, that of a group over its architectures (Student, 1908).
    """
    known = [one.value for one in trained if math.isfinite(one.value)]
    worst = max(known, default=math.nan)
    values: dict[str, list[float]] = {}
    collapsed: dict[str, int] = {}
    for one in trained:
        values.setdefault(one.code, []).append(one.value if math.isfinite(one.value) else worst)
        collapsed[one.code] = collapsed.get(one.code, 0) + (one.verdict != "finished")
    lines: list[Line] = []
    for group in dict.fromkeys(one.group for one in who):
        codes = [one.code for one in who if one.group == group and one.code in values]
        own = []
        for code in dict.fromkeys(codes):
            mean, low, high = interval(values[code])
            row = (1, len(values[code]), collapsed[code], mean, low, high)
            own.append(Line(group, code, *row, *size(code)))
        own.sort(key=lambda line: line.mean)
        if len(own) > 1:
            mean, low, high = interval([line.mean for line in own])
            totals = sum(line.trainings for line in own), sum(line.collapsed for line in own)
            lines.append(Line(group, "", len(own), *totals, mean, low, high))
        lines += own
    return lines


def bounded(value: float, low: float, high: float) -> str:
    """`8.5 [6, 11]`, or the value alone where it has no interval."""
    return f"{value:.4g}" if math.isnan(low) else f"{value:.4g} [{low:.4g}, {high:.4g}]"


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean with its 95 % interval by Student's t; NaN bounds for a single value."""
    mean = float(np.mean(values)) if len(values) else math.nan
    if len(values) < 2:
        return mean, math.nan, math.nan
    half = float(student.ppf(0.975, len(values) - 1)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def difference(lines: Sequence[Line], group: str, other: str) -> tuple[float, float, float]:
    """Mean of the architectures of `group` less that of `other`, with its 95 % interval (Welch, 1947); below zero is
    better. NaN bounds where a group has a single architecture."""
    first, second = ([line.mean for line in lines if line.group == g and line.code] for g in (group, other))
    return gap(first, second)


def gap(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """The mean of `first` less that of `second`, with its 95 % interval (Welch, 1947); NaN bounds where one of them is
    a single value."""
    middle = (float(np.mean(first)) if len(first) else math.nan) - (float(np.mean(second)) if len(second) else math.nan)
    if min(len(first), len(second)) < 2:
        return middle, math.nan, math.nan
    parts = [float(np.var(v, ddof=1)) / len(v) for v in (first, second)]
    if not sum(parts):
        return middle, middle, middle
    freedom = sum(parts) ** 2 / sum(p**2 / (len(v) - 1) for p, v in zip(parts, (first, second)))
    half = float(student.ppf(0.975, freedom)) * math.sqrt(sum(parts))
    return middle, middle - half, middle + half
