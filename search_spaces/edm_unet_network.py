"""The two U-Nets that diffusion models of images are mostly made of: DDPM++ and ADM.

Source: Song et al. (2021) and Dhariwal & Nichol (2021), in the form that Karras et al. (2022) compare them in. Weights
begin as published, but for the last layer of every branch, which `zero_ends_` sets when a training begins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Family:
    """What the two differ in.

    Attributes:
        adaptive: whether the noise level scales and shifts a norm, or is added before it.
        half: factor after every sum.
        projected: whether every change of resolution has a 1 x 1 convolution in the shortcut.
        per_head: channels of a head of attention; 0 for a single head.
        everywhere: whether all blocks of the way up have attention, or the last of each level.
        epsilon: of norms.
    """

    adaptive: bool
    half: float
    projected: bool
    per_head: int
    everywhere: bool
    epsilon: float


FAMILIES = {
    "ddpm++": Family(False, math.sqrt(0.5), True, 0, False, 1e-6),
    "adm": Family(True, 1.0, False, 64, True, 1e-5),
}


@dataclass(frozen=True)
class Plan:
    """One network.

    Attributes:
        family: a name of `FAMILIES`.
        base: channels of the finest level.
        multipliers: channels of each level, in units of `base`.
        blocks: of each level on the way down.
        attention: sides of the maps that have attention.
        resolution: side of the images.
        classes, augment: numbers that a class, or an augmentation, is told by; 0 for none.
    """

    family: str
    base: int
    multipliers: tuple[int, ...]
    blocks: int
    attention: tuple[int, ...]
    resolution: int
    classes: int = 0
    augment: int = 0


def group_norm(channels: int, epsilon: float) -> nn.GroupNorm:
    """At least four channels in a group, at most 32 groups."""
    return nn.GroupNorm(min(32, channels // 4), channels, eps=epsilon)


class Block(nn.Module):
    """A residual block, at the same resolution or at half or twice of it, with or without attention behind it."""

    def __init__(
        self, inputs: int, outputs: int, embedding: int, family: Family, *, scale: float = 1.0, attention: bool = False
    ):
        super().__init__()
        self.family, self.scale = family, scale
        self.norm0, self.conv0 = group_norm(inputs, family.epsilon), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.affine = nn.Linear(embedding, outputs * (2 if family.adaptive else 1))
        self.norm1, self.conv1 = group_norm(outputs, family.epsilon), nn.Conv2d(outputs, outputs, 3, padding=1)
        changed = inputs != outputs or (scale != 1 and family.projected)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if changed else nn.Identity()
        self.heads = 0
        if attention:
            self.heads = outputs // family.per_head if family.per_head and outputs >= family.per_head else 1
            self.norm2 = group_norm(outputs, family.epsilon)
            self.qkv, self.projection = nn.Conv2d(outputs, 3 * outputs, 1), nn.Conv2d(outputs, outputs, 1)

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        inner = self.conv0(self._resized(F.silu(self.norm0(x))))
        told = self.affine(embedded)[:, :, None, None]
        if self.family.adaptive:
            scale, shift = told.chunk(2, 1)
            inner = self.norm1(inner) * (1 + scale) + shift
        else:
            inner = self.norm1(inner + told)
        x = (self.conv1(F.silu(inner)) + self.shortcut(self._resized(x))) * self.family.half
        return self._attended(x) if self.heads else x

    def _resized(self, x: Tensor) -> Tensor:
        if self.scale == 0.5:
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2.0, mode="nearest") if self.scale == 2 else x

    def _attended(self, x: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(1, (self.heads, -1)).flatten(3).transpose(2, 3)
            for part in self.qkv(self.norm2(x)).chunk(3, 1)
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        return (self.projection(mixed.transpose(2, 3).reshape(x.shape)) + x) * self.family.half


class EDMUNet(nn.Module):
    """F of `gpproxy.search_spaces.edm`: from scaled noisy images and `c_noise` to what they are compared with."""

    def __init__(self, plan: Plan):
        super().__init__()
        family, base = FAMILIES[plan.family], plan.base
        embedding = 4 * base
        self.frequencies = base // 2
        #: ADM tells the class behind the first two layers, and without a bias
        late = family.adaptive
        if plan.classes:
            self.map_class = nn.Linear(plan.classes, embedding if late else base, bias=not late)
        if plan.augment:
            self.map_augment = nn.Linear(plan.augment, base, bias=False)
        self.map0, self.map1 = nn.Linear(base, embedding), nn.Linear(embedding, embedding)
        self.late, self.classes, self.augment = late, plan.classes, plan.augment

        def block(inputs: int, outputs: int, **how: object) -> Block:
            return Block(inputs, outputs, embedding, family, **how)  # type: ignore[arg-type]

        self.first = nn.Conv2d(3, base, 3, padding=1)
        self.encoder, skips, channels = nn.ModuleList(), [base], base
        sides = [plan.resolution >> level for level in range(len(plan.multipliers))]
        for level, (side, multiplier) in enumerate(zip(sides, plan.multipliers)):
            if level:
                self.encoder.append(block(channels, channels, scale=0.5))
                skips.append(channels)
            for _ in range(plan.blocks):
                self.encoder.append(block(channels, base * multiplier, attention=side in plan.attention))
                channels = base * multiplier
                skips.append(channels)
        self.middle = nn.ModuleList([block(channels, channels, attention=True), block(channels, channels)])
        self.decoder = nn.ModuleList()
        #: which blocks of the way up are given a map of the way down
        self.joined: list[bool] = []
        for level, (side, multiplier) in reversed(list(enumerate(zip(sides, plan.multipliers)))):
            if level < len(sides) - 1:
                self._up(block(channels, channels, scale=2.0), False)
            for number in range(plan.blocks + 1):
                attention = side in plan.attention and (family.everywhere or number == plan.blocks)
                self._up(block(channels + skips.pop(), base * multiplier, attention=attention), True)
                channels = base * multiplier
        self.norm, self.last = group_norm(channels, family.epsilon), nn.Conv2d(channels, 3, 3, padding=1)

    def _up(self, block: Block, joined: bool) -> None:
        self.decoder.append(block)
        self.joined.append(joined)

    def forward(
        self, images: Tensor, noise: Tensor, classes: Tensor | None = None, augment: Tensor | None = None
    ) -> Tensor:
        """See `gpproxy.search_spaces.edm.noisy_batch`.

        Args:
            classes: one-hot, `sample x class`; None for no class.
            augment: `sample x number`; None for no augmentation.
        """
        embedded = self._embedded(noise, classes, augment)
        x = self.first(images)
        skips = [x]
        for block in self.encoder:
            x = block(x, embedded)
            skips.append(x)
        for block in self.middle:
            x = block(x, embedded)
        for block, joined in zip(self.decoder, self.joined):
            x = block(torch.cat([x, skips.pop()], 1) if joined else x, embedded)
        return self.last(F.silu(self.norm(x)))

    def _embedded(self, noise: Tensor, classes: Tensor | None, augment: Tensor | None) -> Tensor:
        steps = torch.arange(self.frequencies, device=noise.device, dtype=noise.dtype) / (self.frequencies - 1)
        angles = noise[:, None] * 10000.0**-steps
        x = torch.cat([angles.cos(), angles.sin()], 1)
        if classes is not None and not self.late:
            # One-hot vectors are scaled so that they have the variance of noise.
            x = x + self.map_class(classes * math.sqrt(self.classes))
        if augment is not None:
            x = x + self.map_augment(augment)
        x = self.map1(F.silu(self.map0(x)))
        if classes is not None and self.late:
            x = x + self.map_class(classes)
        return F.silu(x)

    def zero_ends_(self) -> None:
        """Sets the last layer of every branch and of the network to 0, as trainings begin (Dhariwal & Nichol, 2021)."""
        ends = [self.last, *(module.conv1 for module in self.modules() if isinstance(module, Block))]
        ends += [module.projection for module in self.modules() if isinstance(module, Block) and module.heads]
        for layer in ends:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
