"""Is one score better than another? The paired difference of their rank correlations, with its interval, and a word.

In: two scores on the same architectures, judged on the same resamples (`metrics.RankingMetrics.difference`). Out: a
Difference. A difference whose interval holds 0 is no difference: the words are "not distinguishable".
Source: Efron (1979) for the bootstrap; percentile intervals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

#: The measures, with their signs.
MEASURES = {"kendall": "τ", "spearman": "ρ"}
#: What is said where an interval holds 0.
EQUAL = "not distinguishable"

Edges = tuple[float | None, float | None]


@dataclass(frozen=True)
class Difference:
    """How much better one score ranks than another; positive is better, None undefined, intervals are 95 %.

    Attributes:
        n: architectures.
        kendall, spearman: difference of the correlations with the quality.
        kendall_interval, spearman_interval: over paired resamples of the architectures.
    """

    n: int
    kendall: float | None
    kendall_interval: Edges
    spearman: float | None
    spearman_interval: Edges

    def sign(self, measure: str) -> int:
        """1 or -1 where the interval of a measure lies on one side of 0, else 0."""
        low, high = getattr(self, f"{measure}_interval")
        if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
            return 0
        return (low > 0) - (high < 0)

    @property
    def better(self) -> bool:
        """Whether the first score is better by both measures."""
        return all(self.sign(measure) > 0 for measure in MEASURES)

    @property
    def worse(self) -> bool:
        """Whether it is worse by both."""
        return all(self.sign(measure) < 0 for measure in MEASURES)

    @property
    def words(self) -> str:
        """The verdict: `better`, `worse`, `not distinguishable`, or what differs between the measures."""
        named = {1: "better", -1: "worse", 0: EQUAL}
        kinds = {mark: named[self.sign(measure)] for measure, mark in MEASURES.items()}
        if len(set(kinds.values())) == 1:
            return next(iter(kinds.values()))
        return ", ".join(f"{word} by {mark}" for mark, word in kinds.items())

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Difference:
        """Inverse of `to_json`."""
        values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in data.items()}
        return cls(**values)
