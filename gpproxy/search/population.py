"""A population among networks that learn on: what both stages of EAGAN (Ying et al., 2022) have in common.

In: a strategy with a population, what tells sizes, limits. Out: generations: who is measured next, children that differ
from all others, and what a generation was like.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from gpproxy.errors import ConfigError
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.size import Sizer
from gpproxy.search.limits import Limits
from gpproxy.search.strategies import Strategy, candidates, plain
from gpproxy.search_spaces.space import Architecture

#: Proposals in a row that are refused, after which random ones are taken, and after which there are none.
REPEATS, FAR = 50, 2000


class Population:
    """Those that live, and the generation that is measured: they, then as many children.

    Args:
        strategy: `evolution` or `nsga2`; its `population` is how many live.
        sizer, limits: of children.
    """

    def __init__(self, strategy: Strategy, sizer: Sizer, limits: Limits):
        self.strategy, self.sizer, self.limits = strategy, sizer, limits
        self.size: int = strategy.population  # type: ignore[attr-defined]
        #: of this generation, what was measured
        self.measured: list[Scored] = []
        #: number, level, reward, best and entropy of every generation, as those of a controller
        self.history: list[dict[str, float]] = []
        #: those of which the next generation descends
        self.living = self._living()

    def _living(self) -> list[Architecture]:
        return [self.strategy.space.decode(one.code) for one in self.strategy.living]

    def child(self, others: list[Architecture]) -> Architecture:
        """An architecture within the limits that is none of the others. Raises ConfigError where none is found."""
        space, known = self.strategy.space, {self.strategy.space.canonical(one) for one in others}
        for number in range(FAR):
            found = self.strategy.propose() if number < REPEATS else space.sample(self.strategy.rng)
            if found is not None and self._fits(found) and space.canonical(found) not in known:
                return found
        raise ConfigError(
            f"Of {FAR:,} proposals none is new and within the limits ({self.limits}). Allow more, or choose a smaller "
            "--population."
        )

    def _fits(self, architecture: Architecture) -> bool:
        return not self.limits.on_size or self.limits.admits(self.sizer(architecture))

    def tell(self, architecture: Architecture, rewards: tuple[float, ...]) -> None:
        """What was measured next: first those that live, in their order, then children."""
        size = self.sizer(architecture)
        self.measured.append(Scored(self.strategy.space.encode(architecture), rewards, size.params, size.macs))

    def end(self) -> None:
        """The generation is measured: those that live have other scores, and children may take their places."""
        old = len(self.strategy.living)
        self.strategy.renew(self.measured[:old])
        for one in self.measured[old:]:
            self.strategy.tell(one)
        self.measured, self.living = [], self._living()
        rewards = [one.score for one in self.strategy.living]
        best = max([*(line["best"] for line in self.history[-1:]), *rewards])
        mean = float(np.mean(rewards))
        line = {"update": len(self.history) + 1.0, "level": 1.0, "reward": mean, "best": best}
        self.history.append({**line, "entropy": entropy(self.living)})

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next child depends on."""
        history = [dict(line) for line in self.history]
        return {"strategy": self.strategy.state(), "measured": plain(self.measured), "history": history}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.strategy.restore(state["strategy"])
        self.living = self._living()
        self.measured = candidates(state["measured"])
        self.history = [dict(line) for line in state["history"]]


def entropy(many: list[Architecture]) -> float:
    """How much a population still varies: the entropy of each of its numbers over the architectures, in nats, the mean
    over the numbers."""
    found = []
    for column in zip(*many):
        shares = np.array(list(Counter(column).values())) / len(column)
        found.append(float(-(shares * np.log(shares)).sum()))
    return float(np.mean(found)) + 0.0
