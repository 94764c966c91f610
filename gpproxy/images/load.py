"""Names to sets of images: `cifar10`, `stl10`, `shapes`, or a folder or zip file of images.

In: a name or a path, a split, a size in pixels. Out: an ImageSet. Nothing is downloaded unless `download` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gpproxy.errors import ImageError, did_you_mean
from gpproxy.images.files import is_place
from gpproxy.images.folder import read_folder
from gpproxy.images.image_set import ImageSet, Size
from gpproxy.images.mosaics import has_mosaics, read_mosaics
from gpproxy.images.shapes import shapes
from gpproxy.images.torchvision_sets import SETS, read_torchvision
from gpproxy.registry import Registry
from gpproxy.run.data_folder import data_path


@dataclass(frozen=True)
class Request:
    """What `load` was asked for, beside the name."""

    split: str
    size: Size | None
    folder: Path | None
    download: bool
    limit: int | None


#: Reads the images of a request; the size may still be the data set's own.
Loader = Callable[[Request], ImageSet]

#: Splits that generators learn from where that is not `train` alone. GANs of STL-10 are trained on 105,000 images.
LEARNT = {"stl10": "train+unlabeled"}

IMAGE_SETS: Registry[Loader] = Registry("image set", "gpproxy.images")


def load(
    name: str | Path,
    split: str = "train",
    *,
    resolution: int | Size | None = None,
    folder: str | Path | None = None,
    download: bool = False,
    limit: int | None = None,
    channels: int = 3,
) -> ImageSet:
    """The images of a data set, or of an image folder, in a fixed order.

    Args:
        name: `cifar10`, `stl10`, `shapes`, or the path of a folder or zip file of images.
        split: `train`, `test` or what the data set has.
        resolution: side in pixels, or height and width: the images of a folder are cropped to these proportions, others
            to the middle part that has them; None keeps the data set's own.
        folder: where the data set's files are; None looks in the folder of third-party data.
        download: fetches what is missing (only data sets that torchvision knows).
        limit: the first so many images only.
        channels: of the generators that the images are for, see `ImageSet.fitting`.

    Raises ImageError: an unknown name or split, missing or broken files, fewer images than `limit`.
    """
    text = str(name)
    if limit is not None and limit < 1:
        raise ImageError(f"limit is the number of images, at least 1, but is {limit}. Leave it out for all of them.")
    place = None if folder is None else Path(folder).expanduser()
    size = (resolution, resolution) if isinstance(resolution, int) else resolution
    if text in IMAGE_SETS:
        found = IMAGE_SETS[text](Request(split, size, place, download, limit))
    elif is_place(Path(text).expanduser()):
        found = read_folder(Path(text).expanduser(), split, size, limit, 4 if channels == 4 else 3)
    else:
        raise ImageError(
            f"There is no image set '{text}'.{did_you_mean(text, IMAGE_SETS)} Known: {', '.join(IMAGE_SETS)}; or give "
            "the path of a folder or zip file of images."
        )
    return (found if size is None else found.cropped(size).resized(size)).fitting(channels)


def learnt_split(name: str | Path) -> str:
    """The split of a data set that a generator learns from."""
    return LEARNT.get(str(name), "train")


@IMAGE_SETS.register("cifar10")
def _cifar10(request: Request) -> ImageSet:
    places = [data_path("cifar10")] if request.folder is None else [request.folder, request.folder / "cifar10"]
    for place in places:
        if has_mosaics(place, request.split):
            return read_mosaics(place, request.split, request.limit)
    return _torchvision("cifar10", request)


@IMAGE_SETS.register("stl10")
def _stl10(request: Request) -> ImageSet:
    return _torchvision("stl10", request)


@IMAGE_SETS.register("shapes")
def _shapes(request: Request) -> ImageSet:
    return shapes(request.split, max(request.size or (32,)), request.limit)


def _torchvision(name: str, request: Request) -> ImageSet:
    place = request.folder or data_path(SETS[name][1]).parent
    return read_torchvision(name, place, request.split, request.download, request.limit)
