"""What a translation is learnt from and what it is measured on, paired or not.

In: a name, and whether pairs belong together. Out: a Translation of two splits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import torch
from torch import Tensor

from gpproxy.errors import ImageError
from gpproxy.images.image_set import ImageSet, Size, on_background, pixels
from gpproxy.images.paired import DIRECTIONS, PairedSet, load_pairs
from gpproxy.images.unpaired import UnpairedSet, load_unpaired


@dataclass(frozen=True)
class Translation:
    """Two splits of one data set, of one kind and one resolution.

    Attributes:
        learn: what generators learn from.
        held_out: what they are measured on.
    """

    learn: PairedSet | UnpairedSet
    held_out: PairedSet | UnpairedSet

    def __post_init__(self) -> None:
        kinds = type(self.learn), type(self.held_out)
        if kinds[0] is not kinds[1] or self.learn.size != self.held_out.size:
            raise ImageError(
                f"Both splits of {self.name} have one kind and one size, but these are {kinds[0].__name__} of "
                f"{pixels(self.learn.size)} and {kinds[1].__name__} of {pixels(self.held_out.size)} pixels."
            )

    def __len__(self) -> int:
        return len(self.learn.inputs)

    @property
    def paired(self) -> bool:
        """Whether the targets belong to the inputs."""
        return isinstance(self.learn, PairedSet)

    @property
    def name(self) -> str:
        """The data set."""
        return self.learn.name

    @property
    def split(self) -> str:
        """Both splits, for example `train and test`."""
        return f"{self.learn.split} and {self.held_out.split}"

    @property
    def size(self) -> Size:
        """Height and width in pixels."""
        return self.learn.size

    @cached_property
    def digest(self) -> str:
        """16 hex digits that name exactly these images."""
        return hashlib.sha256(f"{self.learn.digest} {self.held_out.digest}".encode()).hexdigest()[:16]

    @property
    def targets(self) -> Tensor | None:
        """The targets of the held-out inputs, as measures see them; None where they do not belong together."""
        return on_background(self.held_out.targets) if self.paired else None

    def real(self) -> ImageSet:
        """The images that outputs should resemble: held-out targets of pairs; without pairs all of that kind.

        Source: GAN Compression (Li et al., 2020) takes these for its FID.
        """
        if self.paired:
            return ImageSet(f"{self.name} targets", self.held_out.split, on_background(self.held_out.targets))
        both = torch.cat([self.learn.targets, self.held_out.targets])
        return ImageSet(f"{self.name} targets", self.split, on_background(both))


def load_translation(
    name: str,
    paired: bool,
    *,
    split: str = "test",
    resolution: int | Size | None = None,
    folder: str | Path | None = None,
    direction: str = DIRECTIONS[0],
    limit: int | None = None,
    channels: tuple[int, int] = (3, 3),
) -> Translation:
    """The training split and a held-out one.

    Args:
        name: `facades`, or a folder or zip file (see `paired.load_pairs` and `unpaired.load_unpaired`).
        paired: whether inputs and targets belong together.
        split: the held-out one, val or test.
        resolution: side of the images in pixels, or height and width; None keeps that of the files.
        folder: where `facades` lies; None looks in the folder of third-party data.
        direction: which half of a pair is the input, left-to-right or right-to-left.
        limit: images to read of each split at most.
        channels: that the generators take and make, see `ImageSet.fitting`; equal without pairs.

    Raises ImageError for an unknown name, a split that is the training one, and for files that are missing.
    """
    if split == "train":
        raise ImageError("A translation is measured on images that it was not learnt from: choose split val or test.")
    place = None if folder is None else Path(folder)
    load = (
        partial(load_pairs, direction=direction, channels=channels)
        if paired
        else partial(load_unpaired, channels=channels[1])
    )
    return Translation(*(load(name, one, folder=place, resolution=resolution, limit=limit) for one in ("train", split)))
