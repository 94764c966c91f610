"""Shared weights that learn in turns with what searches among them: a controller or a population.

In: an estimator with shared weights, the number of rounds, the steps of the search in each. Out: an Objective, which
`gpproxy.training.loop` trains and keeps, so that a search is exact after every end; then architectures with their
rewards.

In a round the shared weights learn from architectures that the search proposes, one per batch; then they stand still,
and the search learns from rewards of images that they draw. Where the losses have stood still, the rest of the shared
training of a round is left out and the networks begin anew at its end; what searches is kept.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gpproxy.estimators.reward import Reward
from gpproxy.estimators.shared import SharedEstimator
from gpproxy.estimators.shared_objective import SharedObjective
from gpproxy.search_spaces.space import Architecture


class Rounds(SharedObjective):
    """Shared weights, their discriminator, and what a subclass searches with.

    Args:
        estimator: whose shared training is divided into the rounds.
        rounds: how many.
        turns: steps of the search in a round.
    """

    def __init__(self, estimator: SharedEstimator, rounds: int, turns: int):
        task, self.rounds = estimator.task, rounds
        #: steps of the shared weights in a round, and all of it
        self.shared_steps = max(estimator.recipe.steps // rounds, 1)
        self.whole = self.shared_steps + turns
        recipe = replace(estimator.recipe, steps=self.whole * rounds)
        super().__init__(task.space, task.images, recipe, estimator.how, estimator.seed, estimator.training.device)
        self.reward = Reward(task, estimator.how.reward)
        #: whether the losses have stood still in this round
        self.flagged = False
        self._losses = (0.0, 0.0)

    def about(self, estimator: SharedEstimator) -> dict[str, Any]:
        """What decides the search, as JSON."""
        how = {"reward": estimator.how.reward, "reward_images": estimator.how.reward_images}
        return {**estimator.about, "recipe": self.recipe.to_json(), **how}

    @property
    @abstractmethod
    def history(self) -> list[dict[str, float]]:
        """What was learnt, a line each, as `gpproxy.pictures.learning` draws it."""

    @property
    def resets(self) -> list[int]:
        """Steps after which the networks began anew."""
        return self.reset.at

    def step(self, index: int) -> Mapping[str, Tensor]:
        """One step of the shared weights or of the search, by its place in the round."""
        number, place = divmod(index, self.whole)
        if place < self.shared_steps:
            if not self.flagged:
                found = super().step(index)
                self._losses = (float(found["discriminator"]), float(found["generator"]))
        else:
            self.done = index + 1
            self.take_turn(place - self.shared_steps, index)
            if place == self.whole - 1:
                self.end_round(number + 1)
        discriminator, generator = map(torch.tensor, self._losses)
        return {"discriminator": discriminator, "generator": generator}

    @abstractmethod
    def take_turn(self, turn: int, index: int) -> None:
        """One step of the search.

        Args:
            turn: its number in the round.
            index: of all steps.
        """

    def end_round(self, number: int) -> None:
        """So many rounds are over."""
        if self.flagged:
            self.begin_anew()
            self._copy = None
            self.flagged = False

    def collapsed(self) -> None:
        self.flagged = True

    def worth(self, architecture: Architecture) -> tuple[float, ...]:
        """The rewards of an architecture, by the shared weights as they are."""
        return self.reward(self.images_of(architecture, self.reset.how.reward_images))

    @abstractmethod
    def derive(self) -> Iterator[tuple[Architecture, tuple[float, ...]]]:
        """What the search has found: different architectures with their rewards."""

    def line(self) -> str:
        """Where the search is."""
        number = min((self.done - 1) // self.whole + 1, self.rounds)
        text = f"round {number}/{self.rounds}{self.place()}"
        if self.history:
            last = self.history[-1]
            text += f", {self.reward.names[0]} {last['reward']:.4g} (best {last['best']:.4g})"
            text += f", entropy {last['entropy']:.3f}"
        return f"{text}, {len(self.reset.at)} resets"

    def place(self) -> str:
        """Where it is inside the rounds, for `line`; empty where that says nothing."""
        return ""

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "flagged": self.flagged, "losses": list(self._losses)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.flagged = state["flagged"]
        self._losses = (state["losses"][0], state["losses"][1])
