"""The mobile GauGAN generator of GAN Compression (Li et al., 2020): label map in, image out.

SPADE (Park et al., 2019) scales and shifts normalised features by maps computed from the labels; here those maps come
from separable convolutions. Batch norms have no parameters, convolutions have biases.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from gpproxy.search_spaces.mobile_resnet import separable


class MobileSpade(nn.Module):
    """Batch norm whose scale and shift per pixel come from the label map through `hidden` channels."""

    def __init__(self, channels: int, hidden: int, labels: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.shared = nn.Sequential(nn.Conv2d(labels, hidden, 3, 1, 1), nn.ReLU())
        self.gamma = separable(hidden, channels, padding_mode="zeros")
        self.beta = separable(hidden, channels, padding_mode="zeros")

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        shared = self.shared(F.interpolate(labels, size=x.shape[2:]))
        return self.norm(x) * (1 + self.gamma(shared)) + self.beta(shared)


class SpadeBlock(nn.Module):
    """Residual block: SPADE, leaky ReLU, 3 x 3 convolution, twice; optionally a SPADE 1 x 1 shortcut."""

    def __init__(self, inputs: int, middle: int, outputs: int, hidden: int, labels: int, shortcut: bool):
        super().__init__()
        self.spade1, self.spade2 = MobileSpade(inputs, hidden, labels), MobileSpade(middle, hidden, labels)
        self.first, self.second = nn.Conv2d(inputs, middle, 3, 1, 1), nn.Conv2d(middle, outputs, 3, 1, 1)
        self.relu1, self.relu2 = nn.LeakyReLU(0.2), nn.LeakyReLU(0.2)
        self.shortcut: nn.Module | None = None
        if shortcut:
            self.spade3 = MobileSpade(inputs, hidden, labels)
            self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        y = self.first(self.relu1(self.spade1(x, labels)))
        y = self.second(self.relu2(self.spade2(y, labels)))
        return y + (x if self.shortcut is None else self.shortcut(self.spade3(x, labels)))


class MobileSpadeGenerator(nn.Module):
    """Label map at the lowest resolution, seven SPADE blocks with doublings between them, output layer.

    Args:
        channels: eight numbers; 16 c0 the trunk, 16 c1 ... 16 c3 inside the first three blocks, 8 c4, 4 c5, 2 c6, c7
            the outputs of the others. The SPADE layers of a block have twice its number hidden.
        labels: channels of the label map.
        doublings: 6, or 5 without the one between the second and the third block.
    """

    def __init__(self, channels: tuple[int, ...], labels: int, doublings: int):
        super().__init__()
        c0, c1, c2, c3, *ups = channels
        trunk = 16 * c0
        self.doublings = doublings
        self.stem = nn.Conv2d(labels, trunk, 3, 1, 1)
        blocks = [SpadeBlock(trunk, 16 * c, trunk, 2 * c, labels, False) for c in (c1, c2, c3)]
        width = trunk
        for factor, c in zip((8, 4, 2, 1), ups, strict=True):
            # The shortcut stays where two widths happen to agree: supernet weights hold one for every choice.
            blocks.append(SpadeBlock(width, factor * c, factor * c, 2 * c, labels, True))
            width = factor * c
        self.blocks = nn.ModuleList(blocks)
        self.relu, self.image, self.tanh = nn.LeakyReLU(0.2), nn.Conv2d(width, 3, 3, 1, 1), nn.Tanh()

    def forward(self, labels: Tensor) -> Tensor:
        height, width = (side >> self.doublings for side in labels.shape[2:])
        x = self.stem(F.interpolate(labels, size=(height, width)))
        for i, block in enumerate(self.blocks):
            if i and not (i == 2 and self.doublings == 5):
                x = F.interpolate(x, scale_factor=2)
            x = block(x, labels)
        return self.tanh(self.image(self.relu(x)))
