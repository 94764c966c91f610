"""Pairs of a generator and a discriminator of EAGAN (Ying et al., 2022), looked at together.

In: noise. Out: what the untrained discriminator says of the images of the untrained generator. A formula reads the
layers of both, its gradients come from one loss through both, so `search` ranks pairs as it ranks generators.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import torch
from torch import Tensor, nn

from gpproxy.errors import SpaceError
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.discriminator import hinge_generator
from gpproxy.search_spaces.eagan import EAGANDiscriminator, EAGANGenerator
from gpproxy.search_spaces.eagan_cells import CELLS, GENES
from gpproxy.search_spaces.space import Architecture, SearchSpace, search_space

#: Between the two codes.
JOINED = "+"


class Pair(nn.Module):
    """The discriminator behind the generator: `sample x latent` -> `sample x 1`."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator

    def forward(self, noise: Tensor) -> Tensor:
        return self.discriminator(self.generator(noise))


@search_space("eagan-pair")
class EAGANPair(SearchSpace):
    """A generator of `eagan-generator` with a discriminator of `eagan-discriminator`; their codes joined by `+`."""

    @dataclass(frozen=True)
    class Settings(SearchSpace.Settings):
        """Attributes:
        width: channels of the generator (published: 256).
        discriminator_width: channels of the discriminator (published: 128).
        latent: size of the noise vector, a multiple of 3.
        resolution: side of the images in pixels, a multiple of 16.
        """

        width: int = 32
        discriminator_width: int = 32
        latent: int = 120
        resolution: int = 32

        def __post_init__(self) -> None:
            EAGANGenerator.Settings(self.width, self.latent, self.resolution, self.discriminator_width)
            EAGANDiscriminator.Settings(self.discriminator_width, self.resolution)

    settings: Settings
    source = "Ying et al., 2022"
    published: Mapping[str, Architecture] = MappingProxyType(
        {
            name: (*EAGANGenerator.published["best"], *EAGANDiscriminator.published[name])
            for name in ("cifar10", "stl10")
        }
    )

    @cached_property
    def parts(self) -> tuple[EAGANGenerator, EAGANDiscriminator]:
        """The two spaces."""
        s = self.settings
        return (
            EAGANGenerator(width=s.width, latent=s.latent, resolution=s.resolution),
            EAGANDiscriminator(width=s.discriminator_width, resolution=s.resolution),
        )

    def halves(self, architecture: Architecture) -> tuple[Architecture, Architecture]:
        """The architectures of the generator and of the discriminator."""
        return architecture[: CELLS * GENES], architecture[CELLS * GENES :]

    def sample(self, rng: random.Random) -> Architecture:
        generator, discriminator = self.parts
        return (*generator.sample(rng), *discriminator.sample(rng))

    def count(self) -> int:
        generator, discriminator = self.parts
        return generator.count() * discriminator.count()

    def enumerate(self) -> Iterator[Architecture]:
        generator, discriminator = self.parts
        for first in generator.enumerate():
            for second in discriminator.enumerate():
                yield (*first, *second)

    def mutate(self, architecture: Architecture, rng: random.Random) -> Architecture:
        """A neighbour that differs in one of the two."""
        halves = list(self.halves(architecture))
        which = rng.randrange(2)
        halves[which] = self.parts[which].mutate(halves[which], rng)
        return (*halves[0], *halves[1])

    def cross(self, first: Architecture, second: Architecture, rng: random.Random) -> Architecture:
        pairs = zip(self.parts, self.halves(first), self.halves(second))
        generator, discriminator = (space.cross(one, other, rng) for space, one, other in pairs)
        return (*generator, *discriminator)

    def encode(self, architecture: Architecture) -> str:
        return JOINED.join(space.encode(half) for space, half in zip(self.parts, self.halves(architecture)))

    def decode(self, code: str) -> Architecture:
        codes = code.split(JOINED)
        if len(codes) != 2:
            example = self.encode(self.published["cifar10"])
            raise SpaceError(f"An {self.name} code is that of a generator and of a discriminator, such as {example}.")
        generator, discriminator = (space.decode(half.strip()) for space, half in zip(self.parts, codes))
        return (*generator, *discriminator)

    def canonical(self, architecture: Architecture) -> Architecture:
        generator, discriminator = self.halves(architecture)
        return (*self.parts[0].canonical(generator), *discriminator)

    @property
    def tokens(self) -> tuple[tuple[int, ...], ...]:
        return (*self.parts[0].tokens, *self.parts[1].tokens)

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        kinds = ("generator", "discriminator")
        return tuple(
            tuple(f"{kind}: {name}" for name in level)
            for kind, space in zip(kinds, self.parts)
            for level in space.token_names
        )

    def to_tokens(self, architecture: Architecture) -> tuple[int, ...]:
        generator, discriminator = self.halves(architecture)
        return (*self.parts[0].to_tokens(generator), *self.parts[1].to_tokens(discriminator))

    def from_tokens(self, tokens: Sequence[int]) -> Architecture:
        tokens, count = self.checked_tokens(tokens), sum(map(len, self.parts[0].tokens))
        return (*self.parts[0].from_tokens(tokens[:count]), *self.parts[1].from_tokens(tokens[count:]))

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.settings.latent,)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """One number per pair."""
        return (1,)

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        made = [space.build(half, generator) for space, half in zip(self.parts, self.halves(architecture))]
        return Pair(made[0], made[1])

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        return Batch(torch.randn(count, self.settings.latent, generator=generator))

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Hinge loss of the generator against its own discriminator."""
        return hinge_generator(outputs)
