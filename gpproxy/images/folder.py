"""A user's folder of images, or a zip file of one.

In: a folder or zip file, its sub-folders included; a sub-folder named like the split is that split; further sub-folders
are classes. Out: an ImageSet in a fixed shuffled order, every image cropped to its middle and resized.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gpproxy.errors import ImageError
from gpproxy.images.files import ENDINGS, image_files
from gpproxy.images.image_set import ImageSet, Size, pixels, size_of
from gpproxy.images.picture import fitted
from gpproxy.seeds import numbered

SPLITS = ("train", "test", "val")

#: Seed of the order: file names often sort by class, and the first images have to stand for all.
_ORDER = 0


def read_folder(
    folder: Path, split: str = "train", size: Size | None = None, limit: int | None = None, channels: int = 3
) -> ImageSet:
    """The images below `folder`, or below `folder/split` where that exists.

    A folder without splits counts as `train`. Labels are the numbers of the class folders, in alphabetical order, or
    None where images lie in the folder itself. The middle of each image is taken, in the proportions of `size`, a
    square without one. See `gpproxy.images.picture.decode` for what files may hold.

    Args:
        folder: a folder or a zip file.
        split: train, test or val.
        size: height and width of the images; None keeps that of the files, which must have one.
        limit: the first so many images only.
        channels: 3 drops the transparency, 4 keeps it.

    Raises ImageError: no images, fewer than `limit`, a broken image, several sizes without a `size`.
    """
    if folder.is_dir():
        splits = [name for name in SPLITS if (folder / name).is_dir()]
        files = image_files(folder, only=split if split in splits else "")
    else:
        files = image_files(folder, SPLITS)
        splits = [name for name in SPLITS if name in files.folders]
    if split in splits:
        files = files.below(split)
    elif splits or split != "train":
        raise ImageError(_no_split(folder, split, splits))
    if not files:
        raise ImageError(f"{files.label} has no images. Known endings: {ENDINGS}.")
    if limit is not None and len(files) < limit:
        raise ImageError(
            f"{limit} images were asked for, but {files.label} has {len(files)}. Ask for that many or fewer."
        )
    order = torch.randperm(len(files), generator=numbered(_ORDER)).tolist()
    names = [files.names[i] for i in order[:limit]]
    parts: list[Tensor] = []
    for label, picture in files.of(names).pictures(channels):
        image = fitted(picture, size)
        if parts and image.shape != parts[0].shape:
            first, other = pixels(size_of(parts[0])), pixels(size_of(image))
            raise ImageError(
                f"All images of a set have one size, but {label} has {other} pixels after cropping and the first one "
                f"{first}. Give a resolution, for example 32."
            )
        parts.append(image)
    in_classes = all("/" in name for name in files.names)
    classes = files.folders
    labels = torch.tensor([classes.index(name.split("/")[0]) for name in names]) if in_classes else None
    return ImageSet(_name(folder), split, torch.stack(parts), labels)


def _name(folder: Path) -> str:
    found = folder.resolve()
    return found.name if found.is_dir() else found.stem


def _no_split(folder: Path, split: str, splits: list[str]) -> str:
    """The sentence on a split that is not there."""
    if not splits:
        step = (
            "Without sub-folders all of it is 'train': measure against the images that are learnt from with --split "
            f"train, or divide it into {folder / 'train'} and {folder / split}"
        )
    elif split == "train":
        step = f"It has {', '.join(splits)}. Put the images to learn from into {folder / split}"
    else:
        step = f"It has {', '.join(splits)}. Choose one with --split"
    return f"The image folder {folder} has no sub-folder '{split}'. {step}."
