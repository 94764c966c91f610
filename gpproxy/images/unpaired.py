"""Two sets of images without pairs, such as horses and zebras.

In: a folder with `trainA`, `trainB`, `testA`, `testB` (the layout of Zhu et al., 2017), or paired data whose pairs are
torn apart. Out: an UnpairedSet in memory.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from gpproxy.errors import ImageError, did_you_mean
from gpproxy.images.image_set import resize
from gpproxy.images.paired import FACADES, SPLITS, SUFFIXES, load_pairs, numeric_order


@dataclass(frozen=True)
class UnpairedSet:
    """Images of two kinds in memory, in the order of their file names; the numbers of both may differ.

    Attributes:
        name: of the data set.
        split: train, val or test.
        inputs: uint8 `sample x 3 x side x side`, RGB; what the measured generator takes.
        targets: what it should make of them, uint8 `other sample x 3 x side x side`.
    """

    name: str
    split: str
    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        for part in (self.inputs, self.targets):
            shape = tuple(part.shape)
            fits = len(shape) == 4 and shape[0] and shape[1:] == (3, self.side, self.side)
            if not fits or part.dtype != torch.uint8:
                raise ImageError(
                    f"An unpaired set has two uint8 tensors sample x 3 x side x side of one side, but {self.name} has "
                    f"{shape} of {part.dtype}."
                )

    @property
    def side(self) -> int:
        """Resolution in pixels."""
        return int(self.inputs.shape[-1])

    @cached_property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of shapes and images."""
        found = hashlib.sha256()
        for part in (self.inputs, self.targets):
            found.update(str(tuple(part.shape)).encode() + part.contiguous().numpy().tobytes())
        return found.hexdigest()[:16]

    def resized(self, side: int) -> UnpairedSet:
        """The same images at another resolution."""
        return replace(self, inputs=resize(self.inputs, side), targets=resize(self.targets, side))

    def first(self, count: int) -> UnpairedSet:
        """The first `count` images of both kinds, or all where there are fewer."""
        return replace(self, inputs=self.inputs[:count], targets=self.targets[:count])


def load_unpaired(
    name: str,
    split: str = "train",
    *,
    folder: Path | None = None,
    resolution: int | None = None,
    limit: int | None = None,
) -> UnpairedSet:
    """The images of one split.

    Args:
        name: `facades` (label maps and photos, pairs torn apart), or a folder with `<split>A` and `<split>B` inside.
        split: train, val or test.
        folder: where `facades` lies; None looks in the folder of third-party data.
        resolution: side of the images in pixels; None keeps that of the files, which must be square and of one size.
        limit: images to read at most, of either kind.

    Raises ImageError for an unknown name or split and for files that are missing or of several sizes.
    """
    if name == FACADES:
        pairs = load_pairs(name, split, folder=folder, resolution=resolution, limit=limit)
        return UnpairedSet(name, split, pairs.inputs, pairs.targets)
    if split not in SPLITS:
        raise ImageError(f"A split is {', '.join(SPLITS)}, but got '{split}'.{did_you_mean(split, SPLITS)}")
    path = Path(name).expanduser()
    if not path.is_dir():
        raise ImageError(
            f"There are no unpaired images '{name}'.{did_you_mean(name, [FACADES])} Known: {FACADES}, or the path of a "
            "folder with trainA/, trainB/, testA/ and testB/."
        )
    return UnpairedSet(path.name, split, *(_folder(path / f"{split}{kind}", resolution, limit) for kind in "AB"))


def _folder(path: Path, resolution: int | None, limit: int | None) -> Tensor:
    """All images of a folder, uint8 `sample x 3 x side x side`; the middle square of images that are not square."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    names = sorted((p.name for p in path.iterdir()), key=numeric_order) if path.is_dir() else []
    names = [name for name in names if name.lower().endswith(SUFFIXES)][:limit]
    if not names:
        raise ImageError(f"{path} has no images ({', '.join(SUFFIXES)}). Expected: one kind of images per folder.")
    found: list[Tensor] = []
    for name in names:
        try:
            with Image.open(path / name) as image:
                pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
        except (OSError, UnidentifiedImageError) as error:
            raise ImageError(f"{path / name} is no readable image: {error}. Remove or replace it.") from error
        height, width = pixels.shape[1:]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = pixels[None, :, top : top + side, left : left + side]
        found.append((resize(square, resolution) if resolution else square)[0])
    if len({tuple(one.shape) for one in found}) > 1:
        raise ImageError(f"The images in {path} have several sizes. Give a resolution, so that all get the same.")
    return torch.stack(found).contiguous()
