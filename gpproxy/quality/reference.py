"""The real images that generated ones are measured against: their features, kept on disk, and a fixed order of them.

In: an ImageSet at the generator's size, and an extractor. Out: a Reference. Features are read again as long as images
and weights are the same, so they are extracted with one thread: whoever comes first, all read the same bits.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from gpproxy.errors import QualityError
from gpproxy.execution.threads import torch_threads
from gpproxy.files import write_atomically
from gpproxy.images.image_set import ImageSet
from gpproxy.quality.features import Extractor, Features
from gpproxy.quality.frechet import Moments, moments
from gpproxy.seeds import numbered

#: Seed of the order in which real images stand for generated ones.
_ORDER = 20_211


def cache_folder() -> Path:
    """Where features are kept: `GPPROXY_CACHE/features`, else the user's cache folder."""
    if chosen := os.environ.get("GPPROXY_CACHE"):
        return Path(chosen).expanduser() / "features"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gpproxy" / "features"


@dataclass(frozen=True)
class Reference:
    """Real images with their features.

    Args:
        images: at the side of the generated ones.
        features: of `images`, in their order.
        extractor: name and
        extractor_digest: hash of the extractor that they come from.
    """

    images: ImageSet
    features: Features
    extractor: str
    extractor_digest: str

    @classmethod
    @torch_threads()
    def of(cls, images: ImageSet, extractor: Extractor, cache: bool = True) -> Reference:
        """Takes features from the cache, or extracts and keeps them (about 20 seconds per 10,000 on a core).

        Held-out images are the fairer reference: a network trained on the others knows those. Raises QualityError for
        fewer than 20 images.
        """
        if len(images) < 20:
            raise QualityError(
                f"A reference has at least 20 images, but {images.name}/{images.split} has {len(images)}."
            )
        path = _place(images, extractor)
        found = _read(path, len(images), extractor.dimensions) if cache else None
        if found is None:
            found = extractor(images.images).cpu()
            if cache:
                _keep(path, found)
        return cls(images, found, extractor.name, extractor.digest)

    @property
    def split(self) -> str:
        """Data set, split and number of the images, for example `cifar10/test (10000 images)`."""
        return f"{self.images.name}/{self.images.split} ({len(self.images)} images)"

    @cached_property
    @torch_threads()
    def moments(self) -> Moments:
        """Of all features."""
        return moments(self.features.features)

    @cached_property
    def order(self) -> Tensor:
        """A fixed shuffle of the images: any first part of it stands for all."""
        return torch.randperm(len(self.images), generator=numbered(_ORDER))

    def part(self, chosen: Tensor) -> Reference:
        """The reference of some of the images."""
        some = ImageSet(self.images.name, self.images.split, self.images.images[chosen])
        p = self.features.probabilities
        features = Features(self.features.features[chosen], None if p is None else p[chosen])
        return Reference(some, features, self.extractor, self.extractor_digest)


def kept(images: ImageSet, extractor: Extractor) -> bool:
    """Whether the features of `images` are in the cache."""
    return _place(images, extractor).is_file()


def _place(images: ImageSet, extractor: Extractor) -> Path:
    return cache_folder() / f"{extractor.name}-{extractor.digest}-{images.digest}.safetensors"


def _read(path: Path, count: int, dimensions: int) -> Features | None:
    """Kept features, or None where there are none or the file is damaged."""
    try:
        values = load_file(path)
    except (OSError, SafetensorError):
        return None
    if "features" not in values or values["features"].shape != (count, dimensions):
        return None
    return Features(values["features"], values.get("probabilities"))


def _keep(path: Path, features: Features) -> None:
    """Writes atomically; a folder that cannot be written costs time, not the result."""
    values = {"features": features.features.contiguous()}
    if features.probabilities is not None:
        values["probabilities"] = features.probabilities.contiguous()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, save(values))
