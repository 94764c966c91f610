"""The search of AutoGAN (Gong et al., 2019): shared weights and a controller learn in turns.

In: an estimator with shared weights, settings of the controller. Out: an Objective, which `gpproxy.training.loop`
trains and keeps, so that a search is exact after every end; then architectures of the controller with their rewards.

A round trains the shared weights with architectures of the controller, one per batch, then the controller with rewards
of the shared weights, which stand still meanwhile. Where the losses have stood still, the rest of the shared training
of a round is left out and the networks begin anew after the controller's turn; the controller is kept. At the end of a
level the best of what is drawn are what the next controller begins from, while both networks grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from gpproxy.estimators.reward import Reward
from gpproxy.estimators.shared import SharedEstimator
from gpproxy.estimators.shared_objective import SharedObjective
from gpproxy.run.settings import part_of
from gpproxy.search.learner import Draw, Learner
from gpproxy.search.settings import ControllerSettings
from gpproxy.search_spaces.space import Architecture


class Alternation(SharedObjective):
    """Shared weights, their discriminator and a controller.

    Args:
        estimator: whose shared training is divided into the rounds.
        control: of the controller.
    """

    def __init__(self, estimator: SharedEstimator, control: ControllerSettings):
        task, self.control = estimator.task, control
        #: steps of a round: of the shared weights, then of the controller
        self.shared_steps = max(estimator.recipe.steps // control.rounds, 1)
        whole = (self.shared_steps + control.controller_steps) * control.rounds
        recipe = replace(estimator.recipe, steps=whole)
        self.learner = Learner(task.space.tokens, control, estimator.seed)
        super().__init__(task.space, task.images, recipe, estimator.how, estimator.seed, estimator.training.device)
        self.reward = Reward(task, estimator.how.reward)
        #: whether the losses have stood still in this round
        self.flagged = False
        self._losses = (0.0, 0.0)
        self._turn = 0
        levels = len(self.learner.levels)
        #: rounds after which a level ends
        self._ends = [max(round(share * control.rounds), 1) for share in control.shares_of(levels)]

    def about(self, estimator: SharedEstimator) -> dict[str, Any]:
        """What decides the search, as JSON."""
        kept = asdict(part_of(ControllerSettings, self.control))
        how = {"reward": estimator.how.reward, "reward_images": estimator.how.reward_images}
        return {**estimator.about, "recipe": self.recipe.to_json(), "controller": kept, **how}

    def step(self, index: int) -> Mapping[str, Tensor]:
        """One step of the shared weights or of the controller, by the place of the step in its round."""
        number, place = divmod(index, self.shared_steps + self.control.controller_steps)
        if place < self.shared_steps:
            if not self.flagged:
                found = super().step(index)
                self._losses = (float(found["discriminator"]), float(found["generator"]))
        else:
            self.done = index + 1
            if place == self.shared_steps:
                self.learner.begin_round()
            self._teach(index)
            if place == self.shared_steps + self.control.controller_steps - 1:
                self._end_round(number + 1)
        discriminator, generator = map(torch.tensor, self._losses)
        return {"discriminator": discriminator, "generator": generator}

    def prepare(self, index: int) -> None:
        super().prepare(index)
        self.stage, self._turn = self.level, 0

    @property
    def level(self) -> int:
        """Stage of growth of both networks."""
        return self.learner.level if self.control.levels == "multi" else self.discriminator.STAGES - 1

    def propose(self) -> Architecture:
        self._turn += 1
        return self.learner.draw("batch", self.done, self._turn).tokens

    def collapsed(self) -> None:
        self.flagged = True

    def _teach(self, index: int) -> None:
        """One update of the controller."""
        draws = [self.learner.draw("update", index, i) for i in range(self.control.controller_batch)]
        self.learner.learn(draws, [self.worth(draw) for draw in draws])

    def worth(self, draw: Draw) -> float:
        """The reward of what was drawn, by the shared weights as they are."""
        return self.reward(self.images_of(draw.tokens, self.reset.how.reward_images))

    def _end_round(self, number: int) -> None:
        if not self.learner.last and number >= self._ends[self.learner.level]:
            self.grow()
        if self.flagged:
            self.begin_anew()
            self.flagged = False

    def grow(self) -> None:
        """The next level, from the best of what is drawn."""
        draws = [self.learner.draw("level", i) for i in range(self.control.drawn)]
        self.learner.grow(draws, [self.worth(draw) for draw in draws])

    def derive(self) -> Iterator[tuple[Architecture, float]]:
        """Different architectures that the controller draws, with their rewards; it may end in an early level, and then
        goes through the others untaught."""
        while not self.learner.last:
            self.grow()
        seen: set[Architecture] = set()
        for number in range(self.control.drawn):
            draw = self.learner.draw("end", number)
            if draw.tokens not in seen:
                seen.add(draw.tokens)
                yield draw.tokens, self.worth(draw)

    def begin_anew(self) -> None:
        super().begin_anew()
        self._copy = None

    def state_dict(self) -> dict[str, Any]:
        own = {"learner": self.learner.state_dict(), "flagged": self.flagged, "losses": list(self._losses)}
        return {**super().state_dict(), **own}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.learner.load_state_dict(state["learner"])
        self.flagged = state["flagged"]
        self._losses = (state["losses"][0], state["losses"][1])
        self.stage = self.level
