"""What is measured of translated images: distance from their targets, and from real images as a whole.

In: outputs for held-out inputs, in order, and the Translation that they belong to. Out: numbers by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from gpproxy.errors import QualityError
from gpproxy.images.translation import Translation
from gpproxy.quality.features import Extractor
from gpproxy.quality.fidelity import fidelity
from gpproxy.quality.measure import frechet_to, names
from gpproxy.quality.reference import Reference

#: What ranks outputs for pairs where no extractor does. Early in a training L1 hardly tells generators apart.
DISSIMILARITY = "DSSIM"


def translation_measure(
    data: Translation, network: Extractor | None, reference: Reference | None = None
) -> Callable[[Tensor], Mapping[str, float]]:
    """A function from outputs, uint8 `sample x 3 x height x width`, to numbers.

    The Fréchet distance comes first, then, where there are targets, L1, PSNR and SSIM with their standard errors, and
    DSSIM = (1 - SSIM) / 2, from 0 to 1, lower is better.

    Args:
        data: outputs are those of its held-out inputs, from the first on.
        network: whose features are compared; names the distance. None compares none.
        reference: real images, `data.real()`; None makes it.

    Raises QualityError, also from the function: more outputs than held-out inputs, fewer than 20 images.
    """
    if network is not None and reference is None:
        reference = Reference.of(data.real(), network)
    targets = data.targets

    def measure(images: Tensor) -> Mapping[str, float]:
        if len(images) > len(data.held_out.inputs):
            raise QualityError(
                f"{len(images)} outputs are measured, but {data.name} has {len(data.held_out.inputs)} held-out inputs."
            )
        found = {}
        if network is not None and reference is not None:
            found[names(network)[0]] = frechet_to(images, reference, network)
        if targets is not None:
            near = fidelity(images, targets[: len(images)])
            errors = {f"{name} error": error for name, error in near.errors.items()}
            found |= {**near.values, DISSIMILARITY: (1 - near.values["SSIM"]) / 2, **errors}
        return found

    return measure
