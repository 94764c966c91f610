"""Real images damaged by degrees, as stand-ins for generators of graded quality.

In: an ImageSet with labels. Out: names and bytes of equally many images.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from gpproxy.images.image_set import ImageSet

NOISE = (4, 8, 16, 32, 64)
BLUR = (0.4, 0.6, 0.9, 1.4, 2.2)
MISSING = (1, 2, 4, 6, 8)
DISTINCT = (500, 200, 100, 50, 20)
MIXED = (0.1, 0.2, 0.4)


def graded(images: ImageSet, count: int, seed: int = 0) -> Iterator[tuple[str, Tensor]]:
    """24 sets of `count` images: untouched, noise and blur of several strengths, classes missing, repeats, mixtures."""
    assert images.labels is not None
    generator = torch.Generator().manual_seed(seed)
    base = images.images[:count].float()
    yield "untouched", images.images[:count]
    for deviation in NOISE:
        yield f"noise {deviation}", _bytes(base + deviation * torch.randn(base.shape, generator=generator))
    for width in BLUR:
        yield f"blur {width}", _bytes(blurred(base, width))
    for classes in MISSING:
        kept = images.images[images.labels >= classes * (int(images.labels.max()) + 1) // 10]
        yield f"without {classes} classes", kept[torch.arange(count) % len(kept)]
    for distinct in DISTINCT:
        yield f"{distinct} distinct", images.images[torch.arange(count) % distinct]
    for share in MIXED:
        yield f"mixed {share}", _bytes(base.lerp(base.flip(0), share))


def blurred(x: Tensor, deviation: float) -> Tensor:
    """A Gaussian of `deviation` pixels along rows and columns, mirrored at the border."""
    reach = max(1, round(3 * deviation))
    weights = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
    kernel = (weights / weights.sum()).repeat(3, 1, 1, 1)
    x = F.conv2d(F.pad(x, (reach, reach, 0, 0), mode="reflect"), kernel, groups=3)
    return F.conv2d(F.pad(x, (0, 0, reach, reach), mode="reflect"), kernel.transpose(2, 3), groups=3)


def _bytes(x: Tensor) -> Tensor:
    return x.round().clamp(0, 255).to(torch.uint8)
