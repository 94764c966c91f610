"""How many labels it takes to tell a ranking from chance: a number of architectures in, the smallest tau out, and back.

Source: Kendall (1938): without ties and without signal tau has the variance 2 (2n + 5) / (9n (n - 1)).
"""

from __future__ import annotations

import math

#: Quantile of the normal distribution that leaves 5 % outside, on both sides together.
TWO_SIDED = 1.959964


def least_tau(architectures: int) -> float:
    """The smallest |tau| that chance alone reaches in less than one of twenty cases; 1 where none is.

    >>> round(least_tau(36), 2), least_tau(3)
    (0.23, 1.0)
    """
    n = architectures
    return 1.0 if n < 2 else min(TWO_SIDED * math.sqrt(2 * (2 * n + 5) / (9 * n * (n - 1))), 1.0)


def architectures_for(tau: float) -> int:
    """The fewest architectures on which `tau` is more than chance. Raises ValueError for one that is not in (0, 1).

    >>> architectures_for(0.5)
    9
    """
    if not 0 < tau < 1:
        raise ValueError(f"A correlation that can be told lies between 0 and 1, but got {tau}.")
    n = 2
    while least_tau(n) > tau:
        n += 1
    return n
