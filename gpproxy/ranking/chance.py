"""How well the best of many formulas does by luck alone.

In: the number of formulas and of architectures. Out: the expected largest |tau|, printed beside the winner.
Source: Kendall (1938) for the exact distribution of tau without ties, and its normal limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

#: Up to this many architectures the distribution is counted exactly, beyond it is normal to three digits.
EXACT = 150


@dataclass(frozen=True)
class Luck:
    """The largest |tau| among independent scores without signal: its mean and its 95 % quantile."""

    expected: float
    quantile: float


def best_of_noise(formulas: int, architectures: int) -> Luck:
    """Largest |tau| that `formulas` independent random scores reach on `architectures` architectures without ties."""
    if formulas < 1 or architectures < 2:
        raise ValueError(f"Luck needs a formula and two architectures, but got {formulas} and {architectures}.")
    values, below = _distribution(architectures)
    largest = below**formulas
    steps = np.diff(np.concatenate([[0.0], largest]))
    return Luck(float(values @ steps), float(values[np.searchsorted(largest, 0.95)]))


def _distribution(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of |tau|, ascending, and the probability that |tau| is at most each."""
    pairs = count * (count - 1) // 2
    if count > EXACT:
        spread = math.sqrt(2 * (2 * count + 5) / (9 * count * (count - 1)))
        values = np.linspace(0, 1, 20001)
        return values, np.array([math.erf(v / spread / math.sqrt(2)) for v in values])
    # Probability of k discordant pairs: the i-th element of a random order adds 0 to i - 1 of them, equally likely.
    chance = np.ones(1)
    for i in range(2, count + 1):
        chance = np.convolve(chance, np.full(i, 1 / i))
    tau = np.abs(pairs - 2 * np.arange(pairs + 1))
    weights = np.bincount(tau, weights=chance, minlength=pairs + 1)
    return np.arange(pairs + 1) / pairs, np.minimum(np.cumsum(weights), 1.0)
