"""A plug-in for tests of the commands: a space of 48 tiny generators and a table of made-up qualities."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass

import torch
from torch import nn

from gpproxy.benchmarks.benchmark import Card, open_space
from gpproxy.benchmarks.registry import BENCHMARKS
from gpproxy.benchmarks.rows import Row, assemble
from gpproxy.errors import SpaceError
from gpproxy.search_spaces import Batch, SearchSpace, search_space

WIDTHS, KERNELS, SLOPES = (3, 4, 6, 8), (1, 3), (0.0, 0.2, 0.8)


@search_space("fake")
class Fake(SearchSpace):
    """Codes such as `3-1-0-2`: width, kernel, whether there is a third layer, slope of the rectifiers."""

    @dataclass(frozen=True)
    class Settings(SearchSpace.Settings):
        resolution: int = 8

    settings: Settings

    def sample(self, rng):
        return tuple(rng.randrange(n) for n in (4, 2, 2, 3))

    def count(self):
        return 48

    def enumerate(self):
        yield from itertools.product(range(4), range(2), range(2), range(3))

    def mutate(self, architecture, rng):
        return ((architecture[0] + 1) % 4, *architecture[1:])

    def cross(self, first, second, rng):
        return (first[0], *second[1:])

    def encode(self, architecture):
        return "-".join(map(str, architecture))

    def decode(self, code):
        parts = code.split("-")
        if len(parts) != 4 or not all(p.isdigit() and int(p) < n for p, n in zip(parts, (4, 2, 2, 3))):
            raise SpaceError(f"A code is four digits, such as 3-1-0-2, but this one is '{code}'.")
        return tuple(map(int, parts))

    def build(self, architecture, generator):
        w, k, extra, s = architecture
        width, kernel, slope = WIDTHS[w], KERNELS[k], SLOPES[s]
        with torch.device("meta"):
            block = [nn.Conv2d(width, width, kernel, 1, kernel // 2), nn.BatchNorm2d(width), nn.LeakyReLU(slope)]
            first, last = nn.Conv2d(3, width, 3, 2, 1), nn.ConvTranspose2d(width, 3, 4, 2, 1)
            network = nn.Sequential(first, nn.LeakyReLU(slope), *block * extra, last, nn.Tanh())
        if generator is None:
            return network
        network = network.to_empty(device="cpu")
        with torch.no_grad():
            for module in network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.reset_running_stats()
                    module.weight.fill_(1.0)
                    module.bias.zero_()
                elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                    for parameter in module.parameters():
                        parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
                    if code_of(architecture) == BROKEN:
                        module.bias.fill_(math.nan)
        return network

    def batch(self, count, generator):
        side = self.settings.resolution
        return Batch(torch.randn(count, 3, side, side, generator=generator))

    def loss(self, outputs, batch):
        return (outputs - batch.visible).abs().mean()

    def dead(self, architecture):
        return "made dead" if architecture[:3] == (0, 0, 0) and architecture[3] > 0 else ""


#: The generator that returns NaN.
BROKEN = "3-0-1-2"


def code_of(architecture):
    return "-".join(map(str, architecture))


def quality(architecture):
    w, k, extra, s = architecture
    noise = random.Random(str(architecture)).gauss(0, 0.15)
    return w + 0.5 * k - 0.3 * extra + 0.4 * s + noise


def fake_table(name, sign):
    def load(on_bad_rows):
        card = Card(
            space="fake", metric="quality", direction="higher", source="made up", prefix="paper/", recipe="none at all"
        )
        space = open_space(card)
        rows = [
            Row(i, space.encode(a), quality(a) + sign * a[2], columns={"guess": float(a[0])})
            for i, a in enumerate(space.enumerate(), 1)
        ]
        return assemble(name, card, space, rows, name, on_bad_rows)

    return load


BENCHMARKS.add("fake", fake_table("fake", 0))
BENCHMARKS.add("fake-deep", fake_table("fake-deep", 0.2))
