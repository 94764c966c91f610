"""Unconditional generation: a generator from noise to images against a discriminator.

In: TrainingSettings of a space whose generators draw from noise. Out: the task `unconditional` with its recipes
`short`, for many small trainings, and `autogan`, the published one (Gong et al., 2019, section 4 and its code).
Generators of grey images learn from grey images, which stand in all three channels for the discriminator and for what
measures them. Generators of RGBA learn from pictures with their transparency; measured they are over white. Images need
not be square: the middle of each picture is taken in the generators' proportions.

Everything stays on the device, and `advance` has static shapes and waits for nothing, so that
`gpproxy.training.cuda_graph` can capture it. What was measured on a CPU core at 16 to 32 channels and pixels:
channels-last memory takes a third off the convolutions, real and generated images in one discriminator pass save a
spectral norm, fused Adam takes a quarter of the time of the other forms, and generated images that are judged twice
save a pass of the generator.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError
from gpproxy.images.image_set import ImageSet, in_colour, to_unit
from gpproxy.search_spaces.discriminator import Discriminator, Ungrown
from gpproxy.search_spaces.space import SearchSpace
from gpproxy.seeds import numbered, reseed
from gpproxy.tasks.discriminator import untrained_discriminator
from gpproxy.tasks.drawing import DrawingTask
from gpproxy.tasks.registry import task
from gpproxy.training.architecture import untrained
from gpproxy.training.augment import augment, flip
from gpproxy.training.average import Average
from gpproxy.training.draw import draw, noise_batches
from gpproxy.training.losses import gradient_penalty, loss
from gpproxy.training.optimiser import Optimiser
from gpproxy.training.recalibrate import recalibrate
from gpproxy.training.recipe import AdversarialRecipe, SharedRecipe

#: Rows and columns of the picture.
SIDE = 8


#: What the published final training and the published search have in common (Gong et al., 2019, section 4, and code).
PUBLISHED: dict[str, Any] = {
    "batch": 128, "critic_steps": 5, "generator_rate": 2e-4, "discriminator_rate": 2e-4,
    "decay": "constant", "share": False, "augment": (), "flip": False,
}  # fmt: skip


class Adversarial:
    """One generator and one discriminator.

    Args:
        generator: from noise, `sample x ...`, to images in [-1, 1], of three channels, grey ones of one, or RGBA.
        discriminator: from images, three channels for grey, and a stage of growth to one number each.
        images: real images, uint8 `sample x channel x height x width`.
        recipe: how to train.
        noise: shape of the noise of one image.
        seed: of all that is random.
        device: where everything is computed and kept.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: Discriminator | Ungrown,
        images: Tensor,
        recipe: AdversarialRecipe,
        *,
        noise: tuple[int, ...],
        seed: int,
        device: torch.device | str = "cpu",
    ):
        self.device = torch.device(device)
        self.recipe, self.seed, self.shape = recipe, seed, noise
        place: dict[str, Any] = {"device": self.device, "memory_format": torch.channels_last}
        self.generator, self.discriminator = generator.to(**place), discriminator.to(**place)
        self.networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        self.images = images.to(self.device)
        betas = (recipe.beta1, recipe.beta2)
        self.generator_optimiser = Optimiser(self.generator, rate=recipe.generator_rate, betas=betas)
        self.discriminator_optimiser = Optimiser(self.discriminator, rate=recipe.discriminator_rate, betas=betas)
        self.average = Average(self.generator, recipe.average)
        self._taken = torch.zeros((), device=self.device)
        self._loss = loss(recipe.loss)
        #: all randomness of a step; `prepare` sets its state
        self.random = torch.Generator(self.device)
        #: stage of growth of the discriminator; `prepare` sets it
        self.stage = 0
        #: what the present weights are measured with, once it was asked for
        self._measured: nn.Module | None = None

    def step(self, index: int) -> Mapping[str, Tensor]:
        """Discriminator updates, then one generator update. See `Objective.step`."""
        self.prepare(index)
        return self.advance()

    def prepare(self, index: int) -> None:
        """Sets what depends on the number of the step: random state, learning rates, average, growth."""
        self._measured = None
        reseed(self.random, self.seed, "step", index)
        factor = self.recipe.rate(index)
        self.generator_optimiser.scale(factor)
        self.discriminator_optimiser.scale(factor)
        self._taken.fill_(self.average.taken(index))
        self.stage = self.recipe.stage(index, self.discriminator.STAGES)

    def advance(self) -> dict[str, Tensor]:
        """The work of a step, the same operations every time; its losses."""
        recipe = self.recipe
        for turn in range(recipe.critic_steps):
            self.turn()
            kept = recipe.share and turn == recipe.critic_steps - 1
            with torch.set_grad_enabled(kept):
                fakes = self._fakes(recipe.critic_batch)
            judging = self._discriminator_update(fakes.detach())
        if not recipe.share:
            fakes = self._fakes(recipe.batch)
        drawing = self._generator_update(fakes)
        self.average.update(self._taken)
        return {"discriminator": judging, "generator": drawing}

    def turn(self) -> None:
        """Called before each discriminator update: here an objective of several generators chooses one."""

    def _fakes(self, count: int) -> Tensor:
        return in_colour(self.generator(torch.randn(count, *self.shape, device=self.device, generator=self.random)))

    def _reals(self, count: int) -> Tensor:
        chosen = torch.randint(len(self.images), (count,), device=self.device, generator=self.random)
        images = self.images[chosen]
        return to_unit(flip(images, self.random) if self.recipe.flip else images)

    def _judged(self, images: Tensor, kind: str = "drawn") -> Tensor:
        """The discriminator's numbers for images that were `drawn`, for `real` ones, or for `both`, real ones first."""
        seen = augment(images, self.recipe.augment, self.random).contiguous(memory_format=torch.channels_last)
        parts = seen.chunk(2) if kind == "both" and self.discriminator.apart else (seen,)
        return torch.cat([self.discriminator(part, self.stage) for part in parts])

    def _discriminator_update(self, fakes: Tensor) -> Tensor:
        """One update of the discriminator from real and generated images in one pass; its loss before."""
        reals = self._reals(len(fakes))
        real, fake = self._judged(torch.cat([reals, fakes]), "both").chunk(2)
        value = self._loss.discriminator(real, fake)
        if self.recipe.gradient_penalty:
            penalty = gradient_penalty(lambda images: self._judged(images, "real"), reals, fakes, self.random)
            value = value + self.recipe.gradient_penalty * penalty
        self.discriminator_optimiser.descend(value)
        return value.detach()

    def _generator_update(self, fakes: Tensor) -> Tensor:
        """One update of the generator from images with their graph; its loss before."""
        # The discriminator is only passed through: no gradients for it, no turn of its power iteration.
        self.discriminator.eval().requires_grad_(False)
        others = (self._judged(self._reals(len(fakes)), "real"),) if self._loss.relativistic else ()
        value = self._loss.generator(self._judged(fakes), *others)
        self.generator_optimiser.descend(value)
        self.discriminator.train().requires_grad_(True)
        return value.detach()

    def measured(self) -> nn.Module:
        """A copy of the averaged generator, its BatchNorm statistics recalibrated where the recipe says so."""
        if self._measured is not None:
            return self._measured
        network = copy.deepcopy(self.average.network)
        if self.recipe.recalibrate:
            count = self.recipe.recalibrate * self.recipe.batch
            noise = noise_batches(self.shape, count, self.seed, "recalibrate", batch=self.recipe.batch)
            recalibrate(self.of_noise(network), (batch.to(self.device) for batch in noise))
        self._measured = network
        return network

    def of_noise(self, network: nn.Module) -> nn.Module:
        """A generator as one that takes noise alone; the same where it does."""
        return network

    def samples(self, count: int) -> Tensor:
        """See `Objective.samples`."""
        return draw(self.of_noise(self.measured()), self.shape, count, self.seed, "samples")

    def held_out_losses(self) -> Mapping[str, float]:
        """See `Objective.held_out_losses`: adversarial losses say nothing about how good images are."""
        return {}

    def picture(self) -> Tensor:
        """See `Objective.picture`."""
        images = draw(self.measured(), self.shape, SIDE * SIDE, self.seed, "picture")
        return images.view(SIDE, SIDE, *images.shape[1:])

    def weights(self) -> dict[str, Tensor]:
        """See `Objective.weights`."""
        return {name: one.detach().cpu().contiguous() for name, one in self.measured().state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """See `Objective.state_dict`."""
        parts: dict[str, Any] = {**self.networks, "average": self.average.network}
        parts |= {
            "generator_optimiser": self.generator_optimiser,
            "discriminator_optimiser": self.discriminator_optimiser,
        }
        return {name: part.state_dict() for name, part in parts.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Objective.load_state_dict`."""
        self._measured = None
        for name, part in {**self.networks, "average": self.average.network}.items():
            part.load_state_dict(state[name])
        self.generator_optimiser.load_state_dict(state["generator_optimiser"])
        self.discriminator_optimiser.load_state_dict(state["discriminator_optimiser"])


def adversarial(
    space: SearchSpace, code: str, images: ImageSet, recipe: AdversarialRecipe, seed: int, device: str = "cpu"
) -> Adversarial:
    """The untrained networks of an architecture, ready to train.

    Raises SpaceError for a code of another space, ConfigError where it draws images of another shape than `images`.
    """
    generator = untrained(space, code, seed)
    refuse_other_shapes(space, code, generator, images)
    judge = untrained_discriminator(space, images, recipe, reseed(torch.Generator(), seed, "discriminator"))
    return Adversarial(
        generator.train(), judge, images.images, recipe, noise=space.input_shape, seed=seed, device=device
    )


def refuse_other_shapes(space: SearchSpace, code: str, generator: nn.Module, images: ImageSet) -> None:
    """Raises ConfigError where a generator draws images of another shape than `images`."""
    batch = replace(space.batch(2, numbered(0)), output=None)  # it returns the image alone
    with torch.no_grad():
        drawn = in_colour(batch.call(generator.eval()))
    if drawn.shape[1:] != images.images.shape[1:]:
        ours, theirs = (" x ".join(map(str, shape[1:])) for shape in (drawn.shape, images.images.shape))
        raise ConfigError(
            f"The generator {code} of {space.name} draws images of {ours}, but others of the space draw {theirs}, "
            f"which is what {images.name} is read at: all generators of a space draw one shape."
        )


@task("unconditional")
class Unconditional(DrawingTask):
    """From noise to images like those of a data set."""

    title = "unconditional generation"
    takes = ("noise",)
    #: In `autogan` the rates stay constant and the whole discriminator is there from the start, as in the published
    #: final training; its growth belongs to the published search, whose shared weights are trained by `autogan-search`:
    #: 65 rounds of 15 epochs; those of EAGAN (Ying et al., 2022) by `eagan-search`: 200 epochs, 40 of them before the
    #: population is trained in place of random generators. In both BatchNorm statistics are those of the architecture
    #: at hand, and not as published an average over all that were trained; and a collapse is the business of the
    #: dynamic reset.
    presets = {
        "short": AdversarialRecipe(),
        "autogan": AdversarialRecipe(
            steps=50_000,
            **PUBLISHED,
            discriminator_width=128,
            recalibrate=0,
        ),
        "autogan-search": SharedRecipe(
            steps=152_360,
            **PUBLISHED,
            average=0.0,
            growth=(15 / 65, 35 / 65),
            discriminator_width=64,
            recalibrate=4,
            checks=(0.25, 0.5, 1.0),
            collapse_loss=0.0,
            collapse_spread=0.0,
        ),
        "eagan-search": SharedRecipe(
            steps=50_000,
            **{**PUBLISHED, "batch": 80},
            critic_batch=40,
            average=0.0,
            discriminator="simple",
            warm_up=0.2,
            recalibrate=4,
            checks=(0.25, 0.5, 1.0),
            collapse_loss=0.0,
            collapse_spread=0.0,
        ),
    }
    widths = {("autogan", "autogan"): 256, ("autogan-search", "autogan"): 128}
    #: which the discriminator halves twice
    smallest = Discriminator.SMALLEST

    def objective(self, code: str, seed: int, times: int = 1) -> Adversarial:
        recipe = self.recipe_of(times)
        assert isinstance(recipe, AdversarialRecipe)
        return adversarial(self.space, code, self.images, recipe, seed, self.settings.device)

    def outputs(self, generator: nn.Module, seed: int) -> Tensor:
        return draw(generator, self.space.input_shape, self.samples, seed, "samples")
