"""The network that holds every architecture of AutoGAN at once (Gong et al., 2019): shared weights.

In: the width, and plans of cells for the architecture at hand. Out: images, with the weights that all architectures
share. Both orders of convolution have their own weights, each with its own deconvolution and batch norm; the shortcut,
its deconvolution and the skips are shared by all ways to enlarge a map. As published, every cell holds deconvolutions
for skips, the first one too, which never uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from gpproxy.search_spaces.autogan_network import CellPlan
from gpproxy.search_spaces.space import Architecture, SharedNetwork


class SharedConvolution(nn.Module):
    """3 x 3 convolution of one order, with every way to enlarge its input and every norm.

    Args:
        width: channels in and out.
        pre: whether norm and ReLU stand before the convolution.
    """

    def __init__(self, width: int, pre: bool):
        super().__init__()
        self.pre = pre
        self.deconvolution = nn.ConvTranspose2d(width, width, 2, 2)
        self.convolution = nn.Conv2d(width, width, 3, 1, 1)
        self.batch_norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor, plan: CellPlan, up: bool) -> Tensor:
        """The map after norm, ReLU, enlargement (where `up`) and convolution, in the order of the plan."""
        if self.pre:
            x = F.relu(self._normed(x, plan.norm))
        if up:
            x = enlarged(x, plan.up, 2, self.deconvolution)
        x = self.convolution(x)
        return x if self.pre else F.relu(self._normed(x, plan.norm))

    def _normed(self, x: Tensor, norm: str) -> Tensor:
        if norm == "batch":
            return self.batch_norm(x)
        return F.instance_norm(x) if norm == "instance" else x


class SharedCell(nn.Module):
    """All branches of a cell.

    Args:
        index: position of the cell, 0 first; it has a skip from every cell before it.
        width: channels everywhere.
    """

    def __init__(self, index: int, width: int):
        super().__init__()
        orders = {"pre": True, "post": False}
        self.first = nn.ModuleDict({name: SharedConvolution(width, pre) for name, pre in orders.items()})
        self.second = nn.ModuleDict({name: SharedConvolution(width, pre) for name, pre in orders.items()})
        self.mix = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(index))
        self.twice = nn.ConvTranspose2d(width, width, 2, 2)
        self.fourfold = nn.Sequential(*(nn.ConvTranspose2d(width, width, 2, 2) for _ in range(2)))
        self.shortcut = nn.Conv2d(width, width, 1)
        self.shortcut_deconvolution = nn.ConvTranspose2d(width, width, 2, 2)
        self.index = index

    def forward(self, x: Tensor, plan: CellPlan, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """As `autogan_network.Cell`, of the branches that the plan takes."""
        order = "pre" if plan.pre else "post"
        feature = self.first[order](x, plan, up=True)
        for source in plan.skips:
            scale = 2 ** (self.index - source)
            up = enlarged(features[source], plan.up, scale, self.twice if scale == 2 else self.fourfold)
            feature = feature + self.mix[source](up)
        output = self.second[order](feature, plan, up=False)
        if plan.shortcut:
            output = output + self.shortcut(enlarged(x, plan.up, 2, self.shortcut_deconvolution))
        return feature, output


class Supernet(SharedNetwork):
    """Shared weights of all architectures, of which one is chosen at a time.

    Args:
        read: the plans of an architecture.
        cells: number of cells.
        width: channels of all cells.
        latent: size of the noise vector.
        bottom: side of the first map in pixels.
    """

    def __init__(
        self, read: Callable[[Architecture], list[CellPlan]], cells: int, width: int, latent: int, bottom: int
    ):
        super().__init__()
        self._read = read
        self.shape = (width, bottom, bottom)
        self.linear = nn.Linear(latent, width * bottom * bottom)
        self.cells = nn.ModuleList(SharedCell(index, width) for index in range(cells))
        self.to_rgb = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, 3, 3, 1, 1), nn.Tanh())
        self.plans: list[CellPlan] = []

    def choose(self, architecture: Architecture) -> None:
        """The architecture of the next passes; that of the first cells alone ends there, at a smaller side."""
        self.plans = self._read(architecture)

    def forward(self, noise: Tensor) -> Tensor:
        """Images in [-1, 1], `sample x 3 x height x width`, of the chosen architecture from `sample x latent`."""
        x = self.linear(noise).view(-1, *self.shape)
        features: list[Tensor] = []
        for cell, plan in zip(self.cells, self.plans):
            feature, x = cell(x, plan, features)
            features.append(feature)
        return self.to_rgb(x)


def enlarged(x: Tensor, kind: str, scale: int, deconvolution: nn.Module) -> Tensor:
    """A map enlarged by a factor, by interpolation or by the deconvolution."""
    if kind == "deconvolution":
        return deconvolution(x)
    return F.interpolate(x, scale_factor=scale, mode=kind, align_corners=False if kind == "bilinear" else None)
