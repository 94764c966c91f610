"""Families of types that share signatures. In: nothing. Out: tuples of nominal types and lists of signatures."""

from __future__ import annotations

from gpproxy.primitives.declaration import Signature
from gpproxy.primitives.primitive import maps
from gpproxy.primitives.types import (
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

TENSORS = (FeatureMap, Weight)
KERNELS = (SampleKernel, ChannelKernel, NetworkKernel)
VECTORS = (SampleVector, ChannelVector)
SPECTRA = (Spectrum, NetworkSpectrum)
SCALARS = (LayerScalar, Scalar)
#: Every type whose value has axes of its own.
SHAPED = TENSORS + KERNELS + VECTORS + SPECTRA
EVERY = SHAPED + SCALARS


def scalar_of(kind: type) -> type:
    """What a reduction of one value of this type gives: Scalar for network types, else LayerScalar."""
    return Scalar if kind in (NetworkKernel, NetworkSpectrum) else LayerScalar


def to_scalar(*kinds: type) -> list[Signature]:
    """Signatures of a reduction of one operand."""
    return maps(*((kind, scalar_of(kind)) for kind in kinds))


def pair_to_scalar(*kinds: type) -> list[Signature]:
    """Signatures of a comparison of two operands of one type."""
    return maps(*(((kind, kind), scalar_of(kind)) for kind in kinds))
