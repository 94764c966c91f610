"""Fast sizes equal the described ones."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from gpproxy.proxies.scorer import Scorer
from gpproxy.proxies.size import Size, Sizer, built_size, described_size
from gpproxy.search_spaces import Batch, ChoiceSpace, SearchSpace
from gpproxy.search_spaces.check import make_space
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import look_at
from tests.search.setups import FORWARD, fake_setup, fake_space


@pytest.mark.parametrize(
    "name, settings",
    [
        ("autogan", {"width": 4, "resolution": 16}),
        ("transnas-micro", {}),
        ("gancompression-cyclegan", {}),
        ("unet", {"resolution": 16}),  # attention and sums of maps
    ],
)
def test_fast_sizes_are_those_described(name: str, settings: dict) -> None:
    space = make_space(name, settings)
    sizer = Sizer(space)
    assert sizer.fast and sizer.plain == (name in ("autogan", "unet"))
    rng = random.Random(7)
    for _ in range(2):
        architecture = space.sample(rng)
        assert sizer(architecture) == described_size(space, architecture)


class Layers(SearchSpace):
    """One network with layers of every known kind; in `odd` its code does more than its layers."""

    @dataclass(frozen=True)
    class Settings(SearchSpace.Settings):
        odd: bool = False

    settings: Settings
    name = "layers"

    def build(self, architecture, generator):
        with torch.device("meta"):
            network = nn.Sequential(
                nn.Conv2d(3, 6, 3, 2, 1, groups=3), nn.InstanceNorm2d(6), nn.PReLU(),
                nn.ConvTranspose2d(6, 4, 3, 2, 1, output_padding=1), nn.Upsample(scale_factor=2, mode="bilinear"),
                nn.Conv2d(4, 4, 3, dilation=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5, bias=False),
            )  # fmt: skip
        return Twice(network) if self.settings.odd else network

    def batch(self, count, generator):
        return Batch(torch.zeros(count, 3, 9, 9))

    def sample(self, rng):
        return (0,)

    count = enumerate = mutate = cross = encode = decode = loss = None  # type: ignore[assignment]


class Twice(nn.Module):
    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.extra = nn.Conv2d(3, 3, 1, device="meta")

    def forward(self, x):
        return self.network(nn.functional.conv2d(x, self.extra.weight))


def test_every_known_layer_is_counted_right() -> None:
    space = Layers()
    batch = space.batch(2, None).to("meta")
    network = space.build((0,), None)
    found = built_size(space, batch, (0,))
    # 5x5 outputs of 6 channels with 9 weights; 5x5 inputs of 6 x 4 x 9; 16x16 outputs of 4 x 4 x 9; 4 x 5.
    assert found.macs == 25 * 6 * 9 + 25 * 6 * 4 * 9 + 16 * 16 * 4 * 4 * 9 + 20
    assert found.params == sum(p.numel() for p in network.parameters())
    assert found == described_size(space, (0,))


def test_a_network_that_does_more_than_its_layers_is_described() -> None:
    sizer = Sizer(Layers(odd=True))
    assert not sizer.fast and sizer((0,)) == described_size(Layers(odd=True), (0,))


def test_a_look_sees_the_same_size() -> None:
    space = fake_space()
    for code in ("1-1-1-1", "3-0-0-2"):
        one = Scorer(fake_setup(FORWARD)).score(code)
        assert Size(one.params, one.macs) == described_size(space, space.decode(code))


class Rare(nn.Module):
    """A decoder that attends to itself, by plain matrix products or torch's function, or contracts by letters, for some
    values of a choice."""

    def __init__(self, width: int, kind: int):
        super().__init__()
        self.width, self.kind = width, kind
        self.first, self.last = nn.Linear(16, 16 * width), nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x).view(len(x), self.width, 4, 4)
        if self.kind == 11:
            q = x.flatten(2)
            x = x + ((q.transpose(1, 2) @ q).softmax(-1) @ q.transpose(1, 2)).transpose(1, 2).view_as(x)
        if self.kind == 10:
            q = x.flatten(2).transpose(1, 2)
            x = x + torch.nn.functional.scaled_dot_product_attention(q, q, value=q).transpose(1, 2).view_as(x)
        if self.kind == 9:
            x = torch.einsum("bchw,bdhw->bcd", x, x)[:, :, :, None].mul(0.5).expand(-1, -1, -1, 4)
        return self.last(x)


def test_what_only_a_rare_choice_multiplies_is_counted():
    space = ChoiceSpace({"width": (8, 12), "kind": tuple(range(12))}, Rare, inputs=16)
    sizer = Sizer(space)
    plain, attending = (sizer(space.decode(code)) for code in ("8_3", "8_11"))
    assert sizer.fast and attending.params == plain.params
    assert attending.macs == plain.macs + 2 * 16 * 16 * 8
    named, spelt = (sizer(space.decode(code)) for code in ("8_10", "8_9"))
    assert named == attending
    for code, size in (("8_3", plain), ("8_11", attending), ("8_10", named), ("8_9", spelt)):
        assert look_at(space, code, Collection(samples=2)).noise.macs == size.macs
