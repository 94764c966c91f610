"""Seeded images to look at an untrained generator with."""

from __future__ import annotations

import torch
from torch import Tensor


def pink_noise(count: int, resolution: int, generator: torch.Generator, channels: int = 3) -> Tensor:
    """Images with the 1/f amplitude spectrum of natural scenes (Field, 1987), `count x channels x height x width`.

    Each image has mean 0 and standard deviation 0.5, clamped to [-1, 1].
    """
    white = torch.randn(count, channels, resolution, resolution, generator=generator)
    rows = torch.fft.fftfreq(resolution)[:, None]
    columns = torch.fft.rfftfreq(resolution)[None, :]
    frequency = torch.sqrt(rows**2 + columns**2).clamp_min(1 / resolution)
    image = torch.fft.irfft2(torch.fft.rfft2(white) / frequency, s=(resolution, resolution))
    # Channels of natural images are strongly correlated: share a luminance.
    image = 0.8 * image.mean(1, keepdim=True) * channels**0.5 + 0.6 * image
    image = image - image.mean((1, 2, 3), keepdim=True)
    return (0.5 * image / image.std((1, 2, 3), keepdim=True)).clamp(-1, 1)


def levels_of_brightness(images: Tensor, count: int) -> Tensor:
    """Labels that the images themselves decide: `sample x height x width`, whole numbers from 0, dark, to `count` - 1.

    Every level covers as much of an image as any other, up to one position.
    """
    brightness = images.mean(1).flatten(1)
    places = brightness.argsort(1).argsort(1)
    return (places * count // brightness.shape[1]).view(len(images), *images.shape[2:])
