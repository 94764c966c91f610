"""A user's folder of images.

In: a folder, its sub-folders included; a sub-folder named like the split is that split; further sub-folders are
classes. Out: an ImageSet in a fixed shuffled order, every image cropped to its middle square and resized.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gpproxy.errors import ImageError
from gpproxy.images.image_set import ImageSet, resize
from gpproxy.seeds import numbered

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm")
SPLITS = ("train", "test", "val")

#: Seed of the order: file names often sort by class, and the first images have to stand for all.
_ORDER = 0


def read_folder(
    folder: Path, split: str = "train", resolution: int | None = None, limit: int | None = None
) -> ImageSet:
    """The images below `folder`, or below `folder/split` where that exists.

    A folder without splits counts as `train`. Labels are the numbers of the class folders, in alphabetical order, or
    None where images lie in the folder itself. Transparency is dropped, the camera's orientation is applied.

    Raises ImageError: no images, fewer than `limit`, a broken image, several sizes without a `resolution`.
    """
    root = folder / split
    if not root.is_dir():
        has_splits = [name for name in SPLITS if (folder / name).is_dir()]
        if has_splits or split != "train":
            if not has_splits:
                step = (
                    "Without sub-folders all of it is 'train': measure against the images that are learnt from with "
                    f"--split train, or divide it into {folder / 'train'} and {root}"
                )
            elif split == "train":
                step = f"It has {', '.join(has_splits)}. Put the images to learn from into {root}"
            else:
                step = f"It has {', '.join(has_splits)}. Choose one with --split"
            raise ImageError(f"The image folder {folder} has no sub-folder '{split}'. {step}.")
        root = folder
    paths = sorted(path for path in root.rglob("*") if _is_image(path.relative_to(root)))
    if not paths:
        raise ImageError(f"The folder {root} has no images. Known endings: {', '.join(SUFFIXES)}.")
    if limit is not None and len(paths) < limit:
        raise ImageError(f"{limit} images were asked for, but {root} has {len(paths)}. Ask for that many or fewer.")
    order = torch.randperm(len(paths), generator=numbered(_ORDER)).tolist()
    chosen = [paths[i] for i in order[:limit]]
    parts: list[Tensor] = []
    for path in chosen:
        image = _read(path)
        side = min(image.shape[-2:]) if resolution is None else resolution
        if parts and side != parts[0].shape[-1]:
            raise ImageError(
                f"All images of a set have one size, but {path} has {side} pixels after cropping and {chosen[0]} has "
                f"{parts[0].shape[-1]}. Give a resolution, for example 32."
            )
        parts.append(resize(image, side))
    classes = sorted({path.relative_to(root).parts[0] for path in paths if len(path.relative_to(root).parts) > 1})
    all_in_classes = all(len(path.relative_to(root).parts) > 1 for path in paths)
    labels = [classes.index(path.relative_to(root).parts[0]) for path in chosen] if all_in_classes else None
    name = folder.resolve().name
    return ImageSet(name, split, torch.cat(parts), None if labels is None else torch.tensor(labels, dtype=torch.int64))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in path.parts)


def _read(path: Path) -> Tensor:
    """Bytes `1 x 3 x side x side`: the middle square of an image file."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            # Pillow only warns of an image that would fill the memory.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.mode.startswith(("I", "F")):
                    raise ImageError(f"Images have 8 bits per channel, but {path} has mode {image.mode}. Convert it.")
                pixels = np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"The image {path} cannot be read: {error}. Remove or repair it.") from error
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side].transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(square))[None]
