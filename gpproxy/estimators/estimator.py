"""What an estimator is: asked for the worth of architectures, it answers with scores and with what they took.

In: codes of a search space. Out: Scored, higher is better, and Work. A search is a strategy and an estimator.
Estimators are small frozen values that travel to the processes that ask them; what they open is kept there.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from gpproxy.execution.task import Stop, never
from gpproxy.proxies.scored import Scored, Value, failed
from gpproxy.proxies.scorer import Work
from gpproxy.proxies.size import Size, Sizer
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.check import make_space

#: Is told what takes a while.
Tell = Callable[[str], None]
#: The settings of a space as pairs, which can be hashed.
Pairs = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Price:
    """What estimates cost, in seconds of one worker.

    Attributes:
        set_up: before the first one: labels and discovery of a proxy, the training of shared weights.
        each: of one architecture.
    """

    set_up: float
    each: float

    def of(self, candidates: int) -> float:
        """Seconds for so many architectures."""
        return self.set_up + self.each * candidates

    def cheaper_from(self, other: Price) -> float:
        """The number of architectures from which this price is the lower one; infinite where it never is.

        >>> Price(100.0, 1.0).cheaper_from(Price(0.0, 5.0))
        25.0
        """
        gap = self.set_up - other.set_up
        if gap <= 0:
            return 0.0 if self.each <= other.each else float("inf") if gap == 0 else 0.0
        return gap / (other.each - self.each) if other.each > self.each else float("inf")


class Estimator(ABC):
    """Tells what architectures are worth. A subclass is a frozen dataclass with the fields `name` and `space`.

    Attributes:
        name: as it was asked for, such as `training:400`.
    """

    name: str

    @property
    def labels(self) -> tuple[str, ...]:
        """A column name per score, each different."""
        return (self.name,)

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return f"the estimator {self.name}"

    def within(self, space: SearchSpace) -> SearchSpace:
        """The part of a space that it can tell something about. By default all of it."""
        return space

    def open(self, tell: Tell) -> None:  # noqa: B027  most need nothing
        """Opens what estimates need, so that what is missing is found before anything begins."""

    def prepare(self, tell: Tell, stop: Stop = never) -> None:  # noqa: B027
        """Does the work that comes before the first estimate, or goes on with it; `open` comes first.

        Args:
            stop: asked now and then; True ends it, with what was done saved, by KeyboardInterrupt.
        """

    @property
    def set_up(self) -> float:
        """Seconds that were spent before the first estimate, in all processes so far."""
        return 0.0

    @abstractmethod
    def score(self, codes: Sequence[str], sizes: Mapping[str, Size]) -> tuple[list[Scored], Work]:
        """The scores of a few codes, in their order, and what they took.

        Args:
            sizes: those that are known already.
        """


def estimate(estimator: Estimator, codes: Sequence[str], sizes: Mapping[str, Size]) -> tuple[list[Scored], Work]:
    """`estimator.score` as a task; runs in a worker."""
    return estimator.score(codes, sizes)


def left_out(task: tuple[Estimator, Sequence[str], Mapping[str, Size]], why: str) -> tuple[list[Scored], Work]:
    """What stands for the result of an `estimate` that has killed its process on a cluster again and again."""
    estimator, codes, sizes = task
    values = [failed(f"its estimate {why}")] * len(estimator.labels)
    found = []
    for code in codes:
        size = sizes.get(code, Size(math.nan, math.nan))
        found.append(replace(Scored.of(code, values), params=size.params, macs=size.macs))
    return found, Work()


def one_by_one(
    name: str,
    settings: Pairs,
    codes: Sequence[str],
    sizes: Mapping[str, Size],
    value: Callable[[str, Work], Value | list[Value]],
) -> tuple[list[Scored], Work]:
    """Scores of codes that are estimated one after the other, with their sizes, and what they took.

    Args:
        name, settings: of the space.
        value: of a code, one or one per label; adds to the Work what it took beside time.
    """
    space, sizer = opened(name, settings)
    found, work, start = [], Work(), time.perf_counter()
    for code in codes:
        values = value(code, work)
        one = Scored.of(code, values if isinstance(values, list) else [values])
        size = sizes.get(code) or sizer(space.decode(code))
        found.append(replace(one, params=size.params, macs=size.macs))
    work.seconds = time.perf_counter() - start
    return found, work


@lru_cache(maxsize=2)
def opened(name: str, settings: Pairs) -> tuple[SearchSpace, Sizer]:
    """A space and what tells the sizes in it."""
    space = make_space(name, dict(settings))
    return space, Sizer(space)
