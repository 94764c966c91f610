"""How many labels it takes to tell a ranking from chance: a number of architectures in, the smallest tau out, and back.

Source: Kendall (1938): the exact distribution of tau without ties and without signal, and its variance
2 (2n + 5) / (9n (n - 1)) for many architectures.
"""

from __future__ import annotations

import math
from functools import lru_cache

#: Quantile of the normal distribution that leaves 5 % outside, on both sides together.
TWO_SIDED = 1.959964
#: Up to this many architectures permutations are counted.
EXACT = 40


@lru_cache(maxsize=256)
def least_tau(architectures: int) -> float:
    """The smallest |tau| that chance alone reaches in at most one of twenty cases; infinity where not even 1 is.

    >>> round(least_tau(10), 3), least_tau(4)
    (0.511, inf)
    """
    n = architectures
    if n > EXACT:
        return TWO_SIDED * math.sqrt(2 * (2 * n + 5) / (9 * n * (n - 1)))
    counts = [1]  # permutations by their number of inversions
    for size in range(2, n + 1):
        counts = [sum(counts[max(0, k - size + 1) : k + 1]) for k in range(len(counts) + size - 1)]
    pairs, every, tail, least = n * (n - 1) // 2, math.factorial(max(n, 0)), 0, math.inf
    for inversions, count in enumerate(counts):
        tail += 2 * count
        if 20 * tail > every or 2 * inversions >= pairs:
            return least
        least = 1 - 2 * inversions / pairs
    return least


def architectures_for(tau: float) -> int:
    """The fewest architectures on which `tau` is more than chance. Raises ValueError for one that is not in (0, 1).

    >>> architectures_for(0.5)
    11
    """
    if not 0 < tau < 1:
        raise ValueError(f"A correlation that can be told lies between 0 and 1, but got {tau}.")
    n = 2
    while least_tau(n) > tau:
        n += 1
    return n
