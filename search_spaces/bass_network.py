"""Networks that double the resolution of an image: three branches of plain convolutions side by side.

No norms; every convolution, also each inside an operation, has a bias, keeps the size and ends in a ReLU, the last of
the network too, so that outputs are not negative.
Source: the code of MoNAS-SR (Sarmiento-Rosales et al., 2024).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

OPERATIONS = (
    "convolution",
    "convolution, dilation 2",
    "convolution, dilation 3",
    "convolution, dilation 4",
    "depthwise and pointwise",
    "inverted bottleneck",
    "transposed convolution",
    "identity",
)
IDENTITY = OPERATIONS.index("identity")

#: An operation and the side of its kernel.
Step = tuple[int, int]


def convolution(inputs: int, outputs: int, kernel: int, dilation: int = 1, groups: int = 1) -> nn.Sequential:
    """Keeps the size; ends in a ReLU."""
    padding = dilation * (kernel - 1) // 2
    layer = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, groups=groups)
    return nn.Sequential(layer, nn.ReLU())


def operation(step: Step, channels: int) -> nn.Module:
    """One step of a branch."""
    number, kernel = step
    name = OPERATIONS[number]
    if name == "depthwise and pointwise":
        return nn.Sequential(
            convolution(channels, channels, kernel, groups=channels), convolution(channels, channels, 1)
        )
    if name == "inverted bottleneck":
        wide = 2 * channels
        return nn.Sequential(
            convolution(channels, wide, 1),
            convolution(wide, wide, kernel, groups=wide),
            convolution(wide, channels, kernel),
        )
    if name == "transposed convolution":
        return nn.Sequential(nn.ConvTranspose2d(channels, channels, kernel, padding=(kernel - 1) // 2), nn.ReLU())
    return convolution(channels, channels, kernel, dilation=number + 1)


class SuperResolution(nn.Module):
    """From an image to one of twice its side.

    Args:
        channels: of all branches.
        branches: the steps of each, without identities.
    """

    def __init__(self, channels: int, branches: Sequence[Sequence[Step]]):
        super().__init__()
        self.first = convolution(3, channels, 3)
        self.branches = nn.ModuleList(
            nn.Sequential(*(operation(step, channels) for step in branch)) for branch in branches
        )
        self.gather = convolution(channels, 12, 3)
        self.enlarge = nn.PixelShuffle(2)
        self.last = convolution(3, 3, 3)

    def forward(self, images: Tensor) -> Tensor:
        x = self.first(images)
        total = self.branches[0](x)
        for branch in self.branches[1:]:
            total = total + branch(x)
        return self.last(self.enlarge(self.gather(total)))
