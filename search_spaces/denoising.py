"""What spaces of denoising networks share: how an untrained one is looked at."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gpproxy.errors import ConfigError
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.edm import LEVELS, ladder, noisy_batch
from gpproxy.search_spaces.images import pink_noise
from gpproxy.search_spaces.product import ProductSpace
from gpproxy.search_spaces.space import Takes


class DenoisingSpace(ProductSpace):
    """Networks F of `gpproxy.search_spaces.edm`.

    They are looked at with noisy images on a ladder of noise levels, one level per sample. What is visible is the noisy
    image alone; the level is the condition, and what F should give of it the target.
    """

    @dataclass(frozen=True)
    class Settings(ProductSpace.Settings):
        """Attributes:
        resolution: side of the images in pixels, a multiple of 4.
        """

        resolution: int = 16

        def __post_init__(self) -> None:
            if self.resolution < 8 or self.resolution % 4:
                raise ConfigError(f"resolution must be a multiple of 4 pixels from 8 on, but is {self.resolution}.")

    settings: Settings
    takes: Takes = "noisy images"

    @property
    def image_shape(self) -> tuple[int, ...]:
        return (3, self.settings.resolution, self.settings.resolution)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.image_shape

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        images = pink_noise(count, self.settings.resolution, generator)
        noise = torch.randn(images.shape, generator=generator)
        return noisy_batch(images, ladder().repeat(-(-count // LEVELS))[:count], noise)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Mean squared error, which weighs the noise levels as a training does."""
        return (outputs - batch.answers).square().mean()
