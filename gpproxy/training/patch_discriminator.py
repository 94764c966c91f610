"""The discriminator of image translation: a PatchGAN to train (Isola et al., 2017).

In: images, or inputs and outputs side by side in the channels. Out: how real each patch looks.
`gpproxy.search_spaces.patchgan` is its untrained counterpart for the loss of a look at initialisation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gpproxy.search_spaces.gancompression import normal_
from gpproxy.search_spaces.initialise import materialise

#: Times the width, layer by layer, as published.
LARGEST_FACTOR = 8


class PatchDiscriminator(nn.Module):
    """`layers` halvings and two convolutions of stride 1, all 4 x 4; three halvings see patches of 70 pixels.

    Instance norm, as in CycleGAN and GAN Compression, so that the numbers of one image depend on no other.

    Args:
        channels: of the images, 3, or 6 for input and output.
        width: channels of the first convolution (published: 64); they double up to eight times as many.
        layers: halvings, 1 to 4; the images have at least 3 * 2^layers pixels a side.
    """

    def __init__(self, channels: int, width: int, layers: int):
        super().__init__()
        made: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        before = width
        for layer in range(1, layers + 1):
            after = width * min(2**layer, LARGEST_FACTOR)
            stride = 2 if layer < layers else 1
            made += [nn.Conv2d(before, after, 4, stride, 1), nn.InstanceNorm2d(after), nn.LeakyReLU(0.2)]
            before = after
        self.layers = nn.Sequential(*made, nn.Conv2d(before, 1, 4, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Numbers per patch, `sample x 1 x height x width`; higher is more real."""
        return self.layers(images)


def patch_discriminator(channels: int, width: int, layers: int, generator: torch.Generator) -> nn.Module:
    """An untrained PatchDiscriminator, normal weights of deviation 0.02 from `generator`."""
    with torch.device("meta"):
        network = PatchDiscriminator(channels, width, layers)
    return materialise(network, generator, lambda name: normal_)


def smallest_side(layers: int) -> int:
    """Least side in pixels of the images that a PatchDiscriminator takes: the last convolution keeps one number."""
    return 3 * 2**layers
