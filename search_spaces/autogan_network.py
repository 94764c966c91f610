"""The generators of AutoGAN (Gong et al., 2019): in go plans of cells, out comes a network from noise to images.

Only the branches that a plan uses are built. The published cell adds its incoming skips in place, so that what it hands
on already contains them; here the sum is a new tensor, handed on likewise.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor, nn

#: Names of the values of the genes `norm` and `up`.
NORMS = ("none", "batch", "instance")
UPS = ("bilinear", "nearest", "deconvolution")


class CellPlan(NamedTuple):
    """One cell; it doubles the resolution.

    Attributes:
        pre: pre-activation (norm, ReLU, convolution) instead of post-activation (convolution, norm, ReLU).
        norm: one of `NORMS`.
        up: one of `UPS`.
        shortcut: whether a 1 x 1 convolution of the upsampled input joins the output.
        skips: indices of the earlier cells that feed this one, nearest first.
    """

    pre: bool
    norm: str
    up: str
    shortcut: bool
    skips: tuple[int, ...] = ()


def upsampling(kind: str, width: int, scale: int) -> nn.Module:
    """Enlarges a map by a power of two: interpolation, or one 2 x 2 transposed convolution per doubling."""
    if kind == "deconvolution":
        doublings = range(round(math.log2(scale)))
        return nn.Sequential(*(nn.ConvTranspose2d(width, width, 2, 2) for _ in doublings))
    return nn.Upsample(scale_factor=scale, mode=kind, align_corners=False if kind == "bilinear" else None)


def convolution(plan: CellPlan, width: int, up: bool) -> nn.Sequential:
    """3 x 3 convolution, right after the upsampling, with norm and ReLU before or after the two."""
    weighted: list[nn.Module] = [nn.Conv2d(width, width, 3, 1, 1)]
    if up:
        weighted.insert(0, upsampling(plan.up, width, 2))
    activation: list[nn.Module] = [nn.ReLU()]
    if plan.norm != "none":
        activation.insert(0, {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}[plan.norm](width))
    return nn.Sequential(*(activation + weighted if plan.pre else weighted + activation))


class Cell(nn.Module):
    """Two convolutions, the first after upsampling; skips join between them, the shortcut at the end.

    Args:
        plan: which branches there are.
        index: position of the cell, 0 first.
        width: channels everywhere.
    """

    def __init__(self, plan: CellPlan, index: int, width: int):
        super().__init__()
        self.first = convolution(plan, width, up=True)
        self.scales = {source: 2 ** (index - source) for source in plan.skips}
        scales = dict.fromkeys(self.scales.values())
        # One enlargement per scale, shared by the skips of that scale.
        self.enlarge = nn.ModuleDict({str(scale): upsampling(plan.up, width, scale) for scale in scales})
        self.mix = nn.ModuleDict({str(source): nn.Conv2d(width, width, 1) for source in plan.skips})
        self.second = convolution(plan, width, up=False)
        self.shortcut: nn.Module | None = None
        if plan.shortcut:
            self.shortcut = nn.Sequential(upsampling(plan.up, width, 2), nn.Conv2d(width, width, 1))

    def forward(self, x: Tensor, features: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The feature for later cells (after the first convolution and the skips) and the output.

        Args:
            x: output of the cell before.
            features: features of all earlier cells.
        """
        feature = self.first(x)
        for source, scale in self.scales.items():
            feature = feature + self.mix[str(source)](self.enlarge[str(scale)](features[source]))
        output = self.second(feature)
        return feature, output if self.shortcut is None else output + self.shortcut(x)


class Generator(nn.Module):
    """Linear layer to `width x bottom x bottom`, cells, and one output layer for every stage of growth.

    Args:
        plans: one per cell.
        width: channels of all cells.
        latent: size of the noise vector.
        bottom: side of the first map in pixels.
    """

    def __init__(self, plans: list[CellPlan], width: int, latent: int, bottom: int):
        super().__init__()
        self.shape = (width, bottom, bottom)
        self.linear = nn.Linear(latent, width * bottom * bottom)
        self.cells = nn.ModuleList(Cell(plan, index, width) for index, plan in enumerate(plans))
        self.to_rgb = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, 3, 3, 1, 1), nn.Tanh())

    def forward(self, noise: Tensor, stage: int | None = None) -> Tensor:
        """Images in [-1, 1], `sample x 3 x height x width`, from noise, `sample x latent`.

        Args:
            stage: 0, 1, ... stops after that cell, at a smaller side; None runs all cells.
        """
        x = self.linear(noise).view(-1, *self.shape)
        features: list[Tensor] = []
        for cell in self.cells if stage is None else self.cells[: stage + 1]:
            feature, x = cell(x, features)
            features.append(feature)
        return self.to_rgb(x)
