"""The images of one split in memory, and the way between bytes and what a generator puts out.

In: bytes `sample x 3 x side x side` in RGB order. Out: an ImageSet with a digest that names exactly these images.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from gpproxy.errors import ImageError

#: Shares of red, green and blue in the brightness of a pixel (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class ImageSet:
    """Square RGB images of one split.

    Args:
        name: the data set, as `gpproxy.images.load` knows it.
        split: `train`, `test` or what the data set calls it.
        images: `sample x 3 x side x side`, uint8, RGB.
        labels: `sample`, int64, or None where the data set has none.
    """

    name: str
    split: str
    images: Tensor
    labels: Tensor | None = None

    def __post_init__(self) -> None:
        shape = tuple(self.images.shape)
        if self.images.dtype != torch.uint8 or len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
            raise ImageError(
                f"Images are uint8 tensors of the shape sample x 3 x side x side, but {self.name}/{self.split} is "
                f"{self.images.dtype} of shape {shape}. Crop and convert it first (gpproxy.images.load does)."
            )
        if self.labels is not None and tuple(self.labels.shape) != shape[:1]:
            raise ImageError(
                f"Every image has one label, but {self.name}/{self.split} has {shape[0]} images and labels of the "
                f"shape {tuple(self.labels.shape)}. Give one int64 per image, or None."
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def side(self) -> int:
        """Height and width in pixels."""
        return self.images.shape[-1]

    @property
    def digest(self) -> str:
        """The first 16 hex digits of the SHA-256 of shape and bytes; labels do not count."""
        found = hashlib.sha256(str(tuple(self.images.shape)).encode())
        for chunk in self.images.split(4096):
            found.update(chunk.contiguous().numpy().tobytes())
        return found.hexdigest()[:16]

    def resized(self, side: int) -> ImageSet:
        """The same images at another side, antialiased and rounded to bytes; itself where the side is the same."""
        if side == self.side:
            return self
        if side < 1:
            raise ImageError(f"A side is at least 1 pixel, but {side} was asked for. Choose for example 32.")
        chunks = [resize(chunk, side) for chunk in self.images.split(1024)]
        return replace(self, images=torch.cat(chunks) if chunks else self.images.new_empty(0, 3, side, side))

    def grey(self) -> ImageSet:
        """The same images without colour: the luma of ITU-R BT.601, rounded to bytes, in all three channels."""
        weights = torch.tensor(LUMA).view(1, 3, 1, 1)
        chunks = [(chunk * weights).sum(1, keepdim=True).round().to(torch.uint8) for chunk in self.images.split(1024)]
        grey = torch.cat(chunks) if chunks else self.images[:, :1]
        return replace(self, images=grey.expand_as(self.images).contiguous())

    def first(self, n: int) -> ImageSet:
        """The first `n` images. Raises ImageError when there are fewer."""
        if not 0 <= n <= len(self):
            raise ImageError(
                f"{n} images were asked for, but {self.name}/{self.split} has {len(self)}. Ask for that many or fewer."
            )
        return replace(self, images=self.images[:n], labels=None if self.labels is None else self.labels[:n])


def resize(images: Tensor, side: int) -> Tensor:
    """Bytes `sample x 3 x height x width` at `side x side`: means for whole factors, else antialiased bilinear."""
    height, width = images.shape[-2:]
    if (height, width) == (side, side):
        return images
    if height % side == 0 and width % side == 0:
        found = F.interpolate(images.float(), (side, side), mode="area")
    else:
        found = F.interpolate(images.float(), (side, side), mode="bilinear", align_corners=False, antialias=True)
    return found.round().clamp(0, 255).to(torch.uint8)


def in_colour(images: Tensor) -> Tensor:
    """Images of one channel, `sample x 1 x height x width`, with that in three; all others as they are."""
    return images.expand(-1, 3, -1, -1) if images.ndim == 4 and images.shape[1] == 1 else images


def to_unit(images: Tensor) -> Tensor:
    """Bytes to float32 in [-1, 1], what a generator puts out and a discriminator takes in."""
    return images.to(torch.float32) / 127.5 - 1.0


def to_bytes(images: Tensor) -> Tensor:
    """Floats in [-1, 1] to bytes: clamped and rounded to the nearest, as a saved PNG has them. NaN becomes 0."""
    scaled = (images.to(torch.float32) + 1.0) * 127.5
    return torch.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0).clamp(0, 255).round().to(torch.uint8)
