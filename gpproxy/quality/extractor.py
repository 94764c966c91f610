"""Networks that turn images into features, by their names.

In: a name, a file of weights, a device. Out: an Extractor (`gpproxy.quality.features`). Other packages add to
`EXTRACTORS` through the entry-point group `gpproxy.extractors`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gpproxy.errors import QualityError
from gpproxy.quality.cifar import CifarExtractor
from gpproxy.quality.features import Extractor
from gpproxy.quality.inception import InceptionExtractor
from gpproxy.registry import Registry

#: Makes an extractor from a file of weights (None: its own), a device, and whether it may download.
Factory = Callable[["Path | None", str, bool], Extractor]

EXTRACTORS: Registry[Factory] = Registry("extractor", "gpproxy.extractors")


def extractor(
    name: str, weights: str | Path | None = None, device: str = "cpu", *, download: bool = False
) -> Extractor:
    """The extractor `cifar` or `inception`.

    Args:
        weights: a file of weights instead of the extractor's own.
        download: fetches missing weights; without it nothing is downloaded.

    Raises RegistryError for an unknown name, QualityError for missing or unfit weights.
    """
    path = None if weights is None else Path(weights).expanduser()
    if path is not None and not path.is_file():
        raise QualityError(f"The extractor '{name}' expects a file of weights, but {path} is not there.")
    return EXTRACTORS[name](path, device, download)


def _cifar(weights: Path | None, device: str, download: bool) -> Extractor:
    return CifarExtractor(weights, device)


def _inception(weights: Path | None, device: str, download: bool) -> Extractor:
    return InceptionExtractor(weights, device, download)


EXTRACTORS.add("cifar", _cifar)
EXTRACTORS.add("inception", _inception)
