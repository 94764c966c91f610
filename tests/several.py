"""A plug-in for tests: spaces from noise and from images whose generators return a tensor, or that one among several.

Those called `named` take their image by name alone, beside a flag.
"""

import torch
from torch import nn

from gpproxy.search_spaces import Batch, ChoiceSpace


class Generator(nn.Module):
    def __init__(self, channels, several, noise):
        super().__init__()
        self.several = several
        begin = [nn.Linear(8, channels * 64), nn.Unflatten(1, (channels, 8, 8)), nn.Upsample(scale_factor=2)]
        first = begin if noise else [nn.Conv2d(3, channels, 3, 1, 1)]
        self.body = nn.Sequential(*first, nn.BatchNorm2d(channels), nn.ReLU())
        self.last = nn.Conv2d(channels, 3, 3, 1, 1)

    def forward(self, x):
        h = self.body(x)
        image = self.last(h).tanh()
        return {"rough": h[:, :3], "image": image, "mean": h.mean((2, 3))} if self.several else image


def space(name, several, noise):
    ChoiceSpace(
        {"channels": (4, 8)},
        lambda channels: Generator(channels, several, noise),
        name=name,
        inputs=8 if noise else (3, 16, 16),
        output="image" if several else None,
    )


class Named(Generator):  # called by name alone, with a flag; the image stands in a tuple
    def forward(self, *, photo, detailed):
        assert detailed
        made = super().forward(photo)
        return made["rough"], made["image"]


def photos(count, generator):
    return Batch({"detailed": True, "photo": torch.randn(count, 3, 16, 16, generator=generator)}, output=1)


ChoiceSpace(
    {"channels": (4, 8)},
    lambda channels: Named(channels, True, False),
    name="translates-named",
    inputs=photos,
)

for noise in (True, False):
    for several in (True, False):
        space(("draws" if noise else "translates") + ("-several" if several else "-one"), several, noise)
