"""Generators that are told a class: cells with class-conditional norms or styles, with or without self-attention.

In: a plan. Out: a network from noise and numbers of classes to images. The class enters as a learned embedding: beside
the noise into the first layer, into the norms that are told it, and with the noise into the style.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpproxy.search_spaces.autogan_network import UPS, upsampling

BLOCKS = ("post-activation", "pre-activation", "styled")
NORMS = ("none", "batch", "instance", "class")
__all__ = ["BLOCKS", "NORMS", "UPS", "CellPlan", "ConditionalGenerator", "Plan"]


@dataclass(frozen=True)
class CellPlan:
    """One cell; it doubles the resolution.

    Attributes:
        block: one of `BLOCKS`; a styled one has modulated convolutions and no norm.
        norm: one of `NORMS`.
        up: one of `UPS`.
        shortcut: whether a 1 x 1 convolution of the upsampled input joins the output.
    """

    block: str
    norm: str
    up: str
    shortcut: bool


@dataclass(frozen=True)
class Plan:
    """One generator.

    Attributes:
        cells: one plan each.
        attention: numbers of the cells, from 1, behind which self-attention stands.
        width: channels of all cells.
        latent: size of the noise vector.
        embedding: size of what a class is embedded in, and of a style.
        classes: how many there are.
        bottom: side of the first map in pixels.
    """

    cells: tuple[CellPlan, ...]
    attention: tuple[int, ...]
    width: int
    latent: int
    embedding: int
    classes: int
    bottom: int


class ClassEmbedding(nn.Module):
    """One learned vector per class, standard normal at the start: int64 `sample` to `sample x embedding`."""

    def __init__(self, classes: int, size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, size))

    def initialise_(self, generator: torch.Generator) -> None:
        """See `gpproxy.search_spaces.initialise.materialise`."""
        nn.init.normal_(self.weight, generator=generator)

    def forward(self, classes: Tensor) -> Tensor:
        return F.embedding(classes, self.weight)


class ClassNorm(nn.Module):
    """Batch norm whose gains and offsets are linear in the embedding (de Vries et al., 2017; Brock et al., 2019)."""

    def __init__(self, channels: int, embedding: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps=1e-4, affine=False)
        self.gain = nn.Linear(embedding, channels, bias=False)
        self.offset = nn.Linear(embedding, channels, bias=False)

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        return self.norm(x) * (1 + self.gain(embedded)[:, :, None, None]) + self.offset(embedded)[:, :, None, None]


class SelfAttention(nn.Module):
    """Positions look at others, half as many of them a side (Zhang et al., 2019). No biases."""

    def __init__(self, channels: int):
        super().__init__()
        few = max(channels // 8, 1)
        self.query, self.key = nn.Conv2d(channels, few, 1, bias=False), nn.Conv2d(channels, few, 1, bias=False)
        self.value = nn.Conv2d(channels, max(channels // 2, 1), 1, bias=False)
        self.projection = nn.Conv2d(max(channels // 2, 1), channels, 1, bias=False)
        self.strength = nn.Parameter(torch.empty(1))

    def initialise_(self, generator: torch.Generator) -> None:
        """Attention is seen by a look at an untrained network; trainings begin without it (`zero_ends_`)."""
        nn.init.ones_(self.strength)

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x).flatten(2).transpose(1, 2)
        key, value = (F.max_pool2d(one, 2).flatten(2) for one in (self.key(x), self.value(x)))
        weights = (query @ key).softmax(-1)
        mixed = (value @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])
        return x + self.strength * self.projection(mixed)


class StyledConvolution(nn.Module):
    """A 3 x 3 convolution whose inputs a style scales, its outputs demodulated (Karras et al., 2020); without noise."""

    def __init__(self, inputs: int, outputs: int, style: int):
        super().__init__()
        self.affine = nn.Linear(style, inputs)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.empty(outputs))

    def initialise_(self, generator: torch.Generator) -> None:
        """Weights are standard normal and scaled when they are used, and styles are about 1, as published."""
        nn.init.normal_(self.weight, generator=generator)
        nn.init.zeros_(self.bias)
        nn.init.ones_(self.affine.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        count, _, height, width = x.shape
        scale = 1 / math.sqrt(self.weight[0].numel())
        weight = scale * self.weight * self.affine(style)[:, None, :, None, None]
        weight = weight * weight.square().sum((2, 3, 4), keepdim=True).add(1e-8).rsqrt()
        made = F.conv2d(x.reshape(1, -1, height, width), weight.flatten(0, 1), padding=1, groups=count)
        return F.leaky_relu(made.view(count, -1, height, width) + self.bias[:, None, None], 0.2) * math.sqrt(2)


class Mapping(nn.Module):
    """From noise and embedding to a style: normalised, then two linear layers (Karras et al., 2020)."""

    def __init__(self, inputs: int, style: int):
        super().__init__()
        self.first, self.second = nn.Linear(inputs, style), nn.Linear(style, style)

    def forward(self, x: Tensor) -> Tensor:
        x = x * x.square().mean(1, keepdim=True).add(1e-8).rsqrt()
        return F.leaky_relu(self.second(F.leaky_relu(self.first(x), 0.2)), 0.2)


class Activation(nn.Module):
    """Norm and ReLU."""

    def __init__(self, norm: str, width: int, embedding: int):
        super().__init__()
        self.norm: nn.Module = nn.Identity()
        if norm == "class":
            self.norm = ClassNorm(width, embedding)
        elif norm != "none":
            self.norm = nn.BatchNorm2d(width) if norm == "batch" else nn.InstanceNorm2d(width)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        return self.relu(self.norm(x, embedded) if isinstance(self.norm, ClassNorm) else self.norm(x))


class Cell(nn.Module):
    """Two convolutions, the first after upsampling, and a shortcut."""

    def __init__(self, plan: CellPlan, width: int, embedding: int):
        super().__init__()
        self.plan = plan
        self.up = upsampling(plan.up, width, 2)
        self.first, self.second = (self._convolution(width, embedding) for _ in range(2))
        if plan.block != "styled":
            self.act1, self.act2 = (Activation(plan.norm, width, embedding) for _ in range(2))
        self.shortcut = nn.Sequential(upsampling(plan.up, width, 2), nn.Conv2d(width, width, 1))
        if not plan.shortcut:
            del self.shortcut

    def _convolution(self, width: int, embedding: int) -> nn.Module:
        if self.plan.block == "styled":
            return StyledConvolution(width, width, embedding)
        return nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor, embedded: Tensor, style: Tensor | None) -> Tensor:
        if self.plan.block == "styled":
            made = self.second(self.first(self.up(x), style), style)
        elif self.plan.block == "pre-activation":
            made = self.first(self.up(self.act1(x, embedded)))
            made = self.second(self.act2(made, embedded))
        else:
            made = self.act1(self.first(self.up(x)), embedded)
            made = self.act2(self.second(made), embedded)
        return made + self.shortcut(x) if self.plan.shortcut else made


class ConditionalGenerator(nn.Module):
    """From noise, `sample x latent`, and classes, int64 `sample`, to images in [-1, 1]."""

    def __init__(self, plan: Plan):
        super().__init__()
        self.shape = (plan.width, plan.bottom, plan.bottom)
        self.classes = ClassEmbedding(plan.classes, plan.embedding)
        entering = plan.latent + plan.embedding
        styled = any(cell.block == "styled" for cell in plan.cells)
        self.mapping = Mapping(entering, plan.embedding) if styled else None
        self.linear = nn.Linear(entering, math.prod(self.shape))
        self.cells = nn.ModuleList(Cell(cell, plan.width, plan.embedding) for cell in plan.cells)
        self.attention = nn.ModuleDict({str(number): SelfAttention(plan.width) for number in plan.attention})
        self.to_rgb = nn.Sequential(nn.BatchNorm2d(plan.width), nn.ReLU(), nn.Conv2d(plan.width, 3, 3, 1, 1), nn.Tanh())

    def forward(self, noise: Tensor, classes: Tensor) -> Tensor:
        embedded = self.classes(classes)
        entering = torch.cat([noise, embedded], 1)
        style = None if self.mapping is None else self.mapping(entering)
        x = self.linear(entering).view(-1, *self.shape)
        for number, cell in enumerate(self.cells, 1):
            x = cell(x, embedded, style)
            if str(number) in self.attention:
                x = self.attention[str(number)](x)
        return self.to_rgb(x)

    def zero_ends_(self) -> None:
        """Sets the strength of attention to 0, as trainings begin (Zhang et al., 2019)."""
        for module in self.modules():
            if isinstance(module, SelfAttention):
                nn.init.zeros_(module.strength)
