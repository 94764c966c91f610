"""From scores to a ranking: one proxy by its score, several by the mean of their ranks; and the front against cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import rankdata

from gpproxy.proxies.scored import Scored
from gpproxy.search.store import Store

#: Candidates among which the best so far are looked for while a search goes on.
LEADING = 1000


def combined(scores: np.ndarray) -> np.ndarray:
    """One number per candidate, higher is better: `proxy x candidate` -> `candidate`.

    A single proxy keeps its scores; several have the `mean_rank`.
    """
    return scores[0].copy() if len(scores) == 1 else mean_rank(scores)


def mean_rank(scores: Iterable[np.ndarray]) -> np.ndarray:
    """The mean of ranks from 0 (worst) to 1 (best), ties at the mean of their places; `candidate`.

    A candidate without a value in one proxy is the worst of that one. NaN where all lack a value, -inf for a dead
    network.

    Args:
        scores: of one proxy after the other, `candidate` each; one at a time is held.
    """
    total: np.ndarray | None = None
    dead = unknown = np.zeros(0, dtype=bool)
    count = 0
    for column in scores:
        missing = np.isnan(column)
        ranks = (rankdata(np.where(missing, -np.inf, column)) - 1) / max(len(column) - 1, 1)
        if total is None:
            total, dead, unknown = ranks, column == -np.inf, missing
        else:
            total += ranks
            dead |= column == -np.inf
            unknown &= missing
        count += 1
    assert total is not None, "there are no proxies"
    total /= count
    total[dead] = -np.inf
    total[unknown] = np.nan
    return total


def order(candidates: Sequence[Scored], count: int = 0) -> list[tuple[Scored, float]]:
    """Candidates from best to worst with the combined score of each; those of a whole search are ordered by `rank`.

    Equal scores go by fewer MACs, then by code. Dead networks come after all live ones, candidates without a value
    last.

    Args:
        count: how many of the best are asked for; 0 for all.
    """
    if not candidates:
        return []
    value = combined(np.array([one.scores for one in candidates]).T).tolist()

    def place(i: int) -> tuple[float, bool, float, str]:
        missing = math.isnan(value[i])
        return (math.inf if missing else -value[i], missing, candidates[i].macs, candidates[i].code)

    return [(candidates[i], value[i]) for i in sorted(range(len(value)), key=place)[: count or None]]


def rank(store: Store) -> None:
    """Makes the ranking of a search, in the order of `order`.

    By the scores of a single proxy the disk sorts. Mean ranks need all scores at once: an array of 8 bytes a candidate
    and what sorting it takes, one proxy at a time.
    """
    if store.proxies == 1:
        store.rank()
        return
    count = store.count - store.slow
    store.rank(map(float, mean_rank(np.fromiter(store.scores(i), float, count) for i in range(store.proxies))))


class Leaders:
    """The best candidates so far. Several proxies rank them among themselves, which need not be their order among all.

    At most twice `LEADING` are held.
    """

    def __init__(self, candidates: Iterable[Scored] = ()):
        self._held: list[Scored] = []
        for one in candidates:
            self.add(one)

    def add(self, one: Scored) -> None:
        self._held.append(one)
        if len(self._held) >= 2 * LEADING:
            self._held = [held for held, _ in self.best(LEADING)]

    def best(self, count: int) -> list[tuple[Scored, float]]:
        """The best with their combined scores."""
        return order(self._held, count)


class Front:
    """What no other point beats in score and cost together, out of points that come from the best score down.

    Of points with equal scores the cheapest stays, and of equal ones the first.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[float, float]] = []

    def add(self, cost: float, score: float) -> None:
        """The next point, both finite."""
        if self._kept and cost >= self._kept[-1][0]:
            return
        if self._kept and score == self._kept[-1][1]:
            self._kept.pop()
        self._kept.append((cost, score))

    @property
    def points(self) -> list[tuple[float, float]]:
        """Cost and score, from cheap to dear."""
        return self._kept[::-1]


def beyond(drawn: Sequence[float], best: float) -> float:
    """How far the best combined score lies above those of random candidates.

    In deviations from their median, estimated from the quartiles; 0 where fewer than 8 have a finite score or they are
    all alike. Three is what the best of some hundred normal scores has; a mean rank never has more than a few.

    Args:
        drawn: combined scores of candidates that were drawn at random.
        best: the highest finite one of all.
    """
    finite = [value for value in drawn if math.isfinite(value)]
    if len(finite) < 8:
        return 0.0
    low, middle, high = np.quantile(finite, (0.25, 0.5, 0.75))
    return float((best - middle) / ((high - low) / 1.349)) if high > low else 0.0
