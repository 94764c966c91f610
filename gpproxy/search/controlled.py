"""The strategy `controller` where estimates never change: proxies, tables, short trainings.

In: a space with tokens. Out: proposals of a controller that learns from what was told of them. Where it goes level by
level, the decisions of later levels are drawn uniformly, so that an estimate is one of the prefix in random company.
"""

from __future__ import annotations

import math
import random
from typing import Any

from gpproxy.errors import SpaceError
from gpproxy.proxies.scored import Scored
from gpproxy.search.learner import Draw, Learner
from gpproxy.search.settings import ControllerSettings
from gpproxy.search.strategies import Strategy
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.space import Architecture

#: Draws in a row that were known or are no architecture, after which a random one is proposed.
REPEATS = 10


class Controlled(Strategy):
    """Learns by REINFORCE which tokens to emit (Gong et al., 2019).

    What is drawn again is learnt from again and not proposed again. What limits exclude is worth nothing. Its weights
    and all that it has learnt from would be megabytes to save, so a search that goes on runs it again from the start.

    Args:
        how: loss, rates, levels and beam.
        budget: candidates of the search, of which the levels take their shares.

    Raises SpaceError for a space without tokens.
    """

    feedback = True

    def __init__(self, space: SearchSpace, seed: int, how: ControllerSettings, budget: int):
        super().__init__(space, seed)
        if not space.tokens:
            raise SpaceError(f"The search space {space.name} declares no tokens, so a controller cannot search in it.")
        self.how, self.learner = how, Learner(space.tokens, how, seed)
        #: candidates told after which each level but the last ends
        self._ends = [max(round(share * budget), 1) for share in how.shares_of(len(self.learner.levels))]
        self._told = self._number = 0
        #: of each prefix of the present level, the sum and the number of scores of architectures that begin with it
        self._prefixes: dict[tuple[int, ...], tuple[float, int]] = {}
        #: what was proposed and not told yet, and what the next update learns from
        self._waiting: dict[Any, list[Draw]] = {}
        self._learnt: list[tuple[Draw, float]] = []
        #: what was drawn at the end of a level; None while it learns
        self._drawn: list[Draw] | None = None

    @property
    def history(self) -> list[dict[str, float]]:
        """See `Learner.history`."""
        return self.learner.history

    def state(self) -> None:
        return None

    def room(self, taken: int, told: int) -> int:
        return self.how.controller_batch - (taken - told)

    def propose(self) -> Architecture | None:
        for _ in range(REPEATS):
            self._number += 1
            draw = self.learner.draw(self._number)
            try:
                architecture = self.space.from_tokens(self._completed(draw.tokens))
            except SpaceError:
                continue
            key = self.space.canonical(architecture)
            known = self.recall(architecture)
            if known is not None:
                self._learn(draw, known)
                continue
            self._waiting.setdefault(key, []).append(draw)
            return architecture
        return self.space.sample(self.rng)

    def tell(self, candidate: Scored) -> None:
        self._hear(self.space.canonical(self.space.decode(candidate.code)), candidate.score)
        self._told += 1
        if not self.learner.last and self._drawn is None and self._told >= self._ends[self.learner.level]:
            self._drawn = []
            self._learnt.clear()

    def refused(self, architecture: Architecture) -> None:
        self._hear(self.space.canonical(architecture), -math.inf)

    def _hear(self, key: Any, reward: float) -> None:
        for draw in self._waiting.pop(key, ()):
            self._learn(draw, reward)

    def _learn(self, draw: Draw, reward: float) -> None:
        if math.isfinite(reward):
            total, count = self._prefixes.get(draw.tokens, (0.0, 0))
            self._prefixes[draw.tokens] = (total + reward, count + 1)
        if self._drawn is not None:
            self._drawn.append(draw)
            if len(self._drawn) == self.how.drawn:
                self._grow(self._drawn)
            return
        self._learnt.append((draw, reward))
        if len(self._learnt) == self.how.controller_batch:
            self.learner.learn(*zip(*self._learnt))
            self._learnt.clear()

    def _grow(self, drawn: list[Draw]) -> None:
        """The next level, from the best of what was drawn, by the mean of what is known of each prefix."""
        known = [self._prefixes.get(draw.tokens, (-math.inf, 1)) for draw in drawn]
        self.learner.grow(drawn, [total / count for total, count in known])
        self._drawn = None
        self._prefixes.clear()
        self._waiting.clear()

    def _completed(self, tokens: tuple[int, ...]) -> tuple[int, ...]:
        sizes = [size for level in self.learner.levels for size in level]
        rng = random.Random(self.rng.random())
        return (*tokens, *(rng.randrange(size) for size in sizes[len(tokens) :]))
