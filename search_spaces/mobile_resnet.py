"""The mobile ResNet generators of GAN Compression (Li et al., 2020): image in, image out, same size.

Instance norms have no parameters, convolutions have biases. In go channel numbers, out come the network and its MACs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

BLOCKS = 9


def separable(inputs: int, outputs: int, padding_mode: Any = "reflect") -> nn.Sequential:
    """Depthwise 3 x 3 convolution, instance norm, pointwise convolution."""
    depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, padding_mode=padding_mode)
    return nn.Sequential(depthwise, nn.InstanceNorm2d(inputs), nn.Conv2d(inputs, outputs, 1))


class Block(nn.Module):
    """Residual block of two separable (or, not `mobile`, plain 3 x 3) convolutions; `hidden` channels between them."""

    def __init__(self, channels: int, hidden: int, mobile: bool):
        super().__init__()
        kind = separable if mobile else partial(nn.Conv2d, kernel_size=3, padding=1, padding_mode="reflect")
        self.body = nn.Sequential(
            kind(channels, hidden), nn.InstanceNorm2d(hidden), nn.ReLU(),
            kind(hidden, channels), nn.InstanceNorm2d(channels),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class MobileResnet(nn.Module):
    """Stem, two halvings, nine residual blocks, two doublings, output layer.

    Args:
        stem, down1, trunk, up1, up2: channels of the layers outside the blocks.
        hidden: inner channels of the nine blocks.
        mobile: separable convolutions in the blocks; without, 64, 128, 256 channels make the original generator.
    """

    def __init__(
        self, stem: int, down1: int, trunk: int, hidden: Sequence[int], up1: int, up2: int, mobile: bool = True
    ):
        super().__init__()
        layers: list[nn.Module] = []
        for convolution in (
            nn.Conv2d(3, stem, 7, padding=3, padding_mode="reflect"),
            nn.Conv2d(stem, down1, 3, 2, 1),
            nn.Conv2d(down1, trunk, 3, 2, 1),
        ):
            layers += [convolution, nn.InstanceNorm2d(convolution.out_channels), nn.ReLU()]
        layers += [Block(trunk, width, mobile) for width in hidden]
        for inputs, outputs in ((trunk, up1), (up1, up2)):
            wider = nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1)
            layers += [wider, nn.InstanceNorm2d(outputs), nn.ReLU()]
        layers += [nn.Conv2d(up2, 3, 7, padding=3, padding_mode="reflect"), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.clamp(-1, 1))


def mobile_resnet_macs(
    stem: int,
    down1: int,
    trunk: int,
    hidden: Sequence[int],
    up1: int,
    up2: int,
    resolution: int = 256,
    norms: bool = True,
) -> int:
    """`compression_macs` of a MobileResnet in closed form, at once, so that millions can be counted."""
    full = resolution**2
    half, quarter, norm = full // 4, full // 16, int(norms)
    total = (49 * 3 + norm) * stem * full
    total += (9 * stem + norm) * down1 * half
    total += (9 * down1 + norm) * trunk * quarter
    # Per block and channel: a depthwise convolution and two norms; pointwise convolutions there and back.
    total += sum((9 + 2 * norm) * (trunk + width) + 2 * trunk * width for width in hidden) * quarter
    total += (9 * trunk + norm) * up1 * half
    total += (9 * up1 + norm) * up2 * full
    return total + 49 * up2 * 3 * full
