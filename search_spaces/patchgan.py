"""A fixed, untrained PatchGAN (Isola et al., 2017) as the loss of image translation at initialisation.

At initialisation there is neither a target nor a trained discriminator. Three layers with 16, 32, 64 channels and a
fixed seed stand in for the latter: the gradient it sends back is spread over patches as in training. The functions are
pure; the weights are drawn once per number of input channels.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

#: Strides of the five convolutions, all 4 x 4 with padding 1.
STRIDES = (2, 2, 2, 1, 1)
WIDTH = 16


def patch_scores(images: Tensor) -> Tensor:
    """How real each patch looks to the untrained discriminator, `sample x 1 x height x width`; differentiable.

    Args:
        images: `sample x channel x height x width`, at least 24 pixels a side.
    """
    x = images
    for i, (weight, stride) in enumerate(zip(_weights(images.shape[1]), STRIDES, strict=True)):
        if i:
            x = F.leaky_relu(x, 0.2)
        x = F.conv2d(x, weight.to(x), stride=stride, padding=1)
        if 0 < i < len(STRIDES) - 1:
            x = F.instance_norm(x)
    return x


def least_squares(images: Tensor) -> Tensor:
    """Generator loss of LSGAN (Mao et al., 2017): mean squared distance of the patch scores from 1."""
    return (patch_scores(images) - 1).square().mean()


def hinge(images: Tensor) -> Tensor:
    """Generator loss of the hinge GAN (Lim and Ye, 2017): minus the mean patch score."""
    return -patch_scores(images).mean()


@lru_cache(maxsize=8)
def _weights(channels: int) -> tuple[Tensor, ...]:
    """Normal weights of deviation 0.02, as published; biases are 0 and left out."""
    generator = torch.Generator().manual_seed(0)
    widths = (channels, WIDTH, 2 * WIDTH, 4 * WIDTH, 8 * WIDTH, 1)
    with torch.inference_mode(False):  # a look may be the first to ask while gradients are off
        return tuple(
            0.02 * torch.randn(outputs, inputs, 4, 4, generator=generator, dtype=torch.float32, device="cpu")
            for inputs, outputs in itertools.pairwise(widths)
        )
