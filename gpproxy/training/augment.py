"""Differentiable augmentation of everything that a discriminator sees (Zhao et al., 2020).

In: images in [-1, 1] and a seeded generator. Out: transformed images, each with its own draw; gradients flow through.
Translation and mirroring multiply by one-hot matrices and cutout by a mask: exact, of static shape, and the same work
forwards and backwards, where indexing would scatter.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

#: Greatest translation and side of the cut square, as shares of the side of an image.
TRANSLATION, CUTOUT = 0.125, 0.5
#: Uniform numbers that one image takes: three for colour, two for translation, two for cutout, one for the mirror.
DRAWS = 8


def augment(images: Tensor, names: Sequence[str], generator: torch.Generator) -> Tensor:
    """Images after the named transformations, in the order colour, translation, cutout.

    Args:
        images: `sample x channel x height x width` in [-1, 1].
        names: of `recipe.AUGMENTATIONS`; none returns the images themselves and draws nothing.
        generator: source of the draws, on the device of the images.

    Source: Zhao et al., 2020.
    """
    if not names:
        return images
    draws = torch.rand(DRAWS, len(images), device=images.device, dtype=images.dtype, generator=generator)
    if "colour" in names:
        images = colour(images, draws[:3])
    if "translation" in names:
        images = translate(images, draws[3:5])
    return cut(images, draws[5:7]) if "cutout" in names else images


def colour(images: Tensor, draws: Tensor) -> Tensor:
    """Brightness moved by up to 0.5 either way, saturation scaled by 0 to 2, contrast by 0.5 to 1.5.

    Args:
        images: `sample x channel x height x width`; the transparency of RGBA stays as it is.
        draws: `3 x sample`, uniform in [0, 1); all 0.5 change nothing.
    """
    if images.shape[1] == 4:
        return torch.cat([colour(images[:, :3], draws), images[:, 3:]], 1)
    brightness, saturation, contrast = draws.view(3, -1, 1, 1, 1)
    images = images + (brightness - 0.5)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * (2 * saturation)
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * (contrast + 0.5)


def translate(images: Tensor, draws: Tensor) -> Tensor:
    """Images moved by up to an eighth of their side down and right or up and left; what is laid open is 0, mid-grey.

    Args:
        images: `sample x channel x height x width`.
        draws: `2 x sample`, uniform in [0, 1): down and right; both 0.5 change nothing.
    """
    height, width = images.shape[2:]
    down, right = _steps(draws[0], height), _steps(draws[1], width)
    return _shift(height, down).unsqueeze(1) @ images @ _shift(width, right).unsqueeze(1).transpose(2, 3)


def cut(images: Tensor, draws: Tensor) -> Tensor:
    """Images with a square of half their side set to 0; its centre is anywhere, so part of it may lie outside.

    Args:
        images: `sample x channel x height x width`.
        draws: `2 x sample`, uniform in [0, 1): row and column of the centre.
    """
    rows, columns = (_band(draw, side) for draw, side in zip(draws, images.shape[2:]))
    return images * (1 - rows[:, None, :, None] * columns[:, None, None, :])


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Half of the images, by chance, mirrored left to right.

    Args:
        images: `sample x channel x height x width`, of any type.
        generator: source of the draws, on the device of the images.
    """
    mirrored = torch.rand(len(images), 1, 1, 1, device=images.device, generator=generator) < 0.5
    return torch.where(mirrored, images.flip(3), images)


def _steps(draw: Tensor, side: int) -> Tensor:
    """Whole pixels from -an eighth to +an eighth of the side, uniform: one per sample."""
    most = int(side * TRANSLATION + 0.5)
    return torch.floor(draw * (2 * most + 1)) - most


def _shift(side: int, steps: Tensor) -> Tensor:
    """One matrix per sample, `sample x side x side`, that moves rows down by its number of steps."""
    places = torch.arange(side, device=steps.device, dtype=steps.dtype)
    return (places[:, None] - places == steps[:, None, None]).to(steps.dtype)


def _band(draw: Tensor, side: int) -> Tensor:
    """1 on the rows of the square and 0 elsewhere, `sample x side`."""
    cut = int(side * CUTOUT + 0.5)
    centre = torch.floor(draw * (side + 1 - cut % 2))[:, None]
    places = torch.arange(side, device=draw.device, dtype=draw.dtype)
    start = centre - cut // 2
    return ((places >= start) & (places < start + cut)).to(draw.dtype)
