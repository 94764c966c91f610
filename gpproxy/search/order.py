"""From scores to a ranking: one proxy by its score, several by the mean of their ranks; and the front against cost."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from gpproxy.proxies.scored import ScoredList
from gpproxy.ranking.pareto import undominated


def combined(scores: np.ndarray) -> np.ndarray:
    """One number per candidate, higher is better: `proxy x candidate` -> `candidate`.

    A single proxy keeps its scores. Of several, the mean of their ranks, from 0 (worst) to 1 (best), ties at the mean
    of their places; a candidate without a value in one of them is the worst of that one. NaN where all lack a value,
    -inf for a dead network.
    """
    if len(scores) == 1:
        return scores[0].copy()
    lowest = np.where(np.isnan(scores), -np.inf, scores)
    ranks = (rankdata(lowest, axis=1) - 1) / max(scores.shape[1] - 1, 1)
    mean = ranks.mean(0)
    mean[(scores == -np.inf).any(0)] = -np.inf
    mean[np.isnan(scores).all(0)] = np.nan
    return mean


def order(seen: ScoredList, count: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the candidates from best to worst, and the combined score of each candidate.

    Equal scores go by fewer MACs, then by code. Dead networks come after all live ones, candidates without a value
    last.

    Args:
        count: how many of the best are asked for; 0 for all.
    """
    if not len(seen):
        return np.zeros(0, dtype=int), np.zeros(0)
    value = combined(seen.scores)
    key = np.where(np.isnan(value), -np.inf, value)
    chosen = np.arange(len(key))
    if 0 < count < len(key):
        least = np.partition(key, len(key) - count)[len(key) - count]
        chosen = np.flatnonzero(key >= least)
    missing, macs = np.isnan(value), seen.column("macs")
    ranked = sorted(chosen.tolist(), key=lambda i: (-key[i], bool(missing[i]), macs[i], seen.codes[i]))
    return np.array(ranked[: count or None], dtype=int), value


def beyond(value: np.ndarray, first: int) -> float:
    """How far the best combined score lies above those of the first, random candidates.

    In deviations from their median, estimated from the quartiles; 0 where fewer than 8 have a finite score or they are
    all alike. Three is what the best of some hundred normal scores has; a mean rank never has more than a few.

    Args:
        value: combined score per candidate, in the order of the search.
        first: number of the candidates that were drawn at random.
    """
    drawn = value[:first][np.isfinite(value[:first])]
    if len(drawn) < 8:
        return 0.0
    low, middle, high = np.quantile(drawn, (0.25, 0.5, 0.75))
    best = value[np.isfinite(value)].max()
    return float((best - middle) / ((high - low) / 1.349)) if high > low else 0.0


def front(value: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Indices of the candidates that no other beats in score and cost together, from cheap to dear.

    Candidates without a finite score or cost are left out; of equal ones the first stays.
    """
    finite = np.flatnonzero(np.isfinite(value) & np.isfinite(cost))
    kept = finite[undominated(np.stack([-value[finite], cost[finite]], axis=1), equal=False)]
    return kept[np.argsort(cost[kept], kind="stable")]
