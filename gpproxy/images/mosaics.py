"""CIFAR-10 from lossless mosaics: `train_00.webp` ... with 50 x 50 images each, row by row, labels in JSON beside.

In: a folder. Out: an ImageSet; the first k mosaics are a random subset. Source: cyizhuo/CIFAR-10-dataset, shuffled.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from gpproxy.errors import ImageError
from gpproxy.images.files import read_file
from gpproxy.images.image_set import ImageSet, size_of
from gpproxy.images.picture import decode

#: Images per edge of a mosaic, pixels per edge of an image.
EDGE, SIDE = 50, 32


def has_mosaics(folder: Path, split: str) -> bool:
    """Whether the folder holds mosaics of the split."""
    return (folder / f"{split}_00.webp").is_file()


def read_mosaics(folder: Path, split: str, limit: int | None = None, name: str = "cifar10") -> ImageSet:
    """The images of a split in file order; reads no more mosaics than `limit` images need.

    Raises ImageError: no mosaics, a broken one, labels that do not fit.
    """
    paths = sorted(folder.glob(f"{split}_[0-9]*.webp"))
    if not paths:
        raise ImageError(f"{folder} has no mosaics {split}_00.webp ... of {name}. Give another folder or split.")
    per_file = EDGE * EDGE
    paths = paths if limit is None else paths[: -(-limit // per_file)]
    parts = []
    for path in paths:
        pixels = decode(read_file(path), str(path))
        if pixels.shape != (3, EDGE * SIDE, EDGE * SIDE):
            raise ImageError(f"A mosaic has {EDGE * SIDE} x {EDGE * SIDE} pixels, but {path} has {size_of(pixels)}.")
        tiles = pixels.reshape(3, EDGE, SIDE, EDGE, SIDE).permute(1, 3, 0, 2, 4)
        parts.append(tiles.reshape(per_file, 3, SIDE, SIDE))
    images = torch.cat(parts) if parts else torch.empty(0, 3, SIDE, SIDE, dtype=torch.uint8)
    found = ImageSet(name, split, images, _labels(folder / f"{split}_labels.json", len(images)))
    return found if limit is None else found.first(limit)


def _labels(path: Path, count: int) -> torch.Tensor | None:
    if not path.is_file():
        return None
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
        found = torch.tensor(labels[:count], dtype=torch.int64)
    except (ValueError, KeyError, TypeError) as error:
        raise ImageError(f'{path} is JSON with a list "labels" of integers, but it has none. Copy it again.') from error
    if found.shape != (count,):
        raise ImageError(f"{path} has {len(labels)} labels for {count} images or more. Copy the file again.")
    return found
