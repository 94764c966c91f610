"""A picture of many images: rows and columns with a narrow gap, written as PNG."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from gpproxy.files import write_atomically

#: Pixels between images, and the brightness there.
GAP, BRIGHTNESS = 2, 255


def grid_name(step: int) -> str:
    """The file of the images that a generator draws after so many steps, in the folder of its training."""
    return f"samples_{step:06d}.png"


def grid(images: Tensor) -> np.ndarray:
    """One image, uint8 `height x width x 3`, with a gap between the parts and around them.

    Args:
        images: uint8 `row x column x 3 x height x width`, RGB.
    """
    rows, columns, channels, height, width = images.shape
    whole = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), BRIGHTNESS, np.uint8)
    parts = images.cpu().permute(0, 1, 3, 4, 2).numpy()
    for row in range(rows):
        for column in range(columns):
            top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
            whole[top : top + height, left : left + width] = parts[row, column]
    return whole


def write_grid(path: Path, images: Tensor) -> Path:
    """Writes the `grid` of images as a PNG file, whole or not at all."""
    data = io.BytesIO()
    Image.fromarray(grid(images)).save(data, format="PNG", optimize=True)
    write_atomically(path, data.getvalue())
    return path
