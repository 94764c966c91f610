"""The first stage of EAGAN (Ying et al., 2022): shared weights and a population of generators learn in turns.

In: an estimator with shared weights, a population. Out: the Rounds of both; then those that live, with their rewards.
The weights learn from uniformly drawn architectures as long as the warm-up of the recipe takes, then from those that
live. Each round ends with a generation: all that live and as many children are measured by the weights as they are.
Who lives is the strategy's choice; published is the selection of CARS (pNSGA-III).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpproxy.estimators.shared import SharedEstimator
from gpproxy.search.population import Population
from gpproxy.search.rounds import Rounds
from gpproxy.search_spaces.space import Architecture
from gpproxy.training.recipe import SharedRecipe


class Generations(Rounds):
    """Shared weights, their discriminator and a population.

    Args:
        estimator: whose shared training is divided into the rounds.
        population: of its architectures.
        rounds: how many.
        about_it: what decides the population, as JSON.
    """

    def __init__(self, estimator: SharedEstimator, population: Population, rounds: int, about_it: Mapping[str, Any]):
        self.population, self.about_it = population, about_it
        super().__init__(estimator, rounds, 2 * population.size)
        #: rounds whose shared training draws uniformly; the last of them ends with the first generation
        self.warm_up = max(round(warm_up(estimator) * rounds), 1)

    def about(self, estimator: SharedEstimator) -> dict[str, Any]:
        return {**super().about(estimator), "population": dict(self.about_it)}

    @property
    def history(self) -> list[dict[str, float]]:
        return self.population.history

    def propose(self) -> Architecture:
        living = self.population.living
        return self._choices.choice(living) if living else self.space.sample(self._choices)

    def take_turn(self, turn: int, index: int) -> None:
        """Measures one of the generation."""
        if index < (self.warm_up - 1) * self.whole:
            return
        living, people = self.population.living, self.population
        if turn < people.size:
            if turn < len(living):
                people.tell(living[turn], self.worth(living[turn]))
        else:
            before = [self.space.decode(one.code) for one in people.measured]
            child = people.child(before)
            people.tell(child, self.worth(child))
        if turn == 2 * people.size - 1:
            people.end()

    def derive(self) -> Iterator[tuple[Architecture, tuple[float, ...]]]:
        """Those that live, measured by the weights as they are; random ones where no generation is over."""
        living = list(self.population.living)
        while len(living) < self.population.size and not self.population.history:
            living.append(self.population.child(living))
        for architecture in living:
            yield architecture, self.worth(architecture)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "population": self.population.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.population.load_state_dict(state["population"])


def warm_up(estimator: SharedEstimator) -> float:
    """Share of the shared training in which architectures are drawn uniformly; 1 for all of it."""
    recipe = estimator.recipe
    return recipe.warm_up if isinstance(recipe, SharedRecipe) else 1.0
