"""Paired translation, pix2pix: a generator from inputs to targets against a discriminator that sees both.

In: TrainingSettings of a space whose generators take images, or label maps. Out: the task `paired` with its recipes
`pix2pix`, the published one (Isola et al., 2017), and `pix2pix-short`, for many small trainings. Generators that take
label maps learn from pairs whose inputs are pictures of labels: see `gpproxy.images.labels`.

`advance` has static shapes and waits for nothing, as in `gpproxy.tasks.unconditional`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.images.image_set import in_colour, on_background, resize, seen, to_unit
from gpproxy.images.jitter import crops, enlarged
from gpproxy.images.labels import LabelMaps
from gpproxy.images.paired import PairedSet
from gpproxy.seeds import reseed
from gpproxy.tasks.registry import task
from gpproxy.tasks.translation import (
    CHUNK,
    PUBLISHED,
    ROWS,
    SHORT,
    TranslationRecipe,
    TranslationTask,
    check_size,
    not_negative,
    unit_of,
)
from gpproxy.training.architecture import untrained
from gpproxy.training.augment import augment
from gpproxy.training.average import Average
from gpproxy.training.losses import loss
from gpproxy.training.optimiser import Optimiser
from gpproxy.training.order import Order
from gpproxy.training.patch_discriminator import patch_discriminator
from gpproxy.training.recalibrate import recalibrate


@dataclass(frozen=True)
class PairedRecipe(TranslationRecipe):
    """How a generator learns from pairs.

    Attributes:
        reconstruction: weight of the mean absolute difference from the target, beside the adversarial loss.
    """

    reconstruction: float = 100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        not_negative(self, "reconstruction")


class Conditional:
    """One generator and one conditional PatchGAN.

    Args:
        generator: from inputs to outputs of the same size, both in [-1, 1]; outputs have the channels of the targets,
            or one for grey.
        pairs: what it learns from.
        held_out: what it is measured and pictured on, of the same resolution.
        recipe: how to train.
        encode: makes what the generator takes, float32 `sample x channel x height x width`, of input images, uint8.
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
        encode: Callable[[Tensor], Tensor] = to_unit,
        seed: int,
        device: torch.device | str = "cpu",
    ):
        self.device = torch.device(device)
        self.encode = encode
        self.recipe, self.seed, self.held_out, self.size = recipe, seed, held_out, pairs.size
        weights = reseed(torch.Generator(), seed, "discriminator")
        channels, made = encode(pairs.inputs[:1]).shape[1], pairs.targets.shape[1]
        discriminator = patch_discriminator(
            channels + made, recipe.discriminator_width, recipe.discriminator_layers, weights
        )
        self.generator = generator.to(self.device)
        self.discriminator = discriminator.to(self.device)
        self.networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        large = enlarged(self.size, recipe.jitter)
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
        #: inputs and targets of the step; `prepare` fills them
        self.inputs, self.targets = (
            torch.zeros(recipe.batch, count, *self.size, device=self.device) for count in (channels, made)
        )

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
        inputs, targets = crops(self._pairs, chosen, self.size, recipe.flip, places)
        self.inputs.copy_(self.encode(inputs))
        self.targets.copy_(to_unit(targets))
        self.generator_optimiser.scale(recipe.rate(index))
        self.discriminator_optimiser.scale(recipe.rate(index))
        self._taken.fill_(self.average.taken(index))

    def advance(self) -> dict[str, Tensor]:
        """The work of a step, the same operations every time; its losses."""
        outputs = in_colour(self.generator(self.inputs))
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
            inputs = resize(self._pairs[0][:count], self.size)
            recalibrate(network, (self.encode(part) for part in inputs.split(CHUNK)))
        return network

    def samples(self, count: int) -> Tensor:
        """Outputs for the first `count` held-out inputs, or for all. See `Objective.samples`."""
        return self.translated(self.held_out.inputs[:count])

    @torch.no_grad()
    def translated(self, inputs: Tensor) -> Tensor:
        """What the measured generator makes of inputs: uint8 `sample x 3 x height x width`, on the CPU."""
        network = self.measured()
        return torch.cat([seen(network(self.encode(part.to(self.device)))).cpu() for part in inputs.split(CHUNK)])

    def held_out_losses(self) -> Mapping[str, float]:
        """See `Objective.held_out_losses`: adversarial losses say nothing about how good images are."""
        return {}

    def picture(self) -> Tensor:
        """Input, output and target of held-out pairs, one row each. See `Objective.picture`."""
        inputs, targets = self.held_out.inputs[:ROWS], self.held_out.targets[:ROWS]
        return torch.stack([on_background(inputs), self.translated(inputs), on_background(targets)], 1)

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


@task("paired")
class Paired(TranslationTask):
    """From inputs to the targets that belong to them."""

    title = "paired image translation"
    takes = ("images", "labels")
    paired = True
    pictured = "Columns: input, output and target of held-out pairs."
    #: 200 passes over the 400 pairs of facades
    presets = {
        "pix2pix": PairedRecipe(**{**PUBLISHED, "steps": 80_000, "loss": "vanilla"}),
        "pix2pix-short": PairedRecipe(**{**SHORT, "loss": "hinge"}),
    }

    @cached_property
    def encode(self) -> Callable[[Tensor], Tensor]:
        """Images in [-1, 1], or label maps with as many classes as the space has, in the colours of the inputs."""
        if self.space.takes != "labels":
            return unit_of(self.space.input_shape[0])
        return LabelMaps.of(self.images.learn.inputs, self.space.input_shape[0] - 1)

    def about(self, code: str, seed: int, times: int = 1) -> dict[str, Any]:
        labels = {"inputs": f"label maps of {self.space.input_shape[0] - 1} classes"}
        return {**super().about(code, seed, times), **(labels if self.space.takes == "labels" else {})}

    def objective(self, code: str, seed: int, times: int = 1) -> Conditional:
        data, recipe = self.images, self.recipe_of(times)
        assert isinstance(recipe, PairedRecipe)
        assert isinstance(data.learn, PairedSet) and isinstance(data.held_out, PairedSet)
        check_size(data.size, recipe)
        generator, device = untrained(self.space, code, seed, "generator"), self.settings.device
        return Conditional(generator, data.learn, data.held_out, recipe, encode=self.encode, seed=seed, device=device)
