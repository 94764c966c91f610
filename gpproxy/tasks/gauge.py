"""What measures the images of every training of a table: an extractor, and real images to compare with.

In: a BuildConfig. Out: one function from images to numbers, and what a card says about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor

from gpproxy.benchmark.settings import BuildConfig
from gpproxy.images.load import load
from gpproxy.quality.extractor import extractor
from gpproxy.quality.measure import floors, numbers
from gpproxy.quality.reference import Reference


@dataclass(frozen=True)
class Gauge:
    """Measures generated images.

    Attributes:
        main: name of the Frechet distance, the quality of a table; lower is better.
        measure: from images, uint8 `sample x 3 x side x side`, to numbers by name.
        facts: extractor and its digest, the real images, and the floor: what real images reach against others.
    """

    main: str
    measure: Callable[[Tensor], Mapping[str, float]]
    facts: Mapping[str, Any] = field(default_factory=dict)


def open_gauge(config: BuildConfig) -> Gauge:
    """The Gauge of a build. Raises ImageError and QualityError for images or weights that are missing."""
    network = extractor(config.extractor, config.extractor_weights or None, config.device, download=config.download)
    folder = config.data_folder or None
    real = load(config.data, config.split, resolution=config.resolution, folder=folder, download=config.download)
    reference = Reference.of(real, network)
    floor = floors(reference, min(config.samples, len(real) // 2), network)
    main = next(iter(floor))

    return Gauge(
        main,
        partial(numbers, reference=reference, extractor=network),
        {
            "extractor": network.name,
            "extractor_digest": network.digest,
            "reference": reference.split,
            "reference_digest": real.digest,
            "floor": float(f"{floor[main]:.4g}"),
        },
    )
