"""Trains the weights that all architectures of a space share against one discriminator: an Objective.

In: a space with a supernet, real images, a recipe. Out: what `gpproxy.training.loop` trains. Every discriminator update
takes one architecture, drawn uniformly here; both networks grow with the stage of the recipe (Gong et al., 2019), where
its discriminator grows.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gpproxy.errors import SpaceError
from gpproxy.estimators.reset import Reset
from gpproxy.estimators.settings import SharedWeights
from gpproxy.images.image_set import ImageSet
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.space import Architecture, SharedNetwork
from gpproxy.seeds import python_random, reseed
from gpproxy.tasks.discriminator import untrained_discriminator
from gpproxy.tasks.unconditional import SIDE, Adversarial
from gpproxy.training.draw import draw, noise_batches
from gpproxy.training.optimiser import Optimiser
from gpproxy.training.recalibrate import recalibrate
from gpproxy.training.recipe import AdversarialRecipe


class SharedObjective(Adversarial):
    """The supernet of a space against a discriminator that grows with it.

    Args:
        space: has `supernet` and as many levels of tokens as a discriminator that grows has stages.
        images: to learn from, at the side of the space's images.
        recipe: of the training; its growth is that of both networks.
        how: when the networks begin anew.
        seed: of all that is random.

    Raises SpaceError for a space without shared weights or with another number of levels.
    """

    def __init__(
        self,
        space: SearchSpace,
        images: ImageSet,
        recipe: AdversarialRecipe,
        how: SharedWeights,
        seed: int,
        device: str = "cpu",
    ):
        network = space.supernet(reseed(torch.Generator(), seed, "supernet"))
        weights = reseed(torch.Generator(), seed, "discriminator")
        judge = untrained_discriminator(space, images, recipe, weights)
        if judge.STAGES not in (1, len(space.tokens)):
            raise SpaceError(
                f"Shared weights grow in {judge.STAGES} stages, but {space.name} has {len(space.tokens)} levels of "
                "tokens."
            )
        self.space, self.reset, self._real_images = space, Reset(how), images
        super().__init__(network, judge, images.images, recipe, noise=space.input_shape, seed=seed, device=device)
        self.done = 0
        self._choices = python_random("shared", seed)
        self._copy: SharedNetwork | None = None

    def prepare(self, index: int) -> None:
        super().prepare(index)
        self.done, self._copy = index + 1, None
        self._choices = python_random("shared", self.seed, index)

    def turn(self) -> None:
        assert isinstance(self.generator, SharedNetwork)
        self.generator.choose(self._grown(self.propose()))

    def _grown(self, architecture: Architecture) -> Architecture:
        """The levels of an architecture that the networks have grown to."""
        return cut(self.space, architecture, len(self.space.tokens) - self.discriminator.STAGES + self.stage)

    def propose(self) -> Architecture:
        """The architecture of the next batch, of which the levels up to the stage count."""
        return self.space.sample(self._choices)

    def advance(self) -> dict[str, Tensor]:
        losses = super().advance()
        self.reset.see(float(losses["discriminator"]), float(losses["generator"]))
        if self.reset.due:
            self.collapsed()
        return losses

    def collapsed(self) -> None:
        """What to do when a reset is due: here at once."""
        self.begin_anew()

    def begin_anew(self) -> None:
        """New weights and optimisers, those of the number of resets so far."""
        self.reset.done(self.done)
        number, recipe = len(self.reset.at), self.recipe
        network = self.space.supernet(reseed(torch.Generator(), self.seed, "supernet", number))
        weights = reseed(torch.Generator(), self.seed, "discriminator", number)
        judge = untrained_discriminator(self.space, self._real_images, recipe, weights)
        self.generator.load_state_dict(network.state_dict())
        self.discriminator.load_state_dict(judge.state_dict())
        betas = (recipe.beta1, recipe.beta2)
        self.generator_optimiser = Optimiser(self.generator, rate=recipe.generator_rate, betas=betas)
        self.discriminator_optimiser = Optimiser(self.discriminator, rate=recipe.discriminator_rate, betas=betas)
        self.average.update(torch.ones((), device=self.device))

    def _reals(self, count: int) -> Tensor:
        images, factor = super()._reals(count), 2 ** (self.discriminator.STAGES - 1 - self.stage)
        return F.avg_pool2d(images, factor) if factor > 1 else images

    def images_of(self, architecture: Architecture, count: int, *parts: object) -> Tensor:
        """Images of an architecture, or of its first levels alone, by the (averaged) weights as they are.

        Returns bytes `sample x 3 x height x width` on the CPU, a function of the weights, the seed and the parts.
        """
        if self._copy is None:
            self._copy = copy.deepcopy(self.average.network)  # type: ignore[assignment]
        assert self._copy is not None
        return images_of(self._copy, architecture, self.recipe, self.shape, count, self.seed, *parts)

    def samples(self, count: int) -> Tensor:
        """Images of one random architecture at the present stage."""
        chosen = self.space.sample(python_random("shared samples", self.seed))
        return self.images_of(self._grown(chosen), count)

    def picture(self) -> Tensor:
        """A row of images for each of some random architectures at the present stage."""
        rng = python_random("shared picture", self.seed)
        rows = [self.images_of(self._grown(self.space.sample(rng)), SIDE) for _ in range(SIDE)]
        return torch.stack(rows)

    def weights(self) -> dict[str, Tensor]:
        return {name: one.detach().cpu().contiguous() for name, one in self.average.network.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "reset": self.reset.state_dict(), "done": self.done}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.reset.load_state_dict(state["reset"])
        self.done, self._copy = state["done"], None


def cut(space: SearchSpace, architecture: Architecture, level: int) -> Architecture:
    """The first levels of an architecture that is its own tokens, from 0 to `level`."""
    return architecture[: sum(len(sizes) for sizes in space.tokens[: level + 1])]


def images_of(
    network: SharedNetwork,
    architecture: Architecture,
    recipe: AdversarialRecipe,
    shape: tuple[int, ...],
    count: int,
    seed: int,
    *parts: object,
) -> Tensor:
    """Bytes `sample x 3 x height x width` of an architecture by shared weights, its BatchNorm statistics its own where
    the recipe says so. The network is left with these statistics."""
    network.choose(architecture)
    network.eval()
    if recipe.recalibrate:
        device = next(network.parameters()).device
        noise = noise_batches(shape, recipe.recalibrate * recipe.batch, seed, "recalibrate", batch=recipe.batch)
        recalibrate(network, (batch.to(device) for batch in noise))
    return draw(network, shape, count, seed, "samples", *parts)
