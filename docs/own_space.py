"""A search space of your own in one file. Copy it, put your generator in, and use it with `--plugins own_space.py`:

gpproxy search --plugins own_space.py --space small-decoder --proxy "min_layers(layer_snip)" --budget 50
gpproxy train --plugins own_space.py --space small-decoder --arch 32_1_3 --data shapes --steps 200
gpproxy evolve --plugins own_space.py --benchmark my.csv      # my.toml says: space = "small-decoder"
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator

import torch
from gpproxy.search_spaces import Architecture, SearchSpace, search_space
from gpproxy.search_spaces.initialise import materialise
from torch import Tensor, nn

from gpproxy.errors import SpaceError

#: What may be chosen: channels, convolutions after each doubling, side of their kernels in pixels.
CHOICES = ((16, 24, 32, 48), (0, 1, 2), (1, 3, 5))


@search_space("small-decoder")
class SmallDecoder(SearchSpace):
    """Decoders from noise to 32-pixel images, such as `32_1_3`. The constructor's arguments are the settings.

    Rectifiers and weighted layers are modules, because that is where gpproxy looks.
    """

    source = "you, 2026"

    def __init__(self, latent: int = 64, resolution: int = 32):
        self.latent, self.resolution = latent, resolution

    def sample(self, rng: random.Random) -> Architecture:
        return tuple(rng.choice(values) for values in CHOICES)

    def count(self) -> int:
        return math.prod(map(len, CHOICES))

    def enumerate(self) -> Iterator[Architecture]:
        return itertools.product(*CHOICES)

    def mutate(self, architecture: Architecture, rng: random.Random) -> Architecture:
        place = rng.randrange(len(CHOICES))
        value = rng.choice([value for value in CHOICES[place] if value != architecture[place]])
        return (*architecture[:place], value, *architecture[place + 1 :])

    def cross(self, first: Architecture, second: Architecture, rng: random.Random) -> Architecture:
        return tuple(rng.choice(pair) for pair in zip(first, second))

    def encode(self, architecture: Architecture) -> str:
        return "_".join(map(str, architecture))

    def decode(self, code: str) -> Architecture:
        for architecture in self.enumerate():
            if self.encode(architecture) == code.strip():
                return architecture
        raise SpaceError(f"A code is one of {self.count()} such as 32_1_3, but this one is '{code}'.")

    def canonical(self, architecture: Architecture) -> Architecture:
        """Equal for networks that compute the same: without convolutions the kernel does not matter."""
        channels, depth, kernel = architecture
        return (channels, depth, kernel if depth else 0)

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        channels, depth, kernel = architecture
        with torch.device("meta"):  # shapes only; `materialise` draws all weights from the generator
            layers: list[nn.Module] = [nn.Linear(self.latent, 16 * channels), nn.Unflatten(1, (channels, 4, 4))]
            for _ in range(int(math.log2(self.resolution / 4))):
                layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.ConvTranspose2d(channels, channels, 4, 2, 1)]
                for _ in range(depth):
                    layers += [
                        nn.BatchNorm2d(channels),
                        nn.ReLU(),
                        nn.Conv2d(channels, channels, kernel, padding="same"),
                    ]
            layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, 3, 3, padding=1), nn.Tanh()]
            network = nn.Sequential(*layers)
        return materialise(network, generator)

    def inputs(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, self.latent, generator=generator)

    def loss(self, outputs: Tensor, inputs: Tensor) -> Tensor:
        """The loss of the pass at initialisation, of which gradients are taken; any that fits the task."""
        return outputs.square().mean()
