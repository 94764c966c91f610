"""Search spaces of your own in one file. Copy it, put your generator in, and use it with `--plugins own_space.py`:

gpproxy search --plugins own_space.py --space tiny-decoder --proxy "min_layers(layer_snip)" --budget 20
gpproxy train --plugins own_space.py --space tiny-decoder --arch 32_1 --data shapes --steps 200
gpproxy search --plugins own_space.py --space small-decoder --proxy "min_layers(layer_snip)" --budget 50
gpproxy train --plugins own_space.py --space small-decoder --arch 32_1_3 --data shapes --steps 200
gpproxy evolve --plugins own_space.py --benchmark my.csv      # my.toml says: space = "small-decoder"

Networks are ordinary PyTorch: layers and activations are seen as modules, functions and methods alike (`docs/gallery`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces import Architecture, Batch, choice_space, search_space
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.product import Choices, ProductSpace


# The short way: named choices, and a function that builds an ordinary module of one value each. Codes are `24_2`.
@choice_space("tiny-decoder", {"channels": (16, 24, 32), "depth": (0, 1, 2)}, inputs=64, source="you, 2026")
def tiny_decoder(channels: int, depth: int) -> nn.Module:
    """Decoders from 64 numbers of noise to 32-pixel images."""
    layers: list[nn.Module] = [nn.Linear(64, 16 * channels), nn.Unflatten(1, (channels, 4, 4))]
    for _ in range(3):
        layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.ConvTranspose2d(channels, channels, 4, 2, 1)]
        layers += [nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)) for _ in range(depth)]
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, 3, 3, padding=1), nn.Tanh())


# The long way: a class, with settings, rules and a loss of its own. A space whose architectures are no independent
# choices inherits from SearchSpace and says how they are drawn, listed, varied and crossed, too.
@search_space("small-decoder")
class SmallDecoder(ProductSpace):
    """Decoders from noise to images, such as `32_1_3`: channels, convolutions after each doubling, kernel in pixels."""

    @dataclass(frozen=True)
    class Settings(ProductSpace.Settings):
        """What `--space-settings` can change. Attributes of the space itself are its own business."""

        latent: int = 64
        resolution: int = 32

        def __post_init__(self) -> None:
            if self.resolution not in (8, 16, 32, 64):
                raise ConfigError(f"resolution is 8, 16, 32 or 64, but got {self.resolution}.")

    settings: Settings
    source = "you, 2026"
    #: `--arch small-decoder-mine`
    published = {"mine": (32, 1, 3)}

    @property
    def choices(self) -> Choices:
        return ((16, 24, 32, 48), (0, 1, 2), (1, 3, 5))

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
            layers: list[nn.Module] = [
                nn.Linear(self.settings.latent, 16 * channels),
                nn.Unflatten(1, (channels, 4, 4)),
            ]
            for _ in range(int(math.log2(self.settings.resolution / 4))):
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

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        """What untrained networks are looked at with. Several tensors: `Batch((noise, labels))`, and targets; `output=`
        names the image of a generator that returns several."""
        return Batch(torch.randn(count, self.settings.latent, generator=generator))

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The loss of the pass at initialisation, of which gradients are taken; any that fits the task."""
        return outputs.square().mean()
