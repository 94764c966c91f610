"""The search of AutoGAN (Gong et al., 2019): shared weights and a controller learn in turns.

In: an estimator with shared weights, settings of the controller. Out: the Rounds of both; then architectures of the
controller with their rewards. At the end of a level the best of what is drawn are what the next controller begins from,
while both networks grow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.estimators.shared import SharedEstimator
from gpproxy.run.settings import part_of
from gpproxy.search.learner import Draw, Learner
from gpproxy.search.rounds import Rounds
from gpproxy.search.settings import ControllerSettings
from gpproxy.search_spaces.space import Architecture
from gpproxy.seeds import python_random

#: Draws in a row that are no architecture, after which a random one is trained.
REPEATS = 10


class Alternation(Rounds):
    """Shared weights, their discriminator and a controller.

    Args:
        estimator: whose shared training is divided into the rounds.
        control: of the controller.

    Raises ConfigError for a discriminator that does not grow with the levels.
    """

    def __init__(self, estimator: SharedEstimator, control: ControllerSettings):
        self.control = control
        self.learner = Learner(estimator.task.space.tokens, control, estimator.seed)
        super().__init__(estimator, control.rounds, control.controller_steps)
        self._turn = 0
        #: completes what a controller draws, where it is asked whether that is an architecture
        self._rest = self.space.to_tokens(self.space.sample(python_random("rest")))
        levels = len(self.learner.levels)
        if levels > self.discriminator.STAGES:
            raise ConfigError(
                "A controller that goes level by level grows both networks, but "
                f"discriminator={self.recipe.discriminator} does not grow. Choose --levels single, or "
                "--shared-settings discriminator=residual."
            )
        #: rounds after which a level ends
        self._ends = [max(round(share * control.rounds), 1) for share in control.shares_of(levels)]

    def about(self, estimator: SharedEstimator) -> dict[str, Any]:
        return {**super().about(estimator), "controller": asdict(part_of(ControllerSettings, self.control))}

    @property
    def history(self) -> list[dict[str, float]]:
        return self.learner.history

    def prepare(self, index: int) -> None:
        super().prepare(index)
        self.stage, self._turn = self.level, 0

    @property
    def level(self) -> int:
        """Stage of growth of both networks."""
        return self.learner.level if self.control.levels == "multi" else self.discriminator.STAGES - 1

    def propose(self) -> Architecture:
        for _ in range(REPEATS):
            self._turn += 1
            tokens = self.learner.draw("batch", self.done, self._turn).tokens
            if self._exists(tokens):
                return tokens
        return self.space.sample(self._choices)

    def _exists(self, tokens: Architecture) -> bool:
        """Whether an architecture begins with these tokens: some spaces refuse some rows of them."""
        try:
            self.space.from_tokens((*tokens, *self._rest[len(tokens) :]))
        except SpaceError:
            return False
        return True

    def take_turn(self, turn: int, index: int) -> None:
        """One update of the controller."""
        if turn == 0:
            self.learner.begin_round()
        draws = [self.learner.draw("update", index, i) for i in range(self.control.controller_batch)]
        self.learner.learn(draws, [self.worth_of(draw) for draw in draws])

    def worth_of(self, draw: Draw) -> float:
        """The reward of what was drawn, by the shared weights as they are; -inf where it is no architecture, which
        teaches as the worst so far does."""
        return self.worth(draw.tokens)[0] if self._exists(draw.tokens) else -math.inf

    def end_round(self, number: int) -> None:
        if not self.learner.last and number >= self._ends[self.learner.level]:
            self.grow()
        super().end_round(number)

    def grow(self) -> None:
        """The next level, from the best of what is drawn."""
        draws = [self.learner.draw("level", i) for i in range(self.control.drawn)]
        self.learner.grow(draws, [self.worth_of(draw) for draw in draws])

    def derive(self) -> Iterator[tuple[Architecture, tuple[float, ...]]]:
        """Different architectures that the controller draws; it may end in an early level, and then goes through the
        others untaught."""
        while not self.learner.last:
            self.grow()
        seen: set[Architecture] = set()
        for number in range(self.control.drawn):
            draw = self.learner.draw("end", number)
            if draw.tokens not in seen and self._exists(draw.tokens):
                seen.add(draw.tokens)
                yield draw.tokens, self.worth(draw.tokens)

    def place(self) -> str:
        return f", level {self.learner.level + 1}/{len(self.learner.levels)}"

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "learner": self.learner.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.learner.load_state_dict(state["learner"])
        self.stage = self.level
