"""Super-resolution: a network learns to enlarge images whose small versions it is given.

In: TrainingSettings of a space whose generators take small images. Out: the task `super-resolution` with its recipes
`sr`, the budget of the BASS data set, and `sr-short`. Images are read at the size that comes out; small ones are made
of them by an antialiased bicubic filter. Everything is in [0, 1], as networks with a last ReLU need it.

The first measure is the mean squared error on held-out images, as PSNR = -10 log10 of it in dB, over all pixels and
channels (RGB) of all images; beside it stand the means over images of L1, PSNR and SSIM.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.images.image_set import to_bytes
from gpproxy.quality.fidelity import fidelity
from gpproxy.quality.measure import Quality, frechet_to
from gpproxy.search_spaces.bass import halved
from gpproxy.search_spaces.losses import l1
from gpproxy.tasks.drawing import DrawingTask
from gpproxy.tasks.loss_objective import LossObjective, LossRecipe
from gpproxy.tasks.registry import task
from gpproxy.training.architecture import untrained
from gpproxy.training.loop import Measure

#: The measure that chooses the best check, in dB; lower is better.
ERROR = "error"
#: Images of the picture, in rows of small (enlarged without learning), made and true; images that are enlarged at once.
ROWS, CHUNK = 6, 64


class Enlarger(LossObjective):
    """One network that enlarges images.

    Args:
        network: from small images to large ones, in [0, 1].
        images: large ones to learn from, uint8 `sample x 3 x side x side`.
        held_out: large ones to be measured on.
        recipe, seed, device: see LossObjective.
    """

    loss_name = "L1"

    def __init__(
        self,
        network: nn.Module,
        images: Tensor,
        held_out: Tensor,
        recipe: LossRecipe,
        *,
        seed: int,
        device: torch.device | str = "cpu",
    ):
        super().__init__(network, recipe, seed=seed, device=device)
        self.images, self.targets = images.to(self.device), held_out

    def loss(self) -> Tensor:
        """Mean absolute difference from the large images (Lim et al., 2017)."""
        large = (self.drawn_from(self.images) + 1) / 2
        return l1(self.generator(halved(large)), large)

    def held_out_losses(self) -> Mapping[str, float]:
        """See `Objective.held_out_losses`: what is made of held-out images is measured as images."""
        return {}

    def samples(self, count: int) -> Tensor:
        """See `Objective.samples`: the first held-out images, or all, halved and enlarged."""
        return enlarged(self.measured(), self.targets[:count])

    def picture(self) -> Tensor:
        """See `Objective.picture`: pixels repeated, made, true."""
        true = self.targets[:ROWS]
        small = to_bytes(2 * halved(true.float() / 255) - 1)
        repeated = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
        return torch.stack([repeated, enlarged(self.measured(), true), true], 1)


@torch.no_grad()
def enlarged(network: nn.Module, large: Tensor) -> Tensor:
    """What a network makes of the halves of large images: uint8 of their shape, on the CPU."""
    device = next(network.parameters()).device
    parts = [network(halved(part.to(device).float() / 255)) for part in large.split(CHUNK)]
    return torch.cat([to_bytes(2 * part - 1).cpu() for part in parts])


def error(images: Tensor, targets: Tensor) -> float:
    """Mean squared error in dB of the full range, over everything; lower is better, -infinite for equal images."""
    pairs = zip(images.split(CHUNK), targets.split(CHUNK))
    squares = [(one.double() - other.double()).square().mean((1, 2, 3)) for one, other in pairs]
    return float(10 * (torch.cat(squares).mean() / 255**2).log10())


@task("super-resolution")
class SuperResolution(DrawingTask):
    """From small images to large ones."""

    title = "super-resolution"
    takes = ("small images",)
    pictured = "Columns: small image with its pixels repeated, what is made of it, and the true one."
    presets = {
        "sr": LossRecipe(steps=2_500, batch=64, generator_rate=3e-4, average=0.0),
        "sr-short": LossRecipe(steps=300, batch=32, generator_rate=1e-3, average=0.98, warm_up=30),
    }

    @cached_property
    def targets(self) -> Tensor:
        """The held-out images."""
        return self.real().images[: self.settings.samples]

    @property
    def samples(self) -> int:
        return len(self.targets)

    @property
    def main(self) -> str:
        """The error on held-out images, whatever compares features beside it."""
        return ERROR

    @cached_property
    def measure(self) -> Measure | None:
        network = self.extractor

        def measured(images: Tensor) -> Mapping[str, float]:
            targets = self.targets[: len(images)]
            near = fidelity(images, targets)
            errors = {f"{name} error": value for name, value in near.errors.items()}
            distance = {} if network is None else {self.distance: frechet_to(images, self.reference, network)}
            return {ERROR: error(images, targets), **near.values, **errors, **distance}

        return measured

    @cached_property
    def facts(self) -> dict[str, Any]:
        return {"reference_digest": self.real().digest, **super().facts}

    def measured(self, images: Tensor) -> Quality:
        found, near = super().measured(images), fidelity(images, self.targets)
        return replace(found, values={**found.values, **near.values}, errors={**found.errors, **near.errors})

    def objective(self, code: str, seed: int, times: int = 1) -> Enlarger:
        recipe = self.recipe_of(times)
        assert isinstance(recipe, LossRecipe)
        network, device = untrained(self.space, code, seed), self.settings.device
        return Enlarger(network, self.images.images, self.targets, recipe, seed=seed, device=device)

    def outputs(self, generator: nn.Module, seed: int) -> Tensor:
        return enlarged(generator, self.targets)
