"""What spaces of generators that draw images share: sizes, and the loss against a fixed discriminator.

In: settings. Out: a base class, to stand before `ProductSpace` or another one that says what the architectures are.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gpproxy.errors import ConfigError
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.discriminator import fixed_discriminator, hinge_generator
from gpproxy.search_spaces.space import SearchSpace


class DrawingSpace(SearchSpace):
    """Generators from a vector of noise to square images of three channels, which double the resolution three times."""

    @dataclass(frozen=True)
    class Settings(SearchSpace.Settings):
        """Attributes:
        width: channels of all cells.
        latent: size of the noise vector.
        resolution: side of the images in pixels, a multiple of 8.
        discriminator_width: channels of the fixed discriminator behind the loss.
        """

        width: int = 32
        latent: int = 128
        resolution: int = 32
        discriminator_width: int = 32

        def __post_init__(self) -> None:
            if self.resolution < 16 or self.resolution % 8:
                raise ConfigError(f"resolution must be a multiple of 8 pixels from 16 on, but is {self.resolution}.")
            self._positive("width", "latent", "discriminator_width")

        def _positive(self, *names: str) -> None:
            """Raises ConfigError for a setting below 1."""
            for name in names:
                if getattr(self, name) < 1:
                    raise ConfigError(f"{name} must be at least 1, but is {getattr(self, name)}.")

    settings: Settings

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.settings.latent,)

    @property
    def image_shape(self) -> tuple[int, ...]:
        return (3, self.settings.resolution, self.settings.resolution)

    @property
    def matching_width(self) -> int:
        """As wide as the generators."""
        return self.settings.width

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Hinge loss against an untrained discriminator that is the same for all architectures."""
        width = self.settings.discriminator_width
        return hinge_generator(fixed_discriminator(width, outputs.device, outputs.dtype)(outputs))
