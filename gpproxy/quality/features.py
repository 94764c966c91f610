"""What extractors promise and share: the protocol, its features, and the checks of images and weights.

In: bytes `sample x 3 x height x width` of any size. Out: features, and class probabilities where the network has
classes. `gpproxy.quality.extractor` has the extractors by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from gpproxy.errors import QualityError


@dataclass(frozen=True)
class Features:
    """What an extractor says of images.

    Args:
        features: `sample x dimension`, float32.
        probabilities: `sample x class`, float32, rows sum to 1; None where the network has no classes.
    """

    features: Tensor
    probabilities: Tensor | None = None

    def cpu(self) -> Features:
        """The same on the CPU."""
        return Features(self.features.cpu(), None if self.probabilities is None else self.probabilities.cpu())


class Extractor(Protocol):
    """Weights never change; the same images give the same features in any order and any grouping into calls.

    Attributes:
        name: as in `EXTRACTORS`.
        digest: 16 hex digits of the SHA-256 of the weights' file.
        dimensions: number of features.
        published: whether these are the weights that give `FID` its name.
    """

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def dimensions(self) -> int: ...
    @property
    def published(self) -> bool: ...

    def __call__(self, images: Tensor) -> Features:
        """Features of bytes `sample x 3 x height x width`, resized to what the network takes in; on its device.

        Images that are not square are stretched to the network's square, generated and real ones alike.
        """
        ...


def file_digest(path: Path) -> str:
    """The whole SHA-256 of a file in hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(2**20), b""):
            found.update(block)
    return found.hexdigest()


@contextmanager
def full_precision() -> Iterator[None]:
    """Convolutions on a GPU in float32 instead of TF32, so that an extractor says there what it says on a CPU."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def check_images(images: Tensor) -> None:
    """Raises QualityError unless `images` are bytes `sample x 3 x height x width`, at least one."""
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3 or not len(images):
        raise QualityError(
            f"An extractor takes bytes `sample x 3 x height x width`, but got {images.dtype} of the shape "
            f"{tuple(images.shape)}. Convert images in [-1, 1] with gpproxy.images.image_set.to_bytes."
        )
