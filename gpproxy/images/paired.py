"""Pairs of images, input and target of the same scene: facades, or folders of side-by-side images.

In: a name or a folder and a split. Out: a PairedSet in memory. `facades` is read from
`$GPPROXY_DATA/facades/facades_128.zip` (CMP facades, Tyleček & Šára, 2013, as pairs by Isola et al., 2017): label map
in, photo out.
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
from gpproxy.run.data_folder import data_path, how_to_put

FACADES = "facades"
FILE = Path("facades") / "facades_128.zip"
SPLITS = ("train", "val", "test")
#: Which half of a side-by-side image is the input, and which the target.
DIRECTIONS = ("left-to-right", "right-to-left")


@dataclass(frozen=True)
class PairedSet:
    """Inputs and targets in memory, in the order of their file names.

    Attributes:
        name: of the data set.
        split: train, val or test.
        inputs: uint8 `sample x channel x height x width`, RGB or RGBA.
        targets: what a generator should make of each input, of the same number and size, RGB or RGBA.
    """

    name: str
    split: str
    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        for part in (self.inputs, self.targets):
            check_bytes(self.name, part)
        shapes = tuple(self.inputs.shape), tuple(self.targets.shape)
        if shapes[0][0] != shapes[1][0] or shapes[0][2:] != shapes[1][2:] or not len(self.inputs):
            raise ImageError(
                f"A paired set has as many targets as inputs, of the same height and width, but {self.name} has "
                f"{shapes[0]} and {shapes[1]}."
            )

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def size(self) -> Size:
        """Height and width in pixels."""
        return size_of(self.inputs)

    @cached_property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of shape, inputs and targets."""
        found = hashlib.sha256(str(tuple(self.inputs.shape)).encode())
        for part in (self.inputs, self.targets):
            found.update(part.contiguous().numpy().tobytes())
        return found.hexdigest()[:16]

    def resized(self, size: int | Size) -> PairedSet:
        """The same pairs at another resolution."""
        return replace(self, inputs=resize(self.inputs, size), targets=resize(self.targets, size))

    def first(self, count: int) -> PairedSet:
        """The first `count` pairs. Raises ImageError when there are fewer."""
        if not 0 < count <= len(self):
            raise ImageError(f"{count} pairs were asked for, but {self.name}/{self.split} has {len(self)}.")
        return replace(self, inputs=self.inputs[:count], targets=self.targets[:count])


def load_pairs(
    name: str,
    split: str = "train",
    *,
    folder: Path | None = None,
    resolution: int | Size | None = None,
    direction: str = DIRECTIONS[0],
    limit: int | None = None,
    channels: tuple[int, int] = (3, 3),
) -> PairedSet:
    """The pairs of one split.

    Args:
        name: `facades`, or a folder or zip file with train, val and test inside, each with side-by-side images.
        split: train, val or test.
        folder: where `facades` lies; None looks in the folder of third-party data.
        resolution: side of the images in pixels, or height and width; None keeps that of the files.
        direction: which half is the input; `facades` is always right-to-left, label map to photo.
        limit: pairs to read at most.
        channels: that the generators take and make, see `ImageSet.fitting`.

    Raises ImageError for an unknown name, split or direction and for files that are missing or no pairs.
    """
    for what, value, known in (("split", split, SPLITS), ("direction", direction, DIRECTIONS)):
        if value not in known:
            raise ImageError(
                f"The {what} of pairs is {', '.join(known)}, but got '{value}'.{did_you_mean(value, known)}"
            )
    if name == FACADES:
        place = data_path(str(FILE.parent)).parent if folder is None else Path(folder).expanduser()
        path, direction = place / FILE, DIRECTIONS[1]
        path = place / FILE.name if (place / FILE.name).is_file() else path
        if not path.is_file():
            raise ImageError(
                f"{FACADES} is read from {path}, which is not there. It holds train/, val/ and test/ with side-by-side "
                f"images of 256 x 128 pixels, photo left, label map right. {how_to_put(str(FILE))}"
            )
    else:
        path = Path(name).expanduser()
        if not is_place(path):
            raise ImageError(
                f"There are no pairs '{name}'.{did_you_mean(name, [FACADES])} Known: {FACADES}, or the path of a "
                "folder or zip file with train/, val/ and test/ of side-by-side images."
            )
    files = image_files(path, SPLITS, only=split).below(split).numbered()
    if not files:
        raise ImageError(
            f"{path} has no images in {split}/. Expected: side-by-side images ({ENDINGS}) in "
            f"{', '.join(f'{one}/' for one in SPLITS)}."
        )
    asked = (resolution, resolution) if isinstance(resolution, int) else resolution
    some = files.of(files.names[:limit]).pictures(4 if 4 in channels else 3)
    halves = [_halves(picture, label, asked) for label, picture in some]
    if len({tuple(half.shape) for pair in halves for half in pair}) > 1:
        raise ImageError(
            f"The images in {path}, {split} have several sizes. Give a resolution, so that all get the same."
        )
    both = [torch.stack([pair[i] for pair in halves]) for i in range(2)]
    inputs, targets = both if direction == DIRECTIONS[0] else reversed(both)
    name = name if name == FACADES else path.stem
    return PairedSet(name, split, fitting(inputs, channels[0]), fitting(targets, channels[1]))


def _halves(picture: Tensor, label: str, size: Size | None) -> tuple[Tensor, Tensor]:
    """The two halves of a side-by-side image, uint8 `channel x height x width`."""
    height, width = picture.shape[1:]
    if width % 2 or (width // 2 != height and size is None):
        raise ImageError(
            f"{label} is {width} x {height} pixels, but a side-by-side image has two square halves (or give a "
            "resolution, and any two equal halves are resized)."
        )
    both = torch.stack([picture[..., : width // 2], picture[..., width // 2 :]])
    both = resize(both, size) if size else both
    return both[0].contiguous(), both[1].contiguous()
