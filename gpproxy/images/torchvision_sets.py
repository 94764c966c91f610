"""CIFAR-10 and STL-10 in the files that torchvision reads and, when asked, downloads.

In: a folder and a split. Out: an ImageSet in the file's order. Sources: Krizhevsky, Learning multiple layers of
features from tiny images (2009); Coates, Ng, Lee, An analysis of single-layer networks (2011).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from gpproxy.errors import ImageError, did_you_mean
from gpproxy.images.image_set import ImageSet

#: Splits, folder of the files, megabytes of the download, and the address.
SETS = {
    "cifar10": (
        ("train", "test"),
        "cifar-10-batches-py",
        170,
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    ),
    "stl10": (
        ("train", "test", "unlabeled", "train+unlabeled"),
        "stl10_binary",
        2640,
        "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
    ),
}


def read_torchvision(
    name: str, folder: Path, split: str = "train", download: bool = False, limit: int | None = None
) -> ImageSet:
    """The images of `cifar10` or `stl10` below `folder`, checked by torchvision; no labels where some have none.

    Raises ImageError: an unknown split, no torchvision, missing files (unless `download`), a failed download.
    """
    splits, _, megabytes, address = SETS[name]
    if split not in splits:
        raise ImageError(
            f"The set '{name}' has no split '{split}'.{did_you_mean(split, splits)} It has {', '.join(splits)}."
        )
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:
        raise ImageError(
            f"The set '{name}' is read through torchvision, which does not import here: {error}. Install a "
            "torchvision that fits this torch, or use an image folder or the set 'shapes'."
        ) from error
    try:
        if download:
            folder.mkdir(parents=True, exist_ok=True)
        if name == "cifar10":
            found = datasets.CIFAR10(str(folder), train=split == "train", download=download)
            images, labels = np.asarray(found.data).transpose(0, 3, 1, 2), np.asarray(found.targets)
        else:
            found = datasets.STL10(str(folder), split=split, download=download)
            images, labels = np.asarray(found.data), np.asarray(found.labels)
    except (RuntimeError, OSError) as error:
        step = "The download failed; try again later" if download else "Allow the download with --download"
        raise ImageError(
            f"The files of '{name}' are not complete in {folder} ({str(error).split('.')[0]}). {step}, or put them "
            f"there ({megabytes} MB, {address})."
        ) from error
    count = len(images) if limit is None else limit
    if count > len(images):
        raise ImageError(f"{limit} images were asked for, but {name}/{split} has {len(images)}. Ask for fewer.")
    kinds = torch.from_numpy(labels[:count].astype(np.int64))
    return ImageSet(
        name,
        split,
        torch.from_numpy(np.ascontiguousarray(images[:count])),
        None if bool((kinds < 0).any()) else kinds,
    )
