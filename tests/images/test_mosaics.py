"""Mosaics cut into images, on a made one and on CIFAR-10."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gpproxy.errors import ImageError
from gpproxy.images.mosaics import has_mosaics, read_mosaics
from gpproxy.run.data_folder import data_folder


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, torch.Tensor]:
    """Two mosaics of noise with their tiles."""
    generator = np.random.default_rng(0)
    tiles = generator.integers(256, size=(2, 50, 50, 32, 32, 3), dtype=np.uint8)
    for i, grid in enumerate(tiles):
        pixels = grid.transpose(0, 2, 1, 3, 4).reshape(1600, 1600, 3)
        Image.fromarray(pixels).save(tmp_path / f"train_0{i}.png", compress_level=0)
        (tmp_path / f"train_0{i}.png").rename(tmp_path / f"train_0{i}.webp")
    (tmp_path / "train_labels.json").write_text(json.dumps({"labels": [i % 10 for i in range(5000)]}))
    return tmp_path, torch.from_numpy(tiles.reshape(5000, 32, 32, 3).transpose(0, 3, 1, 2).copy())


def test_tiles_come_back_row_by_row_in_the_order_of_the_labels(made: tuple[Path, torch.Tensor]) -> None:
    folder, tiles = made
    found = read_mosaics(folder, "train")
    assert torch.equal(found.images, tiles)
    assert found.labels is not None and found.labels[:11].tolist() == [*range(10), 0]
    few = read_mosaics(folder, "train", 30)
    assert torch.equal(few.images, tiles[:30]) and few.labels is not None and len(few.labels) == 30


def test_missing_and_damaged_files_are_named(made: tuple[Path, torch.Tensor]) -> None:
    folder, _ = made
    with pytest.raises(ImageError, match="no mosaics test_00.webp"):
        read_mosaics(folder, "test")
    with pytest.raises(ImageError, match="5001 images were asked for, but cifar10/train has 5000"):
        read_mosaics(folder, "train", 5001)
    (folder / "train_labels.json").write_text('{"labels": [1, 2]}')
    with pytest.raises(ImageError, match="2 labels for 5000 images"):
        read_mosaics(folder, "train")
    (folder / "train_labels.json").write_text('["a"]')
    with pytest.raises(ImageError, match='a list "labels"'):
        read_mosaics(folder, "train")
    (folder / "train_01.webp").write_bytes((folder / "train_01.webp").read_bytes()[:1000])
    with pytest.raises(ImageError, match="train_01.webp cannot be read"):
        read_mosaics(folder, "train")
    Image.new("RGB", (64, 64)).save(folder / "train_01.webp")
    with pytest.raises(ImageError, match="1600 x 1600"):
        read_mosaics(folder, "train")


def test_the_first_mosaic_of_cifar10_is_a_random_subset() -> None:
    folder = data_folder() / "cifar10"
    if not has_mosaics(folder, "test"):
        pytest.skip(f"no mosaics of CIFAR-10 in {folder} (set GPPROXY_DATA)")
    found = read_mosaics(folder, "test", 2500)
    assert found.labels is not None
    assert all(200 < count < 300 for count in torch.bincount(found.labels).tolist())
    # The known means of CIFAR-10's channels, in RGB order.
    means = found.images.float().mean(dim=(0, 2, 3))
    assert torch.allclose(means, torch.tensor([125.3, 123.0, 113.9]), atol=3)
