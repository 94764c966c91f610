"""What the tasks share whose generators learn from a loss alone, without a discriminator: recipe and objective.

In: a network and a recipe. Out: an Objective whose subclasses say what the loss of a step is. `advance` has static
shapes and waits for nothing, as in `gpproxy.tasks.unconditional`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gpproxy.images.image_set import to_unit
from gpproxy.seeds import reseed
from gpproxy.training.augment import flip
from gpproxy.training.average import Average
from gpproxy.training.optimiser import Optimiser
from gpproxy.training.recipe import Recipe


@dataclass(frozen=True)
class LossRecipe(Recipe):
    """How a network learns from its loss.

    Attributes:
        warm_up: steps in which the learning rate rises from 0.
        clip: largest norm of a gradient; 0 for any.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    decay: str = "constant"
    warm_up: int = 0
    clip: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._least(warm_up=0, clip=0)

    def rate(self, step: int) -> float:
        return super().rate(step) * min((step + 1) / max(self.warm_up, 1), 1.0)


class LossObjective(ABC):
    """One network that learns from its own loss.

    Args:
        network: what is trained, with everything that learns beside the generator.
        recipe: how to train.
        seed: of all that is random in the training.
        device: where everything is computed and kept.
    """

    #: what the loss of a step is called
    loss_name: ClassVar[str]

    def __init__(self, network: nn.Module, recipe: LossRecipe, *, seed: int, device: torch.device | str = "cpu"):
        self.device = torch.device(device)
        self.recipe, self.seed = recipe, seed
        place: dict[str, Any] = {"device": self.device, "memory_format": torch.channels_last}
        self.generator = network.to(**place)
        self.networks: dict[str, nn.Module] = {"generator": self.generator}
        betas = (recipe.beta1, recipe.beta2)
        self.optimiser = Optimiser(self.generator, rate=recipe.generator_rate, betas=betas, clip=recipe.clip)
        self.average = Average(self.generator, recipe.average)
        self._taken = torch.zeros((), device=self.device)
        #: all randomness of a step; `prepare` sets its state
        self.random = torch.Generator(self.device)
        #: nothing grows, so one graph holds for all steps
        self.stage = 0

    @abstractmethod
    def loss(self) -> Tensor:
        """The loss of a step, one number with its graph; whatever is random in it is drawn from `self.random`."""

    def step(self, index: int) -> Mapping[str, Tensor]:
        """One update. See `Objective.step`."""
        self.prepare(index)
        return self.advance()

    def prepare(self, index: int) -> None:
        """Sets what depends on the number of the step: random state, learning rate, average."""
        reseed(self.random, self.seed, "step", index)
        self.optimiser.scale(self.recipe.rate(index))
        self._taken.fill_(self.average.taken(index))

    def advance(self) -> dict[str, Tensor]:
        """The work of a step, the same operations every time; its loss."""
        value = self.loss()
        self.optimiser.descend(value)
        self.average.update(self._taken)
        return {self.loss_name: value.detach()}

    def drawn_from(self, images: Tensor) -> Tensor:
        """A batch of images, `sample x channel x height x width` in [-1, 1], half of them mirrored if so asked for."""
        chosen = torch.randint(len(images), (self.recipe.batch,), device=self.device, generator=self.random)
        taken = images[chosen]
        return to_unit(flip(taken, self.random) if self.recipe.flip else taken)

    def measured(self) -> nn.Module:
        """The averaged network."""
        return self.average.network

    def weights(self) -> dict[str, Tensor]:
        """See `Objective.weights`."""
        return {name: one.detach().cpu().contiguous() for name, one in self.measured().state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """See `Objective.state_dict`."""
        parts: dict[str, Any] = {**self.networks, "average": self.average.network, "optimiser": self.optimiser}
        return {name: part.state_dict() for name, part in parts.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Objective.load_state_dict`."""
        self.generator.load_state_dict(state["generator"])
        self.average.network.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
