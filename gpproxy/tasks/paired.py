"""Paired training, pix2pix: a generator from inputs to targets against a discriminator that sees both.

In: a generator, pairs to learn from and pairs to measure on, a recipe and a seed. Out: an Objective. `advance` has static
shapes and waits for nothing, as in `gpproxy.tasks.unconditional`. Source: Isola et al., 2017.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.images.image_set import resize, to_bytes, to_unit
from gpproxy.images.jitter import crops, enlarged_side
from gpproxy.images.paired import PairedSet
from gpproxy.seeds import reseed
from gpproxy.tasks.translation_recipe import PairedRecipe
from gpproxy.training.augment import augment
from gpproxy.training.average import Average
from gpproxy.training.losses import loss
from gpproxy.training.optimiser import Optimiser
from gpproxy.training.order import Order
from gpproxy.training.patch_discriminator import patch_discriminator
from gpproxy.training.recalibrate import recalibrate

#: Images that are translated at once where they are measured, and rows of the picture.
CHUNK, ROWS = 32, 6


class Paired:
    """One generator and one conditional PatchGAN.

    Args:
        generator: from inputs to outputs of the same size, both in [-1, 1].
        pairs: what it learns from.
        held_out: what it is measured and pictured on, of the same resolution.
        recipe: how to train.
        seed: of all that is random, the weights of the discriminator too.
        device: where everything is computed and kept.
    """

    def __init__(
        self,
        generator: nn.Module,
        pairs: PairedSet,
        held_out: PairedSet,
        recipe: PairedRecipe,
        *,
        seed: int,
        device: torch.device | str = "cpu",
    ):
        self.device = torch.device(device)
        self.recipe, self.seed, self.held_out, self.side = recipe, seed, held_out, pairs.side
        weights = reseed(torch.Generator(), seed, "discriminator")
        discriminator = patch_discriminator(6, recipe.discriminator_width, recipe.discriminator_layers, weights)
        self.generator = generator.to(self.device)
        self.discriminator = discriminator.to(self.device)
        self.networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        large = enlarged_side(self.side, recipe.jitter)
        self._pairs = [resize(part, large).to(self.device) for part in (pairs.inputs, pairs.targets)]
        self._order = Order(len(pairs), seed)
        betas = (recipe.beta1, recipe.beta2)
        self.generator_optimiser = Optimiser(self.generator, rate=recipe.generator_rate, betas=betas)
        self.discriminator_optimiser = Optimiser(self.discriminator, rate=recipe.discriminator_rate, betas=betas)
        self.average = Average(self.generator, recipe.average)
        self._taken = torch.zeros((), device=self.device)
        self._loss = loss(recipe.loss)
        #: randomness inside a step; `prepare` sets its state
        self.random = torch.Generator(self.device)
        self._crops = torch.Generator()
        #: nothing grows, so one graph holds for all steps
        self.stage = 0
        shape = (recipe.batch, 3, self.side, self.side)
        #: inputs and targets of the step; `prepare` fills them
        self.inputs, self.targets = (torch.zeros(shape, device=self.device) for _ in range(2))

    def step(self, index: int) -> Mapping[str, Tensor]:
        """One discriminator update, then one generator update. See `Objective.step`."""
        self.prepare(index)
        return self.advance()

    def prepare(self, index: int) -> None:
        """Sets what depends on the number of the step: pairs, random state, learning rates, average."""
        recipe = self.recipe
        reseed(self.random, self.seed, "step", index)
        chosen = self._order.batch(index, recipe.batch)
        places = reseed(self._crops, self.seed, "crops", index)
        for buffer, images in zip(
            (self.inputs, self.targets), crops(self._pairs, chosen, self.side, recipe.flip, places)
        ):
            buffer.copy_(to_unit(images))
        self.generator_optimiser.scale(recipe.rate(index))
        self.discriminator_optimiser.scale(recipe.rate(index))
        self._taken.fill_(self.average.taken(index))

    def advance(self) -> dict[str, Tensor]:
        """The work of a step, the same operations every time; its losses."""
        outputs = self.generator(self.inputs)
        numbers = self._judged(torch.cat([self.targets, outputs.detach()]))
        judging = self._loss.discriminator(*numbers.chunk(2))
        self.discriminator_optimiser.descend(judging)
        self.discriminator.requires_grad_(False)
        fooling = self._loss.generator(self._judged(outputs))
        difference = (outputs - self.targets).abs().mean()
        self.generator_optimiser.descend(fooling + self.recipe.reconstruction * difference)
        self.discriminator.requires_grad_(True)
        self.average.update(self._taken)
        return {"discriminator": judging.detach(), "generator": fooling.detach(), "L1": difference.detach()}

    def _judged(self, outputs: Tensor) -> Tensor:
        """The discriminator's numbers for outputs, or targets and outputs, beside the inputs that they belong to."""
        inputs = self.inputs.repeat(len(outputs) // len(self.inputs), 1, 1, 1)
        return self.discriminator(augment(torch.cat([inputs, outputs], 1), self.recipe.augment, self.random))

    def measured(self) -> nn.Module:
        """A copy of the averaged generator, its BatchNorm statistics those of inputs where the recipe says so."""
        network = copy.deepcopy(self.average.network)
        if self.recipe.recalibrate:
            count = min(self.recipe.recalibrate * max(self.recipe.batch, 2), len(self._pairs[0]))
            inputs = resize(self._pairs[0][:count], self.side)
            recalibrate(network, (to_unit(part) for part in inputs.split(CHUNK)))
        return network

    def samples(self, count: int) -> Tensor:
        """Outputs for the first `count` held-out inputs, or for all. See `Objective.samples`."""
        return self.translated(self.held_out.inputs[:count])

    @torch.no_grad()
    def translated(self, inputs: Tensor) -> Tensor:
        """What the measured generator makes of inputs: uint8 `sample x 3 x side x side`, on the CPU."""
        network = self.measured()
        return torch.cat([to_bytes(network(to_unit(part.to(self.device)))).cpu() for part in inputs.split(CHUNK)])

    def picture(self) -> Tensor:
        """Input, output and target of held-out pairs, one row each. See `Objective.picture`."""
        inputs, targets = self.held_out.inputs[:ROWS], self.held_out.targets[:ROWS]
        return torch.stack([inputs, self.translated(inputs), targets], 1)

    def weights(self) -> dict[str, Tensor]:
        """See `Objective.weights`."""
        return {name: one.detach().cpu().contiguous() for name, one in self.measured().state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """See `Objective.state_dict`."""
        networks = {**self.networks, "average": self.average.network}
        state: dict[str, Any] = {name: network.state_dict() for name, network in networks.items()}
        return {
            **state,
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "discriminator_optimiser": self.discriminator_optimiser.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Objective.load_state_dict`."""
        for name, part in {**self.networks, "average": self.average.network}.items():
            part.load_state_dict(state[name])
        self.generator_optimiser.load_state_dict(state["generator_optimiser"])
        self.discriminator_optimiser.load_state_dict(state["discriminator_optimiser"])
