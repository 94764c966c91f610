"""Generated images of earlier steps, which a discriminator sees beside those of this step.

Source: Shrivastava et al., 2017; Zhu et al., 2017, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """At most `size` images. While there is room every image is kept and returned; then, for half of them, a random
    kept image is returned and the new one takes its place.

    Args:
        size: of the pool; 0 returns all images as they come.
    """

    def __init__(self, size: int):
        self.size = size
        self.images: list[Tensor] = []

    def exchange(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """What a discriminator should see: `sample x channel x height x width`, without gradients.

        Args:
            images: new ones, of the same shape.
            generator: source of the choices, on the CPU.
        """
        if not self.size:
            return images.detach()
        seen = []
        for image in images.detach().clone():
            keep, place = torch.rand(2, generator=generator).tolist()
            if len(self.images) < self.size:
                self.images.append(image)
            elif keep < 0.5:
                index = min(int(place * self.size), self.size - 1)
                image, self.images[index] = self.images[index], image
            seen.append(image)
        return torch.stack(seen)

    def state_dict(self) -> dict[str, Any]:
        return {"images": list(self.images)}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device | str = "cpu") -> None:
        self.images = [image.to(device) for image in state["images"]]
