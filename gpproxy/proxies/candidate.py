"""What a search knows of one architecture, and of all that it has seen: numbers only, no statistics."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

#: How the text that says what is wrong begins for a network without a live path.
DEAD = "dead: "


@dataclass(frozen=True)
class Candidate:
    """One architecture that was looked at.

    Attributes:
        code: the architecture.
        scores: one per proxy, higher is better; -inf for a dead network, NaN where a proxy has no value.
        params, macs: of the live network; macs for one image.
        latency: median milliseconds of one image, NaN when not measured.
        problem: why a score is missing, or empty.
        slow: whether it breaks the limit on latency; it is not ranked then and has no scores.
    """

    code: str
    scores: tuple[float, ...]
    params: float
    macs: float
    latency: float = math.nan
    problem: str = ""
    slow: bool = False

    @property
    def dead(self) -> bool:
        return self.problem.startswith(DEAD)

    def cost(self, objective: str) -> float:
        """`macs`, `params` or `latency`; lower is better."""
        return float(getattr(self, objective))


class Seen:
    """All scored candidates in columns; a few dozen bytes each, so that 20,000 of them weigh nothing.

    Args:
        proxies: number of scores per candidate.
    """

    def __init__(self, proxies: int):
        self.codes: list[str] = []
        self._scores = [array("d") for _ in range(proxies)]
        self._costs = {name: array("d") for name in ("params", "macs", "latency")}
        self._problems: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, index: int) -> Candidate:
        scores = tuple(column[index] for column in self._scores)
        params, macs, latency = (column[index] for column in self._costs.values())
        return Candidate(self.codes[index], scores, params, macs, latency, self._problems.get(index, ""))

    def __iter__(self) -> Iterator[Candidate]:
        return (self[i] for i in range(len(self)))

    def add(self, candidate: Candidate) -> None:
        if candidate.problem:
            self._problems[len(self)] = candidate.problem
        self.codes.append(candidate.code)
        for column, score in zip(self._scores, candidate.scores, strict=True):
            column.append(score)
        for name, column in self._costs.items():
            column.append(getattr(candidate, name))

    @property
    def scores(self) -> np.ndarray:
        """`proxy x candidate`, a copy."""
        return np.array([np.array(column) for column in self._scores])

    def column(self, name: str) -> np.ndarray:
        """`params`, `macs` or `latency`, a copy."""
        return np.array(self._costs[name])

    @property
    def troubled(self) -> Sequence[str]:
        """The problems, each as often as it occurred."""
        return list(self._problems.values())
