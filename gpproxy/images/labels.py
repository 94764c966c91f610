"""Label maps out of pictures: what generators such as GauGAN take, for data sets that have pictures of labels instead.

In: pictures in which colours stand for classes, such as the facades of the CMP. Out: for each picture one channel per
class, 1 where the pixel has it and 0 elsewhere, and a last channel that marks the borders between classes. Any pictures
are taken; how much a class means is up to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gpproxy.errors import ImageError
from gpproxy.seeds import numbered

#: Seed of the choice of colours; pixels that they are chosen from; rounds of moving them to the mean of their pixels.
SEED, PIXELS, ROUNDS = 0, 20_000, 10


@dataclass(frozen=True)
class LabelMaps:
    """Turns pictures into label maps.

    Attributes:
        palette: the colour of each class, float32 `class x 3` from 0 to 255; there may be fewer than `classes`.
        classes: channels of the label maps, without that of the borders.
    """

    palette: Tensor
    classes: int

    @classmethod
    def of(cls, images: Tensor, classes: int) -> LabelMaps:
        """The label maps of some pictures, uint8 `sample x 3 x height x width`: equal pictures give equal palettes.

        The colours are chosen among random pixels, each with a chance that grows with its squared distance from the
        colours before it (k-means++: Arthur & Vassilvitskii, 2007), and moved to the means of the pixels that are
        nearest to them. Raises ImageError for fewer than two classes.
        """
        if classes < 2:
            raise ImageError(f"A label map has two classes or more, but got {classes}. Choose another search space.")
        draws = numbered(SEED)
        pixels = images.movedim(1, -1).reshape(-1, 3)
        pixels = pixels[torch.randint(len(pixels), (PIXELS,), generator=draws)].to(torch.float64)
        palette = pixels[:1]
        while len(palette) < classes:
            far = torch.cdist(pixels, palette).amin(1).square()
            if not far.any():  # every colour has a class of its own
                break
            palette = torch.cat([palette, pixels[torch.multinomial(far, 1, generator=draws)]])
        for _ in range(ROUNDS):
            nearest = torch.cdist(pixels, palette).argmin(1)
            counts = torch.bincount(nearest, minlength=len(palette))[:, None]
            sums = torch.zeros_like(palette).index_add_(0, nearest, pixels)
            palette = torch.where(counts > 0, sums / counts.clamp(min=1), palette)
        return cls(palette.round().to(torch.float32), classes)

    def __call__(self, images: Tensor) -> Tensor:
        """Label maps float32 `sample x class + 1 x height x width` of pictures uint8 `sample x 3 x height x width`."""
        pixels = images.to(torch.float32).movedim(1, -1)
        kinds = torch.cdist(pixels.flatten(1, 2), self.palette.to(images.device)).argmin(-1).view(pixels.shape[:-1])
        hot = F.one_hot(kinds, self.classes).movedim(-1, 1).to(torch.float32)
        border = torch.zeros_like(hot[:, :1])
        border[:, 0, 1:] += kinds[:, 1:] != kinds[:, :-1]
        border[:, 0, :, 1:] += kinds[:, :, 1:] != kinds[:, :, :-1]
        return torch.cat([hot, border.clamp(max=1)], 1)
