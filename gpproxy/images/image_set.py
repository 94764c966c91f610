"""The images of one split in memory, and the way between bytes and what a generator puts out.

In: bytes `sample x channel x height x width`, RGB or RGBA. Out: an ImageSet with a digest that names exactly these
images. Grey images have three equal channels here: `grey` makes them, and `fitting` gives a generator its one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from gpproxy.errors import ImageError

#: Height and width in pixels.
Size = tuple[int, int]

#: Channels of what generators make: grey, RGB, RGBA.
CHANNELS = (1, 3, 4)
#: What shows through where an image with transparency is measured or pictured: white, as on paper.
BACKGROUND = 255

#: Shares of red, green and blue in the brightness of a pixel (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class ImageSet:
    """Images of one split, all of one size.

    Args:
        name: the data set, as `gpproxy.images.load` knows it.
        split: `train`, `test` or what the data set calls it.
        images: `sample x channel x height x width`, uint8, RGB or RGBA.
        labels: `sample`, int64, or None where the data set has none.
    """

    name: str
    split: str
    images: Tensor
    labels: Tensor | None = None

    def __post_init__(self) -> None:
        shape = tuple(self.images.shape)
        check_bytes(f"{self.name}/{self.split}", self.images)
        if self.labels is not None and tuple(self.labels.shape) != shape[:1]:
            raise ImageError(
                f"Every image has one label, but {self.name}/{self.split} has {shape[0]} images and labels of the "
                f"shape {tuple(self.labels.shape)}. Give one int64 per image, or None."
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> Size:
        """Height and width in pixels."""
        return size_of(self.images)

    @property
    def digest(self) -> str:
        """The first 16 hex digits of the SHA-256 of shape and bytes; labels do not count."""
        found = hashlib.sha256(str(tuple(self.images.shape)).encode())
        for chunk in self.images.split(4096):
            found.update(chunk.contiguous().numpy().tobytes())
        return found.hexdigest()[:16]

    def resized(self, size: int | Size) -> ImageSet:
        """The same images at another size, antialiased and rounded to bytes; itself where the size is the same.

        Proportions change where those of the size do. Raises ImageError for a size without pixels.
        """
        size = (size, size) if isinstance(size, int) else size
        if size == self.size:
            return self
        if min(size) < 1:
            raise ImageError(f"A side is at least 1 pixel, but {pixels(size)} was asked for. Choose for example 32.")
        chunks = [resize(chunk, size) for chunk in self.images.split(1024)]
        empty = self.images.new_empty(0, self.images.shape[1], *size)
        return replace(self, images=torch.cat(chunks) if chunks else empty)

    def cropped(self, proportions: Size) -> ImageSet:
        """The middle of every image, as large as it can be with the proportions of a height and a width."""
        found = cropped(self.images, proportions)
        return self if found.shape == self.images.shape else replace(self, images=found.contiguous())

    def fitting(self, channels: int) -> ImageSet:
        """The same images for generators of so many channels: without colour for 1, and for 4 opaque where they have
        no transparency."""
        return replace(self, images=fitting(self.images, channels))

    def first(self, n: int) -> ImageSet:
        """The first `n` images. Raises ImageError when there are fewer."""
        if not 0 <= n <= len(self):
            raise ImageError(
                f"{n} images were asked for, but {self.name}/{self.split} has {len(self)}. Ask for that many or fewer."
            )
        return replace(self, images=self.images[:n], labels=None if self.labels is None else self.labels[:n])


def check_bytes(name: str, images: Tensor) -> None:
    """Raises ImageError unless images are uint8 `sample x channel x height x width`, RGB or RGBA."""
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (3, 4):
        raise ImageError(
            "Images are uint8 tensors of the shape sample x 3 x height x width, or with 4 channels for RGBA, but "
            f"{name} is {images.dtype} of shape {tuple(images.shape)}. Crop and convert it first (gpproxy.images.load "
            "does)."
        )


def size_of(images: Tensor) -> Size:
    """Height and width of images `... x height x width`."""
    return int(images.shape[-2]), int(images.shape[-1])


def pixels(size: Size) -> str:
    """A size in words: `32` for a square, else height and width, `16 x 20`."""
    return str(size[0]) if size[0] == size[1] else f"{size[0]} x {size[1]}"


def cropped(images: Tensor, proportions: Size) -> Tensor:
    """The middle of images `... x height x width`, as large as it can be with the proportions of a height and width."""
    height, width = images.shape[-2:]
    rows, columns = proportions
    tall, broad = min(height, max(1, width * rows // columns)), min(width, max(1, height * columns // rows))
    top, left = (height - tall) // 2, (width - broad) // 2
    return images[..., top : top + tall, left : left + broad]


def resize(images: Tensor, size: int | Size) -> Tensor:
    """Bytes `sample x channel x height x width` at a size, or a side: means for whole factors, else antialiased
    bilinear."""
    rows, columns = (size, size) if isinstance(size, int) else size
    height, width = images.shape[-2:]
    if (height, width) == (rows, columns):
        return images
    if height % rows == 0 and width % columns == 0:
        found = F.interpolate(images.float(), (rows, columns), mode="area")
    else:
        found = F.interpolate(images.float(), (rows, columns), mode="bilinear", align_corners=False, antialias=True)
    return found.round().clamp(0, 255).to(torch.uint8)


def fitting(images: Tensor, channels: int) -> Tensor:
    """Bytes, RGB or RGBA, for generators of 1, 3 or 4 channels: uint8 `sample x 3 or 4 x height x width`.

    For 1 the luma of ITU-R BT.601, rounded, in all three channels; for 4 an opaque fourth where there is none.
    """
    if channels == 4 and images.shape[1] == 3:
        return torch.cat([images, torch.full_like(images[:, :1], 255)], 1)
    if channels != 1:
        return images[:, :channels]
    weights = torch.tensor(LUMA, device=images.device).view(1, 3, 1, 1)
    chunks = [(c[:, :3] * weights).sum(1, keepdim=True).round().to(torch.uint8) for c in images.split(1024)]
    grey = torch.cat(chunks) if chunks else images[:, :1]
    return grey.expand(-1, 3, -1, -1).contiguous()


def on_background(images: Tensor) -> Tensor:
    """What measures and pictures see: bytes `sample x 3 x height x width`; RGBA is laid over white (`BACKGROUND`)."""
    if images.ndim != 4 or images.shape[1] != 4:
        return images
    chunks = []
    for chunk in images.split(1024):
        share = chunk[:, 3:].float() / 255
        chunks.append((chunk[:, :3] * share + BACKGROUND * (1 - share)).round().to(torch.uint8))
    return torch.cat(chunks) if chunks else images[:, :3]


def in_colour(images: Tensor) -> Tensor:
    """Images of one channel, `sample x 1 x height x width`, with that in three; all others as they are."""
    return images.expand(-1, 3, -1, -1) if images.ndim == 4 and images.shape[1] == 1 else images


def seen(outputs: Tensor) -> Tensor:
    """Outputs of a generator in [-1, 1] as measures and pictures see them: bytes `sample x 3 x height x width`."""
    return on_background(in_colour(to_bytes(outputs)))


def to_unit(images: Tensor) -> Tensor:
    """Bytes to float32 in [-1, 1], what a generator puts out and a discriminator takes in."""
    return images.to(torch.float32) / 127.5 - 1.0


def to_bytes(images: Tensor) -> Tensor:
    """Floats in [-1, 1] to bytes: clamped and rounded to the nearest, as a saved PNG has them. NaN becomes 0."""
    scaled = (images.to(torch.float32) + 1.0) * 127.5
    return torch.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0).clamp(0, 255).round().to(torch.uint8)
