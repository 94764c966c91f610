"""Two sets of images without pairs, such as horses and zebras.

In: a folder or zip file with `trainA`, `trainB`, `testA`, `testB` (the layout of Zhu et al., 2017), or paired data
whose pairs are torn apart. Out: an UnpairedSet in memory.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from gpproxy.errors import ImageError, did_you_mean
from gpproxy.images.files import ENDINGS, image_files, is_place
from gpproxy.images.image_set import Size, check_bytes, fitting, resize, size_of
from gpproxy.images.paired import FACADES, SPLITS, load_pairs
from gpproxy.images.picture import fitted


@dataclass(frozen=True)
class UnpairedSet:
    """Images of two kinds in memory, in the order of their file names; the numbers of both may differ.

    Attributes:
        name: of the data set.
        split: train, val or test.
        inputs: uint8 `sample x channel x height x width`, RGB or RGBA; what the measured generator takes.
        targets: what it should make of them, `other sample x channel x height x width`.
    """

    name: str
    split: str
    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        for part in (self.inputs, self.targets):
            check_bytes(self.name, part)
            if not len(part) or part.shape[1:] != self.inputs.shape[1:]:
                raise ImageError(
                    f"An unpaired set has two kinds of images of one shape, but {self.name} has "
                    f"{tuple(self.inputs.shape)} and {tuple(self.targets.shape)}."
                )

    @property
    def size(self) -> Size:
        """Height and width in pixels."""
        return size_of(self.inputs)

    @cached_property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of shapes and images."""
        found = hashlib.sha256()
        for part in (self.inputs, self.targets):
            found.update(str(tuple(part.shape)).encode() + part.contiguous().numpy().tobytes())
        return found.hexdigest()[:16]

    def resized(self, size: int | Size) -> UnpairedSet:
        """The same images at another resolution."""
        return replace(self, inputs=resize(self.inputs, size), targets=resize(self.targets, size))

    def first(self, count: int) -> UnpairedSet:
        """The first `count` images of both kinds, or all where there are fewer."""
        return replace(self, inputs=self.inputs[:count], targets=self.targets[:count])


def load_unpaired(
    name: str,
    split: str = "train",
    *,
    folder: Path | None = None,
    resolution: int | Size | None = None,
    limit: int | None = None,
    channels: int = 3,
) -> UnpairedSet:
    """The images of one split.

    Args:
        name: `facades` (label maps and photos, pairs torn apart), or a folder or zip file with `<split>A` and
            `<split>B` inside.
        split: train, val or test.
        folder: where `facades` lies; None looks in the folder of third-party data.
        resolution: side of the images in pixels, or height and width, whose proportions the middle of each image has;
            None takes the middle squares as they are, which must be of one size.
        limit: images to read at most, of either kind.
        channels: that the generators take and make, see `ImageSet.fitting`.

    Raises ImageError for an unknown name or split and for files that are missing or of several sizes.
    """
    if name == FACADES:
        both = (channels, channels)
        pairs = load_pairs(name, split, folder=folder, resolution=resolution, limit=limit, channels=both)
        return UnpairedSet(name, split, pairs.inputs, pairs.targets)
    if split not in SPLITS:
        raise ImageError(f"A split is {', '.join(SPLITS)}, but got '{split}'.{did_you_mean(split, SPLITS)}")
    path = Path(name).expanduser()
    if not is_place(path):
        raise ImageError(
            f"There are no unpaired images '{name}'.{did_you_mean(name, [FACADES])} Known: {FACADES}, or the path of a "
            "folder or zip file with trainA/, trainB/, testA/ and testB/."
        )
    asked = (resolution, resolution) if isinstance(resolution, int) else resolution
    kinds = (_pictures(path, f"{split}{kind}", asked, limit, channels) for kind in "AB")
    return UnpairedSet(path.stem if path.is_file() else path.name, split, *kinds)


def _pictures(path: Path, kind: str, size: Size | None, limit: int | None, channels: int) -> Tensor:
    """All images of a kind, uint8 `sample x channel x height x width`."""
    kinds = tuple(f"{split}{letter}" for split in SPLITS for letter in "AB")
    files = image_files(path, kinds, only=kind).below(kind).numbered()
    if not files:
        raise ImageError(f"{files.label} has no images ({ENDINGS}). Expected: one kind of images per folder.")
    some = files.of(files.names[:limit]).pictures(4 if channels == 4 else 3)
    found = [fitted(picture, size) for _, picture in some]
    if len({tuple(one.shape) for one in found}) > 1:
        raise ImageError(
            f"The images in {files.label} have several sizes. Give a resolution, so that all get the same."
        )
    return fitting(torch.stack(found), channels)
