"""The second stage of EAGAN (Ying et al., 2022): discriminators that evolve, each with a generator of its own.

In: an estimator with the task of the generators, their one architecture, a population of discriminators. Out: an
Objective, which `gpproxy.training.loop` trains and keeps; then those that live, with the rewards of their generators.

One to one: an individual is a discriminator, its weights and those of its generator, which nobody else has. The first
ones begin from equal generators. In a generation each trains its pair for as many steps as all others and is measured;
of those that live and their children, the strategy keeps as many as lived before. A child begins with copies of the
weights of the living one that it has most genes in common with; operations that it alone has begin untrained. The
optimisers begin anew with every turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.estimators.reward import Reward
from gpproxy.estimators.shared import SharedEstimator
from gpproxy.search.population import Population
from gpproxy.search_spaces.discriminator import Ungrown
from gpproxy.search_spaces.eagan import EAGANDiscriminator
from gpproxy.search_spaces.eagan_networks import in_common
from gpproxy.search_spaces.space import Architecture
from gpproxy.seeds import reseed
from gpproxy.tasks.unconditional import Adversarial
from gpproxy.training.architecture import untrained
from gpproxy.training.draw import draw
from gpproxy.training.recipe import GROWN

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Individual:
    """A discriminator with the weights of its own pair, by the names of `Pairs.networks`."""

    architecture: Architecture
    weights: dict[str, Weights]


class Pairs:
    """A population of discriminators, of which one trains at a time.

    Args:
        estimator: whose steps are divided among all turns of all individuals.
        space: of the discriminators.
        generator: code of the generator that all of them are trained against, in the space of the estimator's task.
        population: of them.
        rounds: generations.
        about_it: what decides the population, as JSON.
    """

    def __init__(
        self,
        estimator: SharedEstimator,
        space: EAGANDiscriminator,
        generator: str,
        population: Population,
        rounds: int,
        about_it: Mapping[str, Any],
    ):
        self.space, self.population, self.rounds, self.about_it = space, population, rounds, about_it
        self.task, self.how, self.seed = estimator.task, estimator.how, estimator.seed
        self.device = estimator.training.device
        self.generator = generator
        turns = population.size * (2 * rounds - 1)
        #: steps of a turn
        self.each = max(estimator.recipe.steps // turns, 1)
        self.recipe = replace(estimator.recipe, steps=self.each * turns, discriminator=GROWN, growth=())
        self.reward = Reward(self.task, self.how.reward)
        self.done, self.resets = 0, list[int]()
        #: the individuals of this generation
        self.people: list[Individual] = []
        self._breed()
        self.pair = self._pair(self.people[0])

    # --- individuals

    def _pair(self, one: Individual) -> Adversarial:
        """An individual's networks with copies of its weights, and fresh optimisers."""
        generator, judge = self._networks(one.architecture)
        found = Adversarial(
            generator, judge, self.task.images.images, self.recipe, noise=self.task.space.input_shape, seed=self.seed,
            device=self.device,
        )  # fmt: skip
        for name, network in found.networks.items():
            network.load_state_dict(one.weights[name])
        found.average.network.load_state_dict(one.weights["generator"])
        return found

    def _networks(self, architecture: Architecture) -> tuple[nn.Module, Ungrown]:
        """An untrained pair; every generator is the same one."""
        weights = reseed(torch.Generator(), self.seed, "discriminator")
        return untrained(self.task.space, self.generator, self.seed), Ungrown(self.space.build(architecture, weights))

    def born(self, architecture: Architecture, living: list[Individual]) -> Individual:
        """A new individual with copies of its parent's weights; untrained where none lives."""
        generator, judge = self._networks(architecture)
        weights = {"generator": copied(generator.state_dict()), "discriminator": copied(judge.state_dict())}
        if living:
            parent = max(living, key=lambda one: sum(a == b for a, b in zip(one.architecture, architecture)))
            ours, theirs = weights["discriminator"], parent.weights["discriminator"]
            cells, others = self.space.cells(architecture), self.space.cells(parent.architecture)
            shared = in_common(cells, others, [name for name in ours if name in theirs])
            weights["discriminator"] |= copied({name: theirs[name] for name in shared})
            weights["generator"] = copied(parent.weights["generator"])
        return Individual(architecture, weights)

    def _breed(self) -> None:
        """The next generation: those that live with their weights, then their children."""
        known = {one.architecture: one for one in self.people}
        self.people = [known[one] for one in self.population.living]
        parents = list(self.people)
        for _ in range(self.population.size):
            child = self.population.child([one.architecture for one in self.people])
            self.people.append(self.born(child, parents))

    # --- an Objective

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """See `Objective.networks`: those of the pair that trains."""
        return self.pair.networks

    def step(self, index: int) -> Mapping[str, Tensor]:
        """One step of the pair whose turn it is. See `Objective.step`."""
        place, self.done = index % self.each, index + 1
        if place == 0:
            self.pair = self._pair(self.people[self._turn])
        losses = self.pair.step(index)
        if place == self.each - 1:
            self._end_turn()
        return losses

    @property
    def _turn(self) -> int:
        """The individual whose turn it is."""
        return len(self.population.measured)

    def _end_turn(self) -> None:
        """Keeps the weights of the pair and measures its generator; after the last one of a generation, the next."""
        number = self._turn
        one = self.people[number]
        weights = {name: copied(network.state_dict()) for name, network in self.pair.networks.items()}
        self.people[number] = replace(one, weights=weights)
        self.population.tell(one.architecture, self.reward(self.samples(self.how.reward_images)))
        if self._turn == len(self.people):
            self.population.end()
            if self.done < self.recipe.steps:
                self._breed()

    def samples(self, count: int) -> Tensor:
        """See `Objective.samples`."""
        return draw(self.pair.measured(), self.pair.shape, count, self.seed, "samples")

    def held_out_losses(self) -> Mapping[str, float]:
        """See `Objective.held_out_losses`."""
        return {}

    def picture(self) -> Tensor:
        """See `Objective.picture`."""
        return self.pair.picture()

    def weights(self) -> Weights:
        """See `Objective.weights`."""
        return self.pair.weights()

    def state_dict(self) -> dict[str, Any]:
        """See `Objective.state_dict`."""
        people = [[list(one.architecture), one.weights] for one in self.people]
        training = self.pair.state_dict() if self.done % self.each else None
        return {"done": self.done, "people": people, "population": self.population.state_dict(), "pair": training}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Objective.load_state_dict`."""
        self.done = state["done"]
        self.people = [
            Individual(tuple(genes), {name: copied(part) for name, part in weights.items()})
            for genes, weights in state["people"]
        ]
        self.population.load_state_dict(state["population"])
        self.pair = self._pair(self.people[self._turn])
        if state["pair"] is not None:
            self.pair.load_state_dict(state["pair"])

    # --- the search

    def about(self, estimator: SharedEstimator) -> dict[str, Any]:
        """What decides the search, as JSON."""
        how = {"reward": self.how.reward, "reward_images": self.how.reward_images}
        own = {"generator": self.generator, "generator_space": dict(self.task.space_settings), **how}
        return {**estimator.about, **own, "recipe": self.recipe.to_json(), "population": dict(self.about_it)}

    @property
    def history(self) -> list[dict[str, float]]:
        """What was learnt, a line per generation."""
        return self.population.history

    def derive(self) -> Iterator[tuple[Architecture, tuple[float, ...]]]:
        """Those that live with their rewards; where no generation is over, all that were measured."""
        for one in self.population.strategy.living or self.population.measured:
            yield self.space.decode(one.code), one.scores

    def line(self) -> str:
        """Where the search is."""
        number = min(len(self.history) + 1, self.rounds)
        text = f"generation {number}/{self.rounds}, {self._turn}/{len(self.people)} discriminators"
        if self.history:
            last = self.history[-1]
            text += f", {self.reward.names[0]} {last['reward']:.4g} (best {last['best']:.4g})"
        return text


def copied(weights: Mapping[str, Tensor]) -> Weights:
    """The tensors in memory of their own, on the CPU: in the released code individuals hold the very same ones."""
    return {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
