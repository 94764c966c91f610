"""Generated images against real ones, with every number's error and floor.

In: bytes `sample x 3 x side x side`, a Reference, its extractor. Out: a Quality. `FID` and `IS` name numbers of
Inception with its published weights only; with another extractor they are `FD(name)` and `CS(name)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from gpproxy.errors import QualityError
from gpproxy.images.image_set import pixels, size_of
from gpproxy.quality.classifier_score import classifier_score
from gpproxy.quality.features import Extractor, Features, check_images
from gpproxy.quality.frechet import frechet, frechet_error, moments
from gpproxy.quality.kernel_distance import kernel_distance
from gpproxy.quality.manifold import manifold
from gpproxy.quality.reference import Reference
from gpproxy.quality.sliced import sliced_distance
from gpproxy.seeds import numbered

#: Samples of either kind in a comparison of neighbours; halves for the error of the sliced distance; divisions of the
#: real images for the floor of the Frechet distance.
LARGEST, HALVES, DIVISIONS = 5000, 6, 8

SHARES = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Quality:
    """Numbers on one set of generated images. Numbers compare only at equal `samples`, `split` and extractor.

    Args:
        values: number of each name; distances are better low, `precision`, `recall`, `density`, `coverage` and scores
            better high.
        errors: standard errors over other samples of the same generator, NaN where unknown.
        floors: what as many real images reach against other real ones.
        samples: generated images.
        floor_samples: real images behind the floors; fewer than `samples` where the reference has not twice as many.
        extractor, extractor_digest: name and hash of the network.
        split: the real images.
    """

    values: dict[str, float]
    errors: dict[str, float]
    floors: dict[str, float]
    samples: int
    floor_samples: int
    extractor: str
    extractor_digest: str
    split: str

    @property
    def main(self) -> tuple[str, float]:
        """Name and value of the Frechet distance (lower is better)."""
        return next(iter(self.values.items()))

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file; NaN becomes None."""
        content = asdict(self)
        for key in ("values", "errors", "floors"):
            content[key] = {name: None if math.isnan(x) else x for name, x in content[key].items()}
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Quality:
        """The inverse of `to_json`. Raises QualityError when a key is missing or unknown."""
        names = [field.name for field in fields(cls)]
        if sorted(content) != sorted(names):
            raise QualityError(f"A quality has {', '.join(names)}, but this one has {', '.join(content)}.")
        numbers = {
            key: {name: math.nan if x is None else float(x) for name, x in content[key].items()}
            for key in ("values", "errors", "floors")
        }
        return cls(**{**content, **numbers})


def names(extractor: Extractor) -> tuple[str, str, str]:
    """Names of the Frechet distance, the kernel distance and the classifier score of an extractor."""
    if extractor.name == "inception" and extractor.published:
        return "FID", "KID", "IS"
    return f"FD({extractor.name})", f"KID({extractor.name})", f"CS({extractor.name})"


def frechet_to(images: Tensor, reference: Reference, extractor: Extractor) -> float:
    """The Frechet distance alone, for checks during a training. Raises as `measure` does."""
    _check(images, reference, extractor)
    return frechet(moments(extractor(images).features), reference.moments)


def measure(images: Tensor, reference: Reference, extractor: Extractor, seed: int = 0) -> Quality:
    """Every measure of `images` (bytes, `sample x 3 x height x width`) against the reference.

    Args:
        seed: of the subsets, patches and directions; the same for all candidates that are compared.

    Raises QualityError: another extractor, another size than the reference, fewer than 20 images.
    """
    _check(images, reference, extractor)
    labels = names(extractor)
    values, errors = _numbers(images, extractor(images), reference, labels, seed)
    samples = min(len(images), len(reference.images) // 2)
    floors = _floors(_Key(reference), samples, labels, seed)
    return Quality(
        values, errors, dict(floors), len(images), samples, extractor.name, extractor.digest, reference.split
    )


def numbers(images: Tensor, reference: Reference, extractor: Extractor, seed: int = 0) -> dict[str, float]:
    """Every value of `measure`, and `NAME error`, the standard error of the Frechet distance alone.

    For checks during a training: the other errors take longer than the values. Raises as `measure` does.
    """
    _check(images, reference, extractor)
    found, labels = extractor(images), names(extractor)
    values, _ = _numbers(images, found, reference, labels, seed, errors=False)
    return {**values, f"{labels[0]} error": frechet_error(found.features, reference.moments)}


def floors(reference: Reference, samples: int, extractor: Extractor, seed: int = 0) -> dict[str, float]:
    """What `samples` real images reach against the others of the reference. At most half of them, at least 20.

    Raises QualityError for another number, and for a reference of fewer than 40 images.
    """
    if len(reference.images) < 40:
        raise QualityError(
            f"A floor compares 20 real images or more with as many others, so it needs at least 40 reference "
            f"images, but got {reference.split}. Add images to this split, or choose another one with --split."
        )
    if not 20 <= samples <= len(reference.images) // 2:
        raise QualityError(
            f"A floor takes 20 to {len(reference.images) // 2} of {reference.split}, but {samples} were asked for."
        )
    return dict(_floors(_Key(reference), samples, names(extractor), seed))


def _numbers(
    images: Tensor, found: Features, reference: Reference, labels: tuple[str, str, str], seed: int, errors: bool = True
) -> tuple[dict[str, float], dict[str, float]]:
    """Values and standard errors by name, the Frechet distance first."""
    real, fake = reference.features.features, found.features
    generator = numbered(seed)
    distance, kernel, score = labels
    value = {distance: frechet(moments(fake), reference.moments)}
    error = {distance: frechet_error(fake, reference.moments) if errors else math.nan}
    value[kernel], error[kernel] = kernel_distance(fake, real, generator)
    if found.probabilities is not None:
        value[score], error[score] = classifier_score(found.probabilities)
    # The same number of either kind: precision and recall depend on it.
    count = min(len(fake), len(real), LARGEST)
    shares = manifold(real[reference.order[:count]], fake[:count])
    value |= {name: getattr(shares, name) for name in SHARES}
    error |= dict(zip(SHARES, shares.errors, strict=True))
    true, images = (x.to(fake.device) for x in (reference.images.images[reference.order[: len(images)]], images))
    value["SWD"] = sliced_distance(true, images, numbered(seed))
    error["SWD"] = _halves(true, images, seed) if errors else math.nan
    return value, error


def _halves(real: Tensor, fake: Tensor, seed: int) -> float:
    """Deviation of the sliced distance over random halves: that of a half around the whole is the whole's error."""
    generator = numbered(seed + 1)
    count = min(len(real), len(fake)) // 2
    found = []
    for _ in range(HALVES):
        chosen = torch.randperm(len(fake), generator=generator)[:count]
        found.append(sliced_distance(real[:count], fake[chosen], numbered(seed)))
    return float(torch.tensor(found, dtype=torch.float64).std())


class _Key:
    """Stands for a reference among the arguments of a cache: equal when images and weights are."""

    def __init__(self, reference: Reference):
        self.reference = reference
        self._key = (reference.images.digest, reference.extractor, reference.extractor_digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=16)
def _floors(key: _Key, samples: int, labels: tuple[str, str, str], seed: int) -> tuple[tuple[str, float], ...]:
    """Real images in the place of generated ones: the last of the fixed order, against all before them.

    The Frechet distance of one such division varies by as much as itself, so it is the mean over several.
    """
    whole = key.reference
    order = whole.order
    taken, rest = whole.part(order[-samples:]), whole.part(order[:-samples])
    values, _ = _numbers(taken.images.images, taken.features, rest, labels, seed, errors=False)
    features = whole.features.features
    divisions = [order.roll(i * (len(order) // DIVISIONS)) for i in range(DIVISIONS)]
    distances = [frechet(moments(features[d[-samples:]]), moments(features[d[:-samples]])) for d in divisions]
    values[labels[0]] = sum(distances) / DIVISIONS
    return tuple(values.items())


def _check(images: Tensor, reference: Reference, extractor: Extractor) -> None:
    check_images(images)
    if (extractor.name, extractor.digest) != (reference.extractor, reference.extractor_digest):
        raise QualityError(
            f"Features compare only within one extractor, but the reference is of {reference.extractor}@"
            f"{reference.extractor_digest} and the images of {extractor.name}@{extractor.digest}. Make a new reference."
        )
    made, real = size_of(images), reference.images.size
    if made != real:
        raise QualityError(
            f"Generated images have {pixels(made)} pixels, but the reference has {pixels(real)}. Resize the reference: "
            f"images.resized({made})."
        )
    if len(images) < 20:
        raise QualityError(f"A quality needs at least 20 images, but got {len(images)}. Generate more.")
