"""Denoising U-Nets: residual blocks over three resolutions, joined by skips, told the noise level in every block.

A block is norm, activation, convolution, noise level, norm, activation, convolution, with a shortcut around it; where
its resolution is flagged, self-attention follows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EMBEDDINGS = ("addition", "AdaGN")
JOINS = ("concatenation", "addition")
ACTIVATIONS = ("SiLU", "ReLU")
DOWNS = ("average", "maximum", "convolution")
UPS = ("nearest", "bilinear", "nearest and convolution", "deconvolution")

#: After every sum, so that it keeps the variance of what it adds.
HALF = math.sqrt(0.5)


@dataclass(frozen=True)
class Plan:
    """One U-Net.

    Attributes:
        widths: channels of the levels, the finest first.
        blocks: residual blocks of each level on the way down; there is one more on the way up.
        attention: whether blocks of a level are followed by self-attention.
        embedding, join, activation, down, up: one of `EMBEDDINGS`, `JOINS`, `ACTIVATIONS`, `DOWNS`, `UPS`.
    """

    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    attention: tuple[bool, ...]
    embedding: str
    join: str
    activation: str
    down: str
    up: str


def group_norm(channels: int) -> nn.GroupNorm:
    """At least four channels in a group, at most eight groups."""
    groups = next(count for count in range(max(min(8, channels // 4), 1), 0, -1) if channels % count == 0)
    return nn.GroupNorm(groups, channels)


class NoiseEmbedding(nn.Module):
    """From `c_noise`, one number per sample, to `sample x 4 width`: cosines and sines, then two linear layers."""

    def __init__(self, width: int, activation: str):
        super().__init__()
        self.frequencies = width // 2
        self.first, self.second = nn.Linear(2 * self.frequencies, 4 * width), nn.Linear(4 * width, 4 * width)
        self.act1, self.act2 = (getattr(nn, activation)() for _ in range(2))

    def forward(self, noise: Tensor) -> Tensor:
        steps = torch.arange(self.frequencies, device=noise.device, dtype=noise.dtype) / self.frequencies
        angles = noise[:, None] * 10000.0**-steps
        return self.act2(self.second(self.act1(self.first(torch.cat([angles.cos(), angles.sin()], 1)))))


class Attention(nn.Module):
    """Self-attention of one head over the positions of a map, with a shortcut."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = group_norm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.projection = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(self.norm(x)).flatten(2).transpose(1, 2).unsqueeze(1).chunk(3, -1)
        mixed = F.scaled_dot_product_attention(query, key, value)
        mixed = mixed.squeeze(1).transpose(1, 2).unflatten(2, x.shape[2:])
        return (self.projection(mixed) + x) * HALF


class Block(nn.Module):
    """A residual block that is told the noise level."""

    def __init__(self, inputs: int, outputs: int, embedding: int, attention: bool, plan: Plan):
        super().__init__()
        self.adaptive = plan.embedding == "AdaGN"
        self.norm1, self.act1 = group_norm(inputs), getattr(nn, plan.activation)()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.embedding = nn.Linear(embedding, outputs * (2 if self.adaptive else 1))
        self.norm2, self.act2 = group_norm(outputs), getattr(nn, plan.activation)()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        self.attention = Attention(outputs) if attention else nn.Identity()

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        inner = self.conv1(self.act1(self.norm1(x)))
        told = self.embedding(embedded)[:, :, None, None]
        if self.adaptive:
            scale, shift = told.chunk(2, 1)
            inner = self.norm2(inner) * (1 + scale) + shift
        else:
            inner = self.norm2(inner + told)
        return self.attention((self.conv2(self.act2(inner)) + self.shortcut(x)) * HALF)


class Join(nn.Module):
    """A map of the way down meets the way up."""

    def __init__(self, inputs: int, skip: int, join: str):
        super().__init__()
        self.concatenated = join == "concatenation"
        self.outputs = inputs + skip if self.concatenated else inputs
        same = self.concatenated or inputs == skip
        self.fit = nn.Identity() if same else nn.Conv2d(skip, inputs, 1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return torch.cat([x, skip], 1) if self.concatenated else (x + self.fit(skip)) * HALF


def down(channels: int, how: str) -> nn.Module:
    """Halves the resolution."""
    if how == "convolution":
        return nn.Conv2d(channels, channels, 3, 2, 1)
    return nn.AvgPool2d(2) if how == "average" else nn.MaxPool2d(2)


def up(channels: int, how: str) -> nn.Module:
    """Doubles the resolution."""
    if how == "deconvolution":
        return nn.ConvTranspose2d(channels, channels, 2, 2)
    if how == "bilinear":
        return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    enlarge = nn.Upsample(scale_factor=2, mode="nearest")
    return enlarge if how == "nearest" else nn.Sequential(enlarge, nn.Conv2d(channels, channels, 3, padding=1))


class UNet(nn.Module):
    """F of `gpproxy.search_spaces.edm`: from scaled noisy images and `c_noise` to what they are compared with."""

    def __init__(self, plan: Plan):
        super().__init__()
        base, widths = plan.widths[0], plan.widths
        embedding = 4 * base
        self.noise = NoiseEmbedding(base, plan.activation)
        self.first = nn.Conv2d(3, base, 3, padding=1)
        skips, channels = [base], base
        self.encoder = nn.ModuleList()
        for level, width in enumerate(widths):
            if level:
                self.encoder.append(down(channels, plan.down))
                skips.append(channels)
            for _ in range(plan.blocks[level]):
                self.encoder.append(Block(channels, width, embedding, plan.attention[level], plan))
                channels = width
                skips.append(channels)
        self.middle = Block(channels, channels, embedding, False, plan)
        self.decoder = nn.ModuleList()
        for level in reversed(range(len(widths))):
            for _ in range(plan.blocks[level] + 1):
                join = Join(channels, skips.pop(), plan.join)
                block = Block(join.outputs, widths[level], embedding, plan.attention[level], plan)
                self.decoder.append(nn.ModuleList([join, block]))
                channels = widths[level]
            if level:
                self.decoder.append(up(channels, plan.up))
        self.norm, self.act = group_norm(channels), getattr(nn, plan.activation)()
        self.last = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, images: Tensor, noise: Tensor) -> Tensor:
        embedded = self.noise(noise)
        x = self.first(images)
        skips = [x]
        for part in self.encoder:
            x = part(x, embedded) if isinstance(part, Block) else part(x)
            skips.append(x)
        x = self.middle(x, embedded)
        for part in self.decoder:
            if isinstance(part, nn.ModuleList):
                join, block = part
                x = block(join(x, skips.pop()), embedded)
            else:
                x = part(x)
        return self.last(self.act(self.norm(x)))

    def zero_ends_(self) -> None:
        """Sets the last layer of every branch and of the network to 0, as trainings begin (Dhariwal & Nichol, 2021).

        Untrained networks are looked at before that: such a network puts out 0, and nearly all its gradients are 0.
        """
        for module in self.modules():
            last = {Block: "conv2", Attention: "projection", UNet: "last"}.get(type(module))
            if last is not None:
                layer = getattr(module, last)
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)
