"""What the tasks of generators that draw images share: the data set that they learn from and are compared with.

In: TrainingSettings. Out: the base of the tasks `unconditional`, `denoising`, `autoencoding` and `super-resolution`.
Images are read at the size and with the channels that the generators of the space draw.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import ClassVar

from torch import Tensor

from gpproxy.errors import ConfigError
from gpproxy.images.image_set import CHANNELS, ImageSet, on_background
from gpproxy.images.load import learnt_split, load
from gpproxy.tasks.task import Task


class DrawingTask(Task):
    """From noise to images like those of a data set."""

    #: Smallest height and width of images that can be learnt from, in pixels.
    smallest: ClassVar[int] = 1

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Of the images that are learnt from and drawn: by default what generators put out."""
        return self.space.image_shape

    @cached_property
    def images(self) -> ImageSet:
        """The split that generators learn from, of STL-10 with the unlabeled images; grey for generators of grey."""
        return self._load(learnt_split(self.settings.data), self.settings.limit or None)

    def real(self) -> ImageSet:
        found = self._load(self.settings.split, None)
        return replace(found, images=on_background(found.images))

    @cached_property
    def held_out(self) -> ImageSet:
        """The split that generators are measured on, as it is: what a loss on images that were not learnt is of."""
        return self._load(self.settings.split, None)

    @property
    def measured_on(self) -> str:
        return f"{self.held_out.name}/{self.held_out.split}"

    def of_channels(self, images: ImageSet) -> Tensor:
        """Images with the channels that the generators draw; grey ones have three equal channels."""
        return images.images[:, : self.image_shape[0]]

    def _load(self, split: str, limit: int | None) -> ImageSet:
        settings, shape = self.settings, self.image_shape
        if len(shape) != 3 or shape[0] not in CHANNELS or min(shape[1:]) < self.smallest:
            raise ConfigError(
                f"The generators of {self.space.name} draw {' x '.join(map(str, shape))}, and a training takes images: "
                "channel x height x width, 1 channel for grey, 3 for RGB or 4 for RGBA, and a height and width of "
                f"{self.smallest} pixels or more. Let the space's generators end in such images."
            )
        return load(
            settings.data,
            split,
            resolution=shape[1:],
            folder=settings.data_folder or None,
            download=settings.download,
            limit=limit,
            channels=shape[0],
        )
