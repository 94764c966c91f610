"""A plug-in for tests of the collection: a space of generators of a few hundred parameters, sound and broken ones.

Loaded with `load_plugin`, so that other processes know it too: `from tests.statistics.tiny_tables import tiny`.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
from torch import nn

from gpproxy.errors import SpaceError
from gpproxy.search_spaces import Batch, SearchSpace, search_space

SOUND = ("plain", "norms", "linear", "deep")
DEAD = ("constant", "still", "sealed")
BROKEN = ("nan", "infinite", "empty", "bare", "torn", "crash")
KINDS = (*SOUND, *DEAD, *BROKEN)
WIDTHS = (3, 4, 6)


class Bare(nn.Module):
    """A parameter, but no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(3, 1, 1))

    def forward(self, x):
        return self.gain * x


class Torn(nn.Sequential):
    """Cuts the graph, so that a backward pass fails."""

    def forward(self, x):
        return super().forward(x).detach()


class Crash(nn.Sequential):
    """Fails in its forward pass."""

    def forward(self, x):
        raise ValueError("does not run")


def layers(kind: str, w: int) -> nn.Module:
    down, up, last = nn.Conv2d(3, w, 3, 2, 1), nn.ConvTranspose2d(w, w, 4, 2, 1), nn.Conv2d(w, 3, 3, 1, 1)
    plain = [down, nn.ReLU(inplace=True), up, nn.LeakyReLU(0.2), last, nn.Tanh()]
    if kind == "norms":
        middle = nn.Sequential(nn.ReLU(), nn.Conv2d(w, w, 1, bias=False), nn.BatchNorm2d(w), nn.ReLU())
        return nn.Sequential(down, nn.BatchNorm2d(w), middle, up, nn.BatchNorm2d(w), nn.ReLU(), last, nn.Tanh())
    if kind == "linear":
        code = nn.Sequential(nn.Flatten(), nn.ReLU(), nn.Linear(192, 16 * w), nn.Unflatten(1, (w, 4, 4)))
        return nn.Sequential(code, nn.ReLU(), up, nn.ReLU(), last)
    if kind == "deep":
        more = [m for _ in range(3) for m in (nn.Conv2d(w, w, 3, 1, 1), nn.ReLU())]
        return nn.Sequential(down, nn.ReLU(), *more, up, nn.LeakyReLU(0.2), last, nn.Tanh())
    if kind == "empty":
        return nn.Tanh()
    if kind == "bare":
        return Bare()
    if kind in ("torn", "crash"):
        return {"torn": Torn, "crash": Crash}[kind](*plain)
    return nn.Sequential(*plain[:-1])


@search_space("tiny")
class Tiny(SearchSpace):
    """Codes such as `plain-4`: kind and width."""

    @dataclass(frozen=True)
    class Settings(SearchSpace.Settings):
        resolution: int = 8
        offset: float = 0.0

    settings: Settings

    def sample(self, rng):
        return rng.randrange(len(KINDS)), rng.randrange(3)

    def count(self):
        return 3 * len(KINDS)

    def enumerate(self):
        yield from itertools.product(range(len(KINDS)), range(3))

    def mutate(self, architecture, rng):
        return architecture[0], (architecture[1] + 1) % 3

    def cross(self, first, second, rng):
        return first[0], second[1]

    def encode(self, architecture):
        return f"{KINDS[architecture[0]]}-{WIDTHS[architecture[1]]}"

    def decode(self, code):
        kind, _, width = code.partition("-")
        if kind not in KINDS or width not in map(str, WIDTHS):
            raise SpaceError(f"A code reads kind-width, such as plain-4, but this is '{code}'.")
        return KINDS.index(kind), WIDTHS.index(int(width))

    def build(self, architecture, generator):
        kind, width = KINDS[architecture[0]], WIDTHS[architecture[1]]
        with torch.device("meta"):  # torch's own initial weights would come from the global generator
            network = layers(kind, width).train()
        if generator is None:
            return network
        network.to_empty(device="cpu")
        weighted = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear))]
        with torch.no_grad():
            for module in network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.reset_parameters()
                elif isinstance(module, Bare):
                    module.gain.fill_(1.0)
            for parameter in (p for module in weighted for p in module.parameters()):
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
            if kind in ("nan", "infinite"):
                weighted[-1].bias.fill_(math.nan if kind == "nan" else math.inf)
            if kind == "constant":
                weighted[-1].weight.zero_()
                weighted[-1].bias.fill_(1.0)
            if kind == "still":
                weighted[-1].bias.fill_(-1e3)
        return network

    def batch(self, count, generator):
        side = self.settings.resolution
        return Batch(torch.randn(count, 3, side, side, generator=generator))

    def loss(self, outputs, batch):
        """Nothing below zero counts, so that a generator can have a loss without a gradient."""
        return (outputs - self.settings.offset).relu().mean()

    def dead(self, architecture):
        return "sealed by its structure" if KINDS[architecture[0]] == "sealed" else ""
