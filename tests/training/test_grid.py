"""Grids: each pixel is where it belongs, and the file says the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gpproxy.training.grid import GAP, grid, write_grid


def test_pixels(tmp_path: Path) -> None:
    images = torch.randint(0, 256, (2, 3, 3, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = grid(images)
    assert found.shape == (2 * (5 + GAP) + GAP, 3 * (4 + GAP) + GAP, 3)
    seen = np.zeros(found.shape[:2], bool)
    for row in range(2):
        for column in range(3):
            top, left = GAP + row * (5 + GAP), GAP + column * (4 + GAP)
            part = found[top : top + 5, left : left + 4]
            assert np.array_equal(part, images[row, column].permute(1, 2, 0).numpy())
            seen[top : top + 5, left : left + 4] = True
    assert (found[~seen] == 255).all()
    path = write_grid(tmp_path / "grid.png", images)
    assert np.array_equal(np.asarray(Image.open(path)), found) and [p.name for p in tmp_path.iterdir()] == ["grid.png"]
