"""How often each variation operator is used: more often when its children were lately better than their parent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from gpproxy.evolution.variation import CROSSOVER, OPERATORS

#: Operators that fall with a part of the evolution.
PARTS = {"crossover": CROSSOVER, "mutation": tuple(name for name in OPERATORS if name not in CROSSOVER)}
#: How much of an operator's record is kept from one generation to the next.
MEMORY = 0.85
#: Share of the starting weight that no failure takes away.
FLOOR = 0.3


class OperatorWeights:
    """Success rates of the operators and the weights that follow from them.

    A success is a child better than the parent whose place it takes, the first of two. The weight of an operator is
    its starting weight times `FLOOR` plus its rate over the mean rate, at most three times the start.
    """

    def __init__(self, record: Mapping[str, tuple[float, float]] | None = None, without: Sequence[str] = ()):
        out = [name for part in without for name in PARTS.get(part, ())]
        self._start = {name: weight for name, weight in OPERATORS.items() if name not in out}
        self.record: dict[str, tuple[float, float]] = {name: (0.0, 0.0) for name in OPERATORS}
        self.record.update({name: (float(s), float(t)) for name, (s, t) in (record or {}).items()})

    def weights(self) -> dict[str, float]:
        """Operator -> probability."""
        rates = {name: (success + 1) / (trials + 20) for name, (success, trials) in self.record.items()}
        start = self._start
        mean = sum(weight * rates[name] for name, weight in start.items()) / sum(start.values())
        raw = {n: w * (FLOOR + (1 - FLOOR) * min(3.0, rates[n] / mean)) for n, w in start.items()}
        total = sum(raw.values())
        return {name: weight / total for name, weight in raw.items()}

    def learn(self, outcomes: Iterable[tuple[str, bool]]) -> None:
        """Adds one generation of (operator, success); origins that are no operator are left out."""
        self.record = {name: (s * MEMORY, t * MEMORY) for name, (s, t) in self.record.items()}
        for name, success in outcomes:
            if name in self.record:
                s, t = self.record[name]
                self.record[name] = (s + success, t + 1)


def draw(weights: Mapping[str, float], rng: Random) -> str:
    """An operator by its probability."""
    return rng.choices(list(weights), list(weights.values()))[0]
