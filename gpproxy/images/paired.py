"""Pairs of images, input and target of the same scene: facades, or folders of side-by-side images.

In: a name or a folder and a split. Out: a PairedSet in memory. `facades` is read from
`$GPPROXY_DATA/facades/facades_128.zip` (CMP facades, Tyleček & Šára, 2013, as pairs by Isola et al., 2017): label map
in, photo out.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from gpproxy.errors import ImageError, did_you_mean
from gpproxy.images.image_set import resize
from gpproxy.run.data_folder import data_path, how_to_put

FACADES = "facades"
FILE = Path("facades") / "facades_128.zip"
SPLITS = ("train", "val", "test")
#: Which half of a side-by-side image is the input, and which the target.
DIRECTIONS = ("left-to-right", "right-to-left")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


@dataclass(frozen=True)
class PairedSet:
    """Inputs and targets in memory, in the order of their file names.

    Attributes:
        name: of the data set.
        split: train, val or test.
        inputs: uint8 `sample x 3 x side x side`, RGB.
        targets: what a generator should make of each input, of the same shape.
    """

    name: str
    split: str
    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        shape = tuple(self.inputs.shape)
        square = len(shape) == 4 and shape[1] == 3 and shape[2] == shape[3]
        if not square or shape != tuple(self.targets.shape) or not len(self.inputs):
            raise ImageError(
                f"A paired set has inputs and targets sample x 3 x side x side of one shape, but {self.name} has "
                f"{shape} and {tuple(self.targets.shape)}."
            )
        for part in (self.inputs, self.targets):
            if part.dtype != torch.uint8:
                raise ImageError(f"Images are uint8, but those of {self.name} are {part.dtype}.")

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def side(self) -> int:
        """Resolution in pixels."""
        return int(self.inputs.shape[-1])

    @cached_property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of shape, inputs and targets."""
        found = hashlib.sha256(str(tuple(self.inputs.shape)).encode())
        for part in (self.inputs, self.targets):
            found.update(part.contiguous().numpy().tobytes())
        return found.hexdigest()[:16]

    def resized(self, side: int) -> PairedSet:
        """The same pairs at another resolution."""
        return replace(self, inputs=resize(self.inputs, side), targets=resize(self.targets, side))

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
    resolution: int | None = None,
    direction: str = DIRECTIONS[0],
    limit: int | None = None,
) -> PairedSet:
    """The pairs of one split.

    Args:
        name: `facades`, or a folder or zip file with train, val and test inside, each with side-by-side images.
        split: train, val or test.
        folder: where `facades` lies; None looks in the folder of third-party data.
        resolution: side of the images in pixels; None keeps that of the files.
        direction: which half is the input; `facades` is always right-to-left, label map to photo.
        limit: pairs to read at most.

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
        if not path.is_dir() and not (path.is_file() and path.suffix.lower() == ".zip"):
            raise ImageError(
                f"There are no pairs '{name}'.{did_you_mean(name, [FACADES])} Known: {FACADES}, or the path of a "
                "folder or zip file with train/, val/ and test/ of side-by-side images."
            )
    halves = [_halves(content, label, resolution) for label, content in _files(path, split, limit)]
    sides = {tuple(half.shape) for pair in halves for half in pair}
    if len(sides) > 1:
        raise ImageError(
            f"The images in {path}, {split} have several sizes. Give a resolution, so that all get the same."
        )
    left, right = (torch.stack([pair[i] for pair in halves]) for i in range(2))
    inputs, targets = (left, right) if direction == DIRECTIONS[0] else (right, left)
    return PairedSet(name if name == FACADES else path.stem, split, inputs, targets)


def numeric_order(name: str) -> tuple[list[str | int], str]:
    """Sorts 2.jpg before 10.jpg."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def _files(path: Path, split: str, limit: int | None) -> Sequence[tuple[str, bytes]]:
    """Name and content of the images of a split, in order."""
    try:
        if path.is_dir():
            inside = path / split
            found = sorted((p.name for p in inside.iterdir()), key=numeric_order) if inside.is_dir() else []
            names = [name for name in found if name.lower().endswith(SUFFIXES)][:limit]
            files = [(str(inside / name), (inside / name).read_bytes()) for name in names]
        else:
            with zipfile.ZipFile(path) as archive:
                found = [n for n in archive.namelist() if n.lower().endswith(SUFFIXES) and split in n.split("/")[:-1]]
                names = sorted(found, key=numeric_order)[:limit]
                files = [(f"{path}:{name}", archive.read(name)) for name in names]
    except (OSError, zipfile.BadZipFile) as error:
        raise ImageError(f"{path} cannot be read: {error}.") from error
    if not files:
        raise ImageError(
            f"{path} has no images in {split}/. Expected: side-by-side images ({', '.join(SUFFIXES)}) in "
            f"{', '.join(f'{one}/' for one in SPLITS)}."
        )
    return files


def _halves(content: bytes, label: str, resolution: int | None) -> tuple[Tensor, Tensor]:
    """The two halves of a side-by-side image, uint8 `3 x side x side`."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
    except (OSError, UnidentifiedImageError) as error:
        raise ImageError(f"{label} is no readable image: {error}. Remove or replace it.") from error
    height, width = pixels.shape[1:]
    if width % 2 or (width // 2 != height and resolution is None):
        raise ImageError(
            f"{label} is {width} x {height} pixels, but a side-by-side image has two square halves (or give a "
            "resolution, and any two equal halves are resized)."
        )
    both = torch.stack([pixels[..., : width // 2], pixels[..., width // 2 :]])
    both = resize(both, resolution) if resolution else both
    return both[0].contiguous(), both[1].contiguous()
