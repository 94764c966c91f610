"""A procedural set for tests and offline demonstrations: one smooth-edged shape on a two-coloured background.

In: a split and a side. Out: an ImageSet with five labels (disc, square, diamond, ring, cross). Neither files nor
a download: numbers come from a fixed seed per split, so that every machine draws the same scenes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.errors import ImageError, did_you_mean
from gpproxy.images.image_set import ImageSet
from gpproxy.seeds import numbered

#: Images and seed of each split.
SPLITS = {"train": (10_000, 11), "test": (2_000, 12)}
KINDS = ("disc", "square", "diamond", "ring", "cross")

#: Numbers of a scene: centre (2), radius, angle, three colours (9), direction of the background, shading.
_NUMBERS = 15


def shapes(split: str = "train", side: int = 32, limit: int | None = None) -> ImageSet:
    """The first `limit` scenes of a split, drawn at `side x side`; more scenes leave the first ones as they are.

    Raises ImageError for an unknown split, or a limit above its size.
    """
    if split not in SPLITS:
        raise ImageError(
            f"The set 'shapes' has no split '{split}'.{did_you_mean(split, SPLITS)} It has train and test."
        )
    size, seed = SPLITS[split]
    count = size if limit is None else limit
    if not 0 <= count <= size:
        raise ImageError(f"The split {split} of 'shapes' has {size} images, but {count} were asked for.")
    generator = numbered(seed)
    numbers = torch.rand(size, _NUMBERS, generator=generator, dtype=torch.float64)[:count]
    labels = torch.randint(len(KINDS), (size,), generator=generator)[:count]
    parts = [
        _draw(some, kinds, side) for some, kinds in zip(numbers.split(512), labels.split(512), strict=True) if len(some)
    ]
    images = torch.cat(parts) if parts else torch.empty(0, 3, side, side, dtype=torch.uint8)
    return ImageSet("shapes", split, images, labels)


def _draw(numbers: Tensor, kinds: Tensor, side: int) -> Tensor:
    """Bytes `sample x 3 x side x side`. Coordinates run from -1 to 1."""
    axis = (torch.arange(side, dtype=torch.float64) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    column = numbers[:, :, None, None].unbind(1)
    centre_x, centre_y = column[0] * 0.8 - 0.4, column[1] * 0.8 - 0.4
    radius, angle = 0.25 + 0.3 * column[2], 2 * torch.pi * column[3]
    u = (x - centre_x) * angle.cos() + (y - centre_y) * angle.sin()
    v = (y - centre_y) * angle.cos() - (x - centre_x) * angle.sin()
    distances = torch.stack(_distances(u, v, radius), dim=1)
    distance = distances[torch.arange(len(numbers)), kinds]
    # One pixel of blending at the edge: 2 / side is a pixel's width.
    inside = (0.5 - distance * side / 2).clamp(0, 1)[:, None]
    shape, back, other = (numbers[:, i : i + 3, None, None] for i in (4, 7, 10))
    turn = 2 * torch.pi * column[13]
    share = ((x * turn.cos() + y * turn.sin()) / 2.83 + 0.5)[:, None]
    ground = back * (1 - share) + other * share
    shade = 1 - 0.35 * (u / radius).clamp(-1, 1)[:, None] * column[14][:, None]
    return ((ground * (1 - inside) + shape * shade * inside).clamp(0, 1) * 255).round().to(torch.uint8)


def _distances(u: Tensor, v: Tensor, radius: Tensor) -> list[Tensor]:
    """Signed distance to the edge of every kind of shape, negative inside, in the order of KINDS."""
    length, width = (u.square() + v.square()).sqrt(), 0.35 * radius
    square = torch.maximum(u.abs(), v.abs()) - 0.85 * radius
    bars = torch.minimum(
        torch.maximum(u.abs() - radius, v.abs() - width), torch.maximum(v.abs() - radius, u.abs() - width)
    )
    diamond = (u.abs() + 0.6 * v.abs() - radius) / 1.166
    return [length - radius, square, diamond, (length - 0.75 * radius).abs() - width / 2, bars]
