"""Very deep variational autoencoders: an encoder that narrows images, and a decoder of many stochastic blocks.

Structure, initial values and likelihood as published; log deviations are kept between -5 and 2.5, so that no untrained
or diverging network leaves the range of its numbers. All that is random comes in as noise.
Source: Child (2021), code of openai/vdvae.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpproxy.search_spaces.initialise import default_
from gpproxy.search_spaces.mixture import CHANNELS, mixture_mean

#: Bounds of log deviations.
LOWEST, HIGHEST = -5.0, 2.5
#: Sides from which blocks have 3 x 3 convolutions.
WIDE_FROM = 3


@dataclass(frozen=True)
class Plan:
    """One network.

    Attributes:
        sides: sides of the maps in pixels, the coarsest first; the finest is that of the images.
        decoder: blocks at each side that do not begin it; at all sides but the first one block more does.
        encoder: blocks at each side that do not end it, of which at all sides but the first there is one more.
        width, latent: channels of the maps, and of the codes of each block.
        inner: channels inside of a block.
    """

    sides: tuple[int, ...]
    decoder: tuple[int, ...]
    encoder: tuple[int, ...]
    width: int
    latent: int
    inner: int

    @property
    def ways_down(self) -> Iterator[tuple[int, int]]:
        """Side and rate of each block of the encoder; a rate above 1 ends a side."""
        for side, following, count in zip(self.sides[::-1], (*self.sides[-2::-1], 0), self.encoder[::-1]):
            yield from [(side, 1)] * count
            if following:
                yield side, side // following

    @property
    def ways_up(self) -> Iterator[tuple[int, int]]:
        """Side of each block of the decoder, and the side that it begins from, or 0."""
        for before, side, count in zip((0, *self.sides), self.sides, self.decoder):
            if before:
                yield side, before
            yield from [(side, 0)] * count


class Block(nn.Module):
    """Four convolutions behind a GELU each, with or without a shortcut and an average pool."""

    def __init__(self, side: int, inputs: int, inner: int, outputs: int, *, residual: bool = False, rate: int = 1):
        super().__init__()
        kernel = 3 if side >= WIDE_FROM else 1
        self.residual, self.rate = residual, rate
        self.act1, self.act2, self.act3, self.act4 = (nn.GELU() for _ in range(4))
        self.conv1, self.conv4 = nn.Conv2d(inputs, inner, 1), nn.Conv2d(inner, outputs, 1)
        self.conv2, self.conv3 = (nn.Conv2d(inner, inner, kernel, padding=kernel // 2) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv3(self.act3(self.conv2(self.act2(self.conv1(self.act1(x))))))
        made = self.conv4(self.act4(inner))
        made = x + made if self.residual else made
        return F.avg_pool2d(made, self.rate) if self.rate > 1 else made


class StochasticBlock(nn.Module):
    """Draws codes of a map, given what the encoder says of it or from the prior, and adds what they tell."""

    def __init__(self, side: int, before: int, plan: Plan):
        super().__init__()
        width, inner = plan.width, plan.inner
        self.side, self.before, self.latent = side, before, plan.latent
        self.posterior = Block(side, 2 * width, inner, 2 * plan.latent)
        self.prior = Block(side, width, inner, 2 * plan.latent + width)
        self.told = nn.Conv2d(plan.latent, width, 1)
        self.rest = Block(side, width, inner, width, residual=True)

    def forward(self, x: Tensor, seen: Tensor | None, noise: Tensor) -> tuple[Tensor, Tensor | None]:
        """The next map, and the divergence of the codes in nats, `sample x 1 x side x side`; None without `seen`."""
        mean, deviation, known = self.prior(x).split((self.latent, self.latent, x.shape[1]), 1)
        deviation = deviation.clamp(LOWEST, HIGHEST)
        divergence = None
        if seen is not None:
            prior_mean, prior_deviation = mean, deviation
            mean, deviation = self.posterior(torch.cat([x, seen], 1)).chunk(2, 1)
            deviation = deviation.clamp(LOWEST, HIGHEST)
            spread = (2 * deviation).exp() + (mean - prior_mean).square()
            divergence = prior_deviation - deviation - 0.5 + 0.5 * spread * (-2 * prior_deviation).exp()
            divergence = divergence.sum(1, keepdim=True)
        codes = mean + deviation.exp() * noise
        return self.rest(x + known + self.told(codes)), divergence


class Start(nn.Module):
    """The learned map that a side begins with."""

    def __init__(self, width: int, side: int):
        super().__init__()
        self.map = nn.Parameter(torch.empty(1, width, side, side))

    def initialise_(self, generator: torch.Generator) -> None:
        """See `gpproxy.search_spaces.initialise.materialise`."""
        nn.init.zeros_(self.map)

    def forward(self, count: int) -> Tensor:
        """For so many samples."""
        return self.map.expand(count, -1, -1, -1)


class VDVAE(nn.Module):
    """From images and noise to mixtures of what the images may be, and what the codes cost.

    Outputs are `sample x 101 x height x width`: the parameters of a mixture at every position (`mixture`), and the
    divergence in nats, that of coarser codes shared out among the positions that they stand for.
    """

    def __init__(self, plan: Plan):
        super().__init__()
        self.plan = plan
        width = plan.width
        self.first = nn.Conv2d(3, width, 3, padding=1)
        ways = list(plan.ways_down)
        self.encoder = nn.ModuleList(
            Block(side, width, plan.inner, width, residual=True, rate=rate) for side, rate in ways
        )
        self.decoder = nn.ModuleList(StochasticBlock(side, before, plan) for side, before in plan.ways_up)
        self.starts = nn.ModuleList(Start(width, side) for side in plan.sides)
        self.gain, self.bias = (nn.Parameter(torch.empty(1, width, 1, 1)) for _ in range(2))
        self.last = nn.Conv2d(width, CHANNELS, 1)

    def initialise_(self, generator: torch.Generator) -> None:
        """See `gpproxy.search_spaces.initialise.materialise`."""
        nn.init.ones_(self.gain)
        nn.init.zeros_(self.bias)

    @property
    def blocks(self) -> Iterator[StochasticBlock]:
        """Those of the decoder, in order."""
        for block in self.decoder:
            assert isinstance(block, StochasticBlock)
            yield block

    @property
    def noise_size(self) -> int:
        """Numbers of noise for one image."""
        return sum(block.latent * block.side**2 for block in self.blocks)

    def forward(self, images: Tensor, noise: Tensor) -> Tensor:
        """What it makes of images, drawn by standard normal noise, `sample x n`: repeated where it is too short."""
        return self._decoded(self._seen(images), noise)

    def draw(self, noise: Tensor) -> Tensor:
        """The mean images of codes from the prior: `sample x 3 x height x width` in [-1, 1]."""
        return mixture_mean(self._decoded(None, noise)[:, :CHANNELS])

    def zero_ends_(self) -> None:
        """Sets the last layer of every prior to 0, as trainings begin.

        Untrained networks are looked at before that: those priors say the same of everything.
        """
        for block in self.blocks:
            nn.init.zeros_(block.prior.conv4.weight)
            nn.init.zeros_(block.prior.conv4.bias)  # type: ignore[arg-type]

    def _seen(self, images: Tensor) -> dict[int, Tensor]:
        """Side -> the last map of the encoder there."""
        x = self.first(images)
        seen = {x.shape[2]: x}
        for block in self.encoder:
            x = block(x)
            seen[x.shape[2]] = x
        return seen

    def _decoded(self, seen: dict[int, Tensor] | None, noise: Tensor) -> Tensor:
        count, finest = len(noise), self.plan.sides[-1]
        noise = noise.repeat(1, -(-self.noise_size // noise.shape[1]))
        maps = {side: start(count) for side, start in zip(self.plan.sides, self.starts)}
        spent = noise.new_zeros(count, 1, finest, finest)
        place = 0
        for block in self.blocks:
            side, shape = block.side, (block.latent, block.side, block.side)
            x = maps[side]
            if block.before:
                x = x + F.interpolate(maps[block.before], scale_factor=side / block.before)
            size = math.prod(shape)
            drawn = noise[:, place : place + size].unflatten(1, shape)
            place += size
            x, divergence = block(x, None if seen is None else seen[side], drawn)
            maps[side] = x
            if divergence is not None:
                share = finest // side
                spent = spent + F.interpolate(divergence, scale_factor=float(share)) / share**2
        made = self.last(maps[finest] * self.gain + self.bias)
        return torch.cat([made, spent], 1)


def rule(plan: Plan) -> Callable[[str], Callable[[Any, torch.Generator], None]]:
    """Initial values by the name of a layer: torch's own, without biases; smaller where maps are added to."""
    blocks = {"encoder": len(list(plan.ways_down)), "decoder": len(list(plan.ways_up))}

    def of(name: str) -> Callable[[Any, torch.Generator], None]:
        part, *inside = name.split(".")
        adds = inside[1:] in (["conv4"], ["told"], ["rest", "conv4"])
        scale = blocks[part] ** -0.5 if adds else 1.0

        def initialise(module: Any, generator: torch.Generator) -> None:
            default_(module, generator)
            module.weight.mul_(scale)
            nn.init.zeros_(module.bias)

        return initialise

    return of
