"""TransNAS-Bench-101 (Duan et al., 2021): macro skeletons and micro cells of encoder-decoder generators.

Looked at as for images (the tasks autoencoding and surface normals) or as for classes of positions (segmentation).
"""

from __future__ import annotations

import itertools
import random
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.describe import describe, macs
from gpproxy.search_spaces.images import levels_of_brightness, pink_noise
from gpproxy.search_spaces.initialise import default_, fan_out_, materialise
from gpproxy.search_spaces.losses import cross_entropy, l1
from gpproxy.search_spaces.product import Choices, ProductSpace
from gpproxy.search_spaces.space import Architecture, SearchSpace, Takes, search_space
from gpproxy.search_spaces.transnas_network import (
    EDGES,
    STEM_CHANNELS,
    Autoencoder,
    BasicCell,
    Decoder,
    Encoder,
    MicroCell,
    Plan,
    canonical_cell,
    live_edges,
)


class TransNAS(SearchSpace):
    """What both spaces share: stem, two cells per module, decoder, L1 to the input or cross-entropy to classes."""

    @dataclass(frozen=True)
    class Settings(SearchSpace.Settings):
        """Attributes:
        resolution: side of the images in pixels, a multiple of 64 (the benchmark trains at 256).
        decoder_width: factor on the decoder's channel numbers. The benchmark trains with 1; a quarter is looked at
            in half the time and ranks alike. Descriptors are of the benchmark's width.
        classes: 0 for networks that put out images; else they put out one number per class at every position, 17 as for
            semantic segmentation. The benchmark's decoder of that task has other layers, its encoder is the same.
        """

        resolution: int = 64
        decoder_width: float = 0.25
        classes: int = 0

        def __post_init__(self) -> None:
            if self.resolution < 64 or self.resolution % 64:
                raise ConfigError(f"resolution must be a multiple of 64 pixels, but is {self.resolution}.")
            if not 0 < self.decoder_width <= 4:
                raise ConfigError(f"decoder_width must lie in (0, 4], but is {self.decoder_width}.")
            if self.classes < 0 or self.classes == 1:
                raise ConfigError(f"classes must be 0, for images, or at least 2, but is {self.classes}.")

    settings: Settings
    source = "Duan et al., 2021"
    takes: Takes = "images"

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (3, self.settings.resolution, self.settings.resolution)

    @property
    def image_shape(self) -> tuple[int, ...]:
        return (self.settings.classes or 3, *self.input_shape[1:])

    @abstractmethod
    def digits(self, architecture: Architecture) -> tuple[int, ...]:
        """Module digits of the skeleton: 1 same, 2 channels doubled, 3 resolution halved, 4 both."""

    @abstractmethod
    def cell(self, architecture: Architecture) -> Callable[[int, int, int], nn.Module]:
        """Maker of a cell from input channels, output channels and stride."""

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        plans: list[Plan] = []
        channels = STEM_CHANNELS
        for digit in self.digits(architecture):
            wider = channels * (2 if digit in (2, 4) else 1)
            plans.append((channels, wider, 2 if digit in (3, 4) else 1))
            channels = wider
        halvings = sum(stride == 2 for _, _, stride in plans)
        with torch.device("meta"):
            decoder = Decoder(channels, 2 + halvings, self.settings.decoder_width, self.settings.classes)
            network = Autoencoder(Encoder(plans, self.cell(architecture)), decoder)
        return materialise(network, generator, lambda name: fan_out_ if name.startswith("encoder") else default_)

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        images = pink_noise(count, self.settings.resolution, generator)
        return Batch(images, levels_of_brightness(images, self.settings.classes) if self.settings.classes else None)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """L1 to the images; with classes the cross-entropy to levels of brightness, which stand for labels."""
        return cross_entropy(outputs, batch.answers) if self.settings.classes else l1(outputs, batch.visible)

    def describe(self, architecture: Architecture) -> dict[str, float]:
        digits = self.digits(architecture)
        full = type(self)(replace(self.settings, decoder_width=1.0))
        network: Any = full.build(architecture, None)
        codes: list[Tensor] = []
        network.decoder.register_forward_pre_hook(lambda module, given: codes.append(given[0]))
        found = describe(network, Batch(torch.empty(2, *full.input_shape, device="meta")))
        own = {
            "decoder_macs": macs(network.decoder, Batch(codes[0])),
            "strides": float(sum(d in (3, 4) for d in digits)),
            "channel_doublings": float(sum(d in (2, 4) for d in digits)),
        }
        return {**found, **own}


@search_space("transnas-macro")
class TransNASMacro(TransNAS):
    """4 to 6 modules of residual blocks; 3,256 skeletons such as `64-1234-basic`.

    Tokens are the number of modules and the digits of six; those beyond the number stand for nothing. The rules for
    doublings and strides make some rows no architecture.
    """

    _SIZES = (4, 5, 6)

    @property
    def tokens(self) -> tuple[tuple[int, ...], ...]:
        return ((len(self._SIZES), *(4 for _ in range(self._SIZES[-1]))),)

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        return (("number of modules", *(f"module {number}" for number in range(1, self._SIZES[-1] + 1))),)

    def to_tokens(self, architecture: Architecture) -> tuple[int, ...]:
        idle = (0,) * (self._SIZES[-1] - len(architecture))
        return (self._SIZES.index(len(architecture)), *(digit - 1 for digit in architecture), *idle)

    def from_tokens(self, tokens: Sequence[int]) -> Architecture:
        size, *digits = self.checked_tokens(tokens)
        architecture = tuple(digit + 1 for digit in digits[: self._SIZES[size]])
        if rule := self._broken_rule(architecture):
            raise SpaceError(f"The tokens {tuple(tokens)} make no {self.name} architecture: {rule}.")
        return architecture

    def digits(self, architecture: Architecture) -> tuple[int, ...]:
        return architecture

    def cell(self, architecture: Architecture) -> Callable[[int, int, int], nn.Module]:
        return BasicCell

    @classmethod
    def _broken_rule(cls, digits: Architecture) -> str:
        if len(digits) not in cls._SIZES:
            return f"a skeleton has 4 to 6 modules, but this has {len(digits)}"
        if any(d not in (1, 2, 3, 4) for d in digits):
            return "a module digit is 1, 2, 3 or 4"
        doublings, strides = sum(d in (2, 4) for d in digits), sum(d in (3, 4) for d in digits)
        if not 1 <= doublings <= 3:
            return f"channels double (digits 2, 4) 1 to 3 times, but here {doublings} times"
        if not 1 <= strides <= 4:
            return f"resolution halves (digits 3, 4) 1 to 4 times, but here {strides} times"
        return ""

    def count(self) -> int:
        return len(self._all())

    def enumerate(self) -> Iterator[Architecture]:
        return iter(self._all())

    @classmethod
    @lru_cache(maxsize=1)
    def _all(cls) -> tuple[Architecture, ...]:
        codes = itertools.chain.from_iterable(itertools.product((1, 2, 3, 4), repeat=n) for n in cls._SIZES)
        return tuple(code for code in codes if not cls._broken_rule(code))

    def sample(self, rng: random.Random) -> Architecture:
        return rng.choice(self._all())

    def mutate(self, architecture: Architecture, rng: random.Random) -> Architecture:
        neighbours = []
        for i in range(len(architecture)):
            for digit in (1, 2, 3, 4):
                neighbours.append((*architecture[:i], digit, *architecture[i + 1 :]))
                neighbours.append((*architecture[:i], digit, *architecture[i:]))
            neighbours.append((*architecture[:i], *architecture[i + 1 :]))
        valid = sorted({n for n in neighbours if n != architecture and not self._broken_rule(n)})
        return rng.choice(valid)

    def cross(self, first: Architecture, second: Architecture, rng: random.Random) -> Architecture:
        children = {first[:i] + second[j:] for i in range(1, len(first)) for j in range(1, len(second))}
        valid = sorted(c for c in children if not self._broken_rule(c))
        return rng.choice(valid) if valid else first

    def encode(self, architecture: Architecture) -> str:
        return f"{STEM_CHANNELS}-{''.join(map(str, architecture))}-basic"

    def decode(self, code: str) -> Architecture:
        parts = code.strip().split("-")
        if len(parts) != 3 or parts[0] != "64" or parts[2] != "basic" or not parts[1].isdigit():
            raise SpaceError(
                f"A {self.name} code reads 64-<digits>-basic, such as 64-1234-basic, but this is '{code}'."
            )
        digits = tuple(map(int, parts[1]))
        if rule := self._broken_rule(digits):
            raise SpaceError(f"'{code}' is no {self.name} architecture: {rule}.")
        return digits


@search_space("transnas-micro")
class TransNASMicro(TransNAS, ProductSpace):
    """Cells of four nodes on the skeleton 41414; 4,096 codes such as `64-41414-1_02_333`.

    Operations: 0 zero, 1 skip, 2 ReLU-conv1x1-BN, 3 ReLU-conv3x3-BN. 169 codes have no path from input to output;
    the others form 1,375 functional classes.
    """

    _SKELETON = (4, 1, 4, 1, 4)

    def digits(self, architecture: Architecture) -> tuple[int, ...]:
        return self._SKELETON

    def cell(self, architecture: Architecture) -> Callable[[int, int, int], nn.Module]:
        return lambda inputs, outputs, stride: MicroCell(architecture, inputs, outputs, stride)

    @property
    def choices(self) -> Choices:
        return ((0, 1, 2, 3),) * len(EDGES)

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        return (tuple(f"operation from node {source} to {target}" for source, target in EDGES),)

    def mutate(self, architecture: Architecture, rng: random.Random) -> Architecture:
        edge = rng.randrange(len(EDGES))
        operation = (architecture[edge] + rng.randrange(1, 4)) % 4
        return (*architecture[:edge], operation, *architecture[edge + 1 :])

    def encode(self, architecture: Architecture) -> str:
        a, b, c, d, e, f = architecture
        return f"{STEM_CHANNELS}-41414-{a}_{b}{c}_{d}{e}{f}"

    def decode(self, code: str) -> Architecture:
        parts = code.strip().split("-")
        operations = parts[2].replace("_", "") if len(parts) == 3 else ""
        if (
            parts[:2] != ["64", "41414"]
            or [len(p) for p in parts[2].split("_")] != [1, 2, 3]
            or any(o not in "0123" for o in operations)
        ):
            raise SpaceError(
                f"A {self.name} code reads 64-41414-a_bc_def with six operations 0 to 3, "
                f"such as 64-41414-1_02_333, but this is '{code}'."
            )
        return tuple(map(int, operations))

    def dead(self, architecture: Architecture) -> str:
        return "" if live_edges(architecture) else "no path from input to output"

    def describe(self, architecture: Architecture) -> dict[str, float]:
        live = live_edges(architecture)
        own = {"input_conv3": float(sum(EDGES[i][0] == 0 and architecture[i] == 3 for i in live))}
        return {**super().describe(architecture), **own}

    def canonical(self, architecture: Architecture) -> Any:
        return canonical_cell(architecture)
