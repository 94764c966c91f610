"""A distance that knows nothing of contents: patches of a Laplacian pyramid along random directions.

In: bytes of both kinds, equal sides. Out: the mean Wasserstein distance of the projections in thousandths of the real
images' deviation (lower is better). It needs no weights and sees what a classifier overlooks: colour, contrast, fine
structure. After Karras et al., Progressive growing of GANs (2018), with brightness and the two colour differences
scaled alike by the real images, where the original scales every set by itself and so misses a change of colour.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gpproxy.errors import QualityError

#: Edge of a patch, patches per image and level, directions per level, the side below which a level is not split.
PATCH, PATCHES, DIRECTIONS, SMALLEST = 7, 8, 128, 8

#: Brightness, red against green, blue against yellow.
_AXES = ((1 / 3, 1 / 3, 1 / 3), (0.5, -0.5, 0.0), (-0.25, -0.25, 0.5))


def sliced_distance(real: Tensor, fake: Tensor, generator: torch.Generator) -> float:
    """Mean over the levels, the coarsest included. The larger set is cut to the size of the smaller one.

    Raises QualityError for unequal sides or empty sets.
    """
    if real.shape[1:] != fake.shape[1:] or not min(len(real), len(fake)):
        raise QualityError(
            f"Real and generated images of one size are compared, but they are {tuple(real.shape)} and "
            f"{tuple(fake.shape)}. Resize the real ones."
        )
    count = min(len(real), len(fake))
    levels = zip(pyramid(real[:count]), pyramid(fake[:count]), strict=True)
    found = [_level(x, y, generator) for x, y in levels]
    return 1000 * sum(found) / len(found)


def pyramid(images: Tensor) -> list[Tensor]:
    """Bands `sample x 3 x height x width` in brightness and colour differences, fine to coarse, the remainder last."""
    x = torch.einsum("ac,nchw->nahw", torch.tensor(_AXES, device=images.device), images.to(torch.float32) / 255)
    bands = []
    while min(x.shape[-2:]) >= 2 * SMALLEST and not any(side % 2 for side in x.shape[-2:]):
        coarse = F.avg_pool2d(x, 2)
        bands.append(x - F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False))
        x = coarse
    return [*bands, x]


def _level(real: Tensor, fake: Tensor, generator: torch.Generator) -> float:
    mean, scale = real.mean(dim=(0, 2, 3), keepdim=True), real.std(dim=(0, 2, 3), keepdim=True).clamp(min=1e-6)
    height, width = real.shape[-2:]
    edge = min(PATCH, height, width)
    count = PATCHES * len(real)
    corners = torch.stack([torch.randint(side - edge + 1, (count,), generator=generator) for side in (height, width)])
    directions = torch.randn(3 * edge * edge, DIRECTIONS, generator=generator)
    directions = (directions / directions.norm(dim=0)).to(real.device)
    corners = corners.to(real.device)
    # The same places and directions for both kinds: what remains is what differs.
    x, y = (directions.T @ _patches((kind - mean) / scale, corners, edge).T for kind in (real, fake))
    if real.is_cuda:
        return float((x.sort(dim=1).values - y.sort(dim=1).values).abs().mean(dtype=torch.float64))
    # NumPy sorts floats some times faster than torch.
    return float(np.abs(np.sort(x.numpy(), axis=1) - np.sort(y.numpy(), axis=1)).mean(dtype=np.float64))


def _patches(images: Tensor, corners: Tensor, edge: int) -> Tensor:
    """`(sample * PATCHES) x (3 * edge * edge)`, channels last within a patch."""
    sample = torch.arange(len(images), device=images.device).repeat_interleave(PATCHES)[:, None, None]
    rows = (corners[0][:, None] + torch.arange(edge, device=images.device))[:, :, None]
    columns = (corners[1][:, None] + torch.arange(edge, device=images.device))[:, None, :]
    return images.permute(0, 2, 3, 1)[sample, rows, columns].flatten(1)
