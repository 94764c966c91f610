"""The simple discriminator that EAGAN searches its generators against (Ying et al., 2022).

In: width, channels and side of the images. Out: five convolutions of 4 x 4 with batch norm and LeakyReLU, the sum over
positions, and a linear layer with spectral norm. Strides and channels are not known from the publication: here a
convolution halves a side of at least 4 pixels, and all have the same width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gpproxy.search_spaces.discriminator import spectrally_normed, xavier_
from gpproxy.search_spaces.initialise import materialise

LAYERS, KERNEL, SLOPE = 5, 4, 0.2


class SimpleDiscriminator(nn.Module):
    """See the module. Batch norm takes the statistics of the batch at hand, in evaluation too.

    Args:
        width: channels.
        channels: of the images.
        side: of the images in pixels.
    """

    def __init__(self, width: int, channels: int, side: int):
        super().__init__()
        layers: list[nn.Module] = []
        for number in range(LAYERS):
            halves = side >= 4
            layers += [
                nn.ZeroPad2d(1 if halves else (1, 2, 1, 2)),
                nn.Conv2d(width if number else channels, width, KERNEL, 2 if halves else 1),
                nn.BatchNorm2d(width, track_running_stats=False),
                nn.LeakyReLU(SLOPE),
            ]
            side = side // 2 if halves else side
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(width, 1)

    def forward(self, images: Tensor) -> Tensor:
        """One number per image, `sample x 1`, higher is more real."""
        return self.head(self.layers(images).sum((2, 3)))


def simple_discriminator(width: int, channels: int, side: int, generator: torch.Generator) -> SimpleDiscriminator:
    """An untrained one to train, all its randomness from `generator`."""
    with torch.device("meta"):
        network = SimpleDiscriminator(width, channels, side)
    materialise(network, generator, lambda name: xavier_)
    spectrally_normed(network.head, generator)
    return network
