"""Pure, typed torch functions that formulas are made of, in four groups: transform, encode, reduce, augment.

Importing the package registers all of them in `PRIMITIVES`; each has proved its promises by then
(`gpproxy.primitives.check`).
"""

from __future__ import annotations

from gpproxy.primitives import (  # noqa: F401
    augment,
    decodability,
    encode,
    layers,
    maps,
    normalise,
    reduce,
    similarity,
    spectra,
    transform,
)
from gpproxy.primitives.declaration import Primitive, Signature
from gpproxy.primitives.notation import Notation
from gpproxy.primitives.primitive import PRIMITIVES
from gpproxy.primitives.types import (
    AXES,
    LAYER_TYPES,
    NETWORK_TYPES,
    TYPES,
    ChannelKernel,
    ChannelVector,
    FeatureMap,
    LayerScalar,
    NetworkKernel,
    NetworkSpectrum,
    SampleKernel,
    SampleVector,
    Scalar,
    Spectrum,
    Weight,
)

__all__ = [
    "AXES",
    "LAYER_TYPES",
    "NETWORK_TYPES",
    "PRIMITIVES",
    "TYPES",
    "ChannelKernel",
    "ChannelVector",
    "FeatureMap",
    "LayerScalar",
    "NetworkKernel",
    "NetworkSpectrum",
    "Notation",
    "Primitive",
    "SampleKernel",
    "SampleVector",
    "Scalar",
    "Signature",
    "Spectrum",
    "Weight",
]
