"""Unpaired translation, CycleGAN: two generators, there and back, each against a PatchGAN of its own.

In: TrainingSettings of a space whose generators take images. Out: the task `unpaired` with its recipes `cyclegan`, the
published one (Zhu et al., 2017), and `cyclegan-short`, for many small trainings. What is measured and kept first is the
generator from the first kind of images to the second.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.images.image_set import in_colour, on_background, resize, to_bytes, to_unit
from gpproxy.images.jitter import crops, enlarged
from gpproxy.images.unpaired import UnpairedSet
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
)
from gpproxy.training.architecture import untrained
from gpproxy.training.augment import augment
from gpproxy.training.average import Average
from gpproxy.training.losses import loss
from gpproxy.training.optimiser import Optimiser
from gpproxy.training.order import Order
from gpproxy.training.patch_discriminator import patch_discriminator
from gpproxy.training.pool import ImagePool
from gpproxy.training.recalibrate import recalibrate

#: Names of both directions: from the first kind to the second, and back.
WAYS = ("there", "back")


@dataclass(frozen=True)
class CycleRecipe(TranslationRecipe):
    """How two generators, there and back, learn without pairs.

    Attributes:
        cycle: weight of the mean absolute difference between an image and its way there and back.
        identity: weight, times `cycle`, of what a generator changes in an image of the kind that it makes; 0 saves the
            pass.
        pool: generated images that are kept, so that the discriminator sees earlier ones too; 0 keeps none.
    """

    cycle: float = 10.0
    identity: float = 0.5
    pool: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        not_negative(self, "cycle", "identity", "pool")


class Cycle:
    """Two generators and two discriminators, which see outputs alone.

    Args:
        there: generator from the first kind to the second, in [-1, 1].
        back: generator from the second kind to the first.
        images: what they learn from.
        held_out: what `there` is measured and pictured on, of the same resolution.
        recipe: how to train.
        encode: makes what a generator takes, float32 `sample x channel x height x width`, of images, uint8.
        seed: of all that is random, the weights of the discriminators too.
        device: where everything is computed and kept.
    """

    def __init__(
        self,
        there: nn.Module,
        back: nn.Module,
        images: UnpairedSet,
        held_out: UnpairedSet,
        recipe: CycleRecipe,
        *,
        encode: Callable[[Tensor], Tensor] = to_unit,
        seed: int,
        device: torch.device | str = "cpu",
    ):
        self.device = torch.device(device)
        self.recipe, self.seed, self.held_out, self.size = recipe, seed, held_out, images.size
        self.generators = [there.to(self.device), back.to(self.device)]
        self._encode = encode
        judge = partial(
            patch_discriminator, images.inputs.shape[1], recipe.discriminator_width, recipe.discriminator_layers
        )
        self.discriminators = [judge(reseed(torch.Generator(), seed, "to", way)).to(self.device) for way in WAYS]
        self.networks: dict[str, nn.Module] = {
            **{f"generator {way}": network for way, network in zip(WAYS, self.generators)},
            **{f"discriminator {way}": network for way, network in zip(WAYS, self.discriminators)},
        }
        large = enlarged(self.size, recipe.jitter)
        self._images = [resize(part, large).to(self.device) for part in (images.inputs, images.targets)]
        self._orders = [Order(len(part), seed, kind) for kind, part in zip(("first", "second"), self._images)]
        betas = (recipe.beta1, recipe.beta2)
        self.generator_optimiser = Optimiser(*self.generators, rate=recipe.generator_rate, betas=betas)
        self.discriminator_optimiser = Optimiser(*self.discriminators, rate=recipe.discriminator_rate, betas=betas)
        self.averages = [Average(network, recipe.average) for network in self.generators]
        self.pools = [ImagePool(recipe.pool) for _ in WAYS]
        self._taken = torch.zeros((), device=self.device)
        self._loss = loss(recipe.loss)
        #: randomness of augmentation, and of crops and pools; `step` sets their states
        self.random, self._choices = torch.Generator(self.device), torch.Generator()

    def step(self, index: int) -> Mapping[str, Tensor]:
        """One update of both generators, then one of both discriminators. See `Objective.step`."""
        recipe = self.recipe
        reseed(self.random, self.seed, "step", index)
        reseed(self._choices, self.seed, "choices", index)
        for optimiser in (self.generator_optimiser, self.discriminator_optimiser):
            optimiser.scale(recipe.rate(index))
        reals = [
            self._encode(crops([images], order.batch(index, recipe.batch), self.size, recipe.flip, self._choices)[0])
            for images, order in zip(self._images, self._orders)
        ]
        fakes, drawing = self._generator_update(reals)
        judging = self._discriminator_update(reals, fakes)
        for average in self.averages:
            self._taken.fill_(average.taken(index))
            average.update(self._taken)
        return {"discriminator": judging, **drawing}

    def _generator_update(self, reals: list[Tensor]) -> tuple[list[Tensor], dict[str, Tensor]]:
        """One update of both generators; their outputs, and the losses before it."""
        recipe = self.recipe
        for network in self.discriminators:
            network.requires_grad_(False)
        fakes = [network(real) for network, real in zip(self.generators, reals)]
        returned = [network(fake) for network, fake in zip(reversed(self.generators), fakes)]
        fooling = torch.stack([self._loss.generator(self._judged(way, fake)) for way, fake in enumerate(fakes)]).sum()
        parts = {"generator": fooling, "cycle": _difference(returned, reals)}
        total = fooling + recipe.cycle * parts["cycle"]
        if recipe.identity:
            kept = [network(real) for network, real in zip(self.generators, reversed(reals))]
            parts["identity"] = _difference(kept, list(reversed(reals)))
            total = total + recipe.cycle * recipe.identity * parts["identity"]
        self.generator_optimiser.descend(total)
        for network in self.discriminators:
            network.requires_grad_(True)
        return [fake.detach() for fake in fakes], {name: value.detach() for name, value in parts.items()}

    def _discriminator_update(self, reals: list[Tensor], fakes: list[Tensor]) -> Tensor:
        """One update of both discriminators, on outputs that went through the pools; the mean of their losses before.

        The discriminator of a way compares its outputs with real images of the kind that it leads to.
        """
        values = []
        for way, (fake, real) in enumerate(zip(fakes, reversed(reals))):
            seen = self.pools[way].exchange(fake, self._choices)
            numbers = self._judged(way, torch.cat([real, seen]))
            values.append(self._loss.discriminator(*numbers.chunk(2)))
        total = torch.stack(values).sum()
        self.discriminator_optimiser.descend(total)
        return total.detach() / 2

    def _judged(self, way: int, images: Tensor) -> Tensor:
        return self.discriminators[way](augment(in_colour(images), self.recipe.augment, self.random))

    def measured(self, way: int = 0) -> nn.Module:
        """A copy of an averaged generator, its BatchNorm statistics those of its inputs where the recipe says so."""
        network = copy.deepcopy(self.averages[way].network)
        if self.recipe.recalibrate:
            count = min(self.recipe.recalibrate * max(self.recipe.batch, 2), len(self._images[way]))
            inputs = resize(self._images[way][:count], self.size)
            recalibrate(network, (self._encode(part) for part in inputs.split(CHUNK)))
        return network

    def samples(self, count: int) -> Tensor:
        """Outputs for the first `count` held-out images of the first kind, or for all. See `Objective.samples`."""
        return on_background(self._translated(self.held_out.inputs[:count]))

    @torch.no_grad()
    def _translated(self, inputs: Tensor, way: int = 0) -> Tensor:
        """What a measured generator makes of inputs: uint8 in the channels of the data, on the CPU."""
        network = self.measured(way)
        parts = (network(self._encode(part.to(self.device))) for part in inputs.split(CHUNK))
        return torch.cat([in_colour(to_bytes(part)).cpu() for part in parts])

    def held_out_losses(self) -> Mapping[str, float]:
        """See `Objective.held_out_losses`: adversarial losses say nothing about how good images are."""
        return {}

    def picture(self) -> Tensor:
        """Image, translation and its way back, one held-out image per row. See `Objective.picture`."""
        inputs = self.held_out.inputs[:ROWS]
        outputs = self._translated(inputs)
        parts = (inputs, outputs, self._translated(outputs, 1))
        return torch.stack([on_background(part) for part in parts], 1)

    def weights(self) -> dict[str, Tensor]:
        """The generator there with plain names, as a generator of the space takes them. See `Objective.weights`."""
        return {name: one.detach().cpu().contiguous() for name, one in self.measured().state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """See `Objective.state_dict`."""
        state: dict[str, Any] = {name: network.state_dict() for name, network in self.networks.items()}
        for way, average, pool in zip(WAYS, self.averages, self.pools):
            state |= {f"average {way}": average.network.state_dict(), f"pool {way}": pool.state_dict()}
        return {
            **state,
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "discriminator_optimiser": self.discriminator_optimiser.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Objective.load_state_dict`."""
        for name, network in self.networks.items():
            network.load_state_dict(state[name])
        for way, average, pool in zip(WAYS, self.averages, self.pools):
            average.network.load_state_dict(state[f"average {way}"])
            pool.load_state_dict(state[f"pool {way}"], self.device)
        self.generator_optimiser.load_state_dict(state["generator_optimiser"])
        self.discriminator_optimiser.load_state_dict(state["discriminator_optimiser"])


def _difference(images: list[Tensor], originals: list[Tensor]) -> Tensor:
    """Sum over both kinds of the mean absolute difference."""
    return torch.stack([(a - b).abs().mean() for a, b in zip(images, originals)]).sum()


@task("unpaired")
class Unpaired(TranslationTask):
    """From images of one kind to images of another, without pairs."""

    title = "unpaired image translation"
    takes = ("images",)
    paired = False
    captured = False
    pictured = "Columns: held-out image, translation and its way back."
    #: 200 passes over the 1,334 zebras of horse2zebra
    presets = {
        "cyclegan": CycleRecipe(**{**PUBLISHED, "steps": 266_800, "loss": "least-squares", "recalibrate": 0}),
        "cyclegan-short": CycleRecipe(**{**SHORT, "loss": "least-squares"}),
    }

    def objective(self, code: str, seed: int, times: int = 1) -> Cycle:
        data, recipe = self.images, self.recipe_of(times)
        assert isinstance(recipe, CycleRecipe)
        assert isinstance(data.learn, UnpairedSet) and isinstance(data.held_out, UnpairedSet)
        check_size(data.size, recipe)
        there, back = (untrained(self.space, code, seed, name) for name in ("generator", "generator back"))
        return Cycle(
            there, back, data.learn, data.held_out, recipe, encode=self.encode, seed=seed, device=self.settings.device
        )
