"""Resize-and-crop jitter and mirroring, drawn once per sample and applied to every tensor alike.

In: images of the same scenes, such as inputs and targets. Out: crops of the same place, mirrored or not together.
Source: Isola et al., 2017, section 6.2 (286 pixels cropped to 256).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gpproxy.images.image_set import Size

#: How much larger images are than the crops out of them, as published.
ENLARGED = 286 / 256


def enlarged(size: Size, jitter: bool) -> Size:
    """Height and width from which crops of a size are taken: `ENLARGED` times as much, rounded, or the same."""
    height, width = (max(round(side * ENLARGED), side + 1) if jitter else side for side in size)
    return height, width


def crops(
    images: Sequence[Tensor], chosen: Tensor, size: Size, mirror: bool, generator: torch.Generator
) -> list[Tensor]:
    """The chosen samples of every tensor, each cropped at a random place and mirrored or not, alike in all tensors.

    Args:
        images: tensors `sample x channel x height x width` of equal sizes.
        chosen: indices of samples, int64 `batch`.
        size: height and width of the crops in pixels; the whole image where it is as large as that.
        mirror: whether half of the samples are mirrored.
        generator: source of places and mirrorings, on the CPU; always as many draws as there are samples.

    Returns:
        One tensor `batch x channel x height x width` per tensor, of the same dtype, on the same device.
    """
    height, width = images[0].shape[-2:]
    batch = len(chosen)
    top = torch.randint(height - size[0] + 1, (batch, 1), generator=generator)
    left = torch.randint(width - size[1] + 1, (batch, 1), generator=generator)
    turned = torch.rand(batch, 1, generator=generator) < 0.5
    rows, columns = top + torch.arange(size[0]), left + torch.arange(size[1])
    if mirror:
        columns = torch.where(turned, columns.flip(1), columns)
    device = images[0].device
    index = (chosen.to(device)[:, None, None], rows.to(device)[:, :, None], columns.to(device)[:, None, :])
    # Indexing puts the channels last; they go back to their place.
    return [one[index[0], :, index[1], index[2]].permute(0, 3, 1, 2).contiguous() for one in images]
