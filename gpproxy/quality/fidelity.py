"""How near images come to their targets, pixel by pixel: L1, PSNR and SSIM.

In: two uint8 tensors of the same shape. Out: a value per image, or means with standard errors.
Source: Wang et al., 2004, "Image quality assessment: from error visibility to structural similarity".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gpproxy.errors import QualityError

#: Window of SSIM in pixels, its standard deviation, and its constants, as published.
WINDOW, SIGMA, K1, K2 = 11, 1.5, 0.01, 0.03
_BATCH = 64


@dataclass(frozen=True)
class Fidelity:
    """Means over images.

    Attributes:
        values: L1 (share of the full range, lower is better), PSNR (dB, higher) and SSIM (at most 1, higher).
        errors: standard errors of the means over images; NaN for a single image.
        samples: number of images.
    """

    values: Mapping[str, float]
    errors: Mapping[str, float]
    samples: int


def fidelity(images: Tensor, targets: Tensor) -> Fidelity:
    """All measures of images against their targets.

    PSNR is infinite where an image is equal to its target, and so is then its mean, with the standard error NaN.

    Args:
        images: uint8 `sample x 3 x height x width`.
        targets: of the same shape.

    Raises QualityError for other shapes or types, and for images smaller than the window of SSIM.
    """
    found = {"L1": l1(images, targets), "PSNR": psnr(images, targets), "SSIM": ssim(images, targets)}
    return Fidelity(
        {name: float(each.mean()) for name, each in found.items()},
        {name: standard_error(each) for name, each in found.items()},
        len(images),
    )


def l1(images: Tensor, targets: Tensor) -> Tensor:
    """Mean absolute difference per image, as a share of the full range: 0 equal, 1 black against white; float64."""
    _check(images, targets)
    return _batched(images, targets, lambda a, b: (a - b).abs().mean((1, 2, 3)) / 255)


def psnr(images: Tensor, targets: Tensor) -> Tensor:
    """Peak signal-to-noise ratio per image in dB, peak 255; higher is better, infinite for equal images; float64."""
    _check(images, targets)
    return _batched(images, targets, lambda a, b: 10 * torch.log10(255**2 / (a - b).square().mean((1, 2, 3))))


def ssim(images: Tensor, targets: Tensor) -> Tensor:
    """Structural similarity per image, mean over places and colour channels: 1 for equal images; float64.

    A Gaussian window of 11 x 11 pixels that lies within the image, constants for a range of 255 (Wang et al., 2004).
    """
    _check(images, targets)
    if min(images.shape[-2:]) < WINDOW:
        raise QualityError(f"SSIM takes images of {WINDOW} pixels a side or more, but these are {tuple(images.shape)}.")
    return _batched(images, targets, _ssim)


def standard_error(values: Tensor) -> float:
    """Standard deviation of the mean of independent values; NaN for fewer than two."""
    return float(values.std() / math.sqrt(len(values))) if len(values) > 1 else math.nan


def _ssim(a: Tensor, b: Tensor) -> Tensor:
    c1, c2 = (K1 * 255) ** 2, (K2 * 255) ** 2
    moments = _window(torch.cat([a, b, a * a, b * b, a * b]))
    mean_a, mean_b, square_a, square_b, product = moments.chunk(5)
    both = mean_a * mean_b
    squares = mean_a.square() + mean_b.square()
    variances = square_a + square_b - squares
    local = (2 * both + c1) * (2 * (product - both) + c2) / ((squares + c1) * (variances + c2))
    return local.mean((1, 2, 3))


def _window(images: Tensor) -> Tensor:
    """Gaussian mean around each place where the window lies within the image."""
    place = torch.arange(WINDOW, dtype=images.dtype, device=images.device) - WINDOW // 2
    weight = torch.exp(-place.square() / (2 * SIGMA**2))
    weight = weight / weight.sum()
    flat = images.flatten(0, 1)[:, None]
    flat = F.conv2d(F.conv2d(flat, weight.view(1, 1, -1, 1)), weight.view(1, 1, 1, -1))
    return flat.view(*images.shape[:2], *flat.shape[-2:])


def _batched(images: Tensor, targets: Tensor, of: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    parts = zip(images.split(_BATCH), targets.split(_BATCH))
    return torch.cat([of(a.double(), b.double()) for a, b in parts])


def _check(images: Tensor, targets: Tensor) -> None:
    if images.shape != targets.shape or images.ndim != 4 or not len(images):
        raise QualityError(
            "Images are compared with targets of the same shape sample x channel x height x width, but these are "
            f"{tuple(images.shape)} and {tuple(targets.shape)}."
        )
    for one in (images, targets):
        if one.dtype != torch.uint8:
            raise QualityError(f"Images are compared as uint8, but these are {one.dtype}.")
