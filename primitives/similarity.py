"""Two values compared as wholes. In: two values of one type, `k x ...`. Out: a number `k`, or a kernel `k x n x n`.

All are 0 where one side is zero or constant, and higher means more alike or better predicted.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.primitives import numerics
from gpproxy.primitives.kinds import KERNELS, SPECTRA, TENSORS, VECTORS, pair_to_scalar
from gpproxy.primitives.normalise import centre
from gpproxy.primitives.numerics import channel_rows, peak, sample_rows, saturate
from gpproxy.primitives.primitive import maps, primitive
from gpproxy.primitives.types import ChannelKernel, FeatureMap, SampleKernel, Weight

SHAPED = (*TENSORS, *KERNELS, *VECTORS, *SPECTRA)


@primitive(
    "augment",
    pair_to_scalar(*SHAPED),
    source="EZNAS (Akhauri et al., 2022)",
    commutative=True,
    cost=10.0,
    phrase="the cosine of the angle between {0} and {1}",
)
def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine of the angle between a and b, -1 to 1."""
    return (numerics.unit(a.flatten(1), (1,)) * numerics.unit(b.flatten(1), (1,))).sum(1)


@primitive(
    "augment",
    pair_to_scalar(*TENSORS, *VECTORS),
    source="Pearson (1895)",
    commutative=True,
    cost=12.0,
    phrase="the correlation of {0} and {1}",
)
def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson correlation of the entries of a and b, -1 to 1."""
    return (numerics.standardise(a.flatten(1), (1,)) * numerics.standardise(b.flatten(1), (1,))).mean(1)


@primitive(
    "augment",
    pair_to_scalar(*SHAPED),
    source="EZNAS (Akhauri et al., 2022)",
    cost=25.0,
    phrase="the Kullback-Leibler divergence of {0} from {1}",
)
def kl_divergence(a: Tensor, b: Tensor) -> Tensor:
    """Kullback-Leibler divergence in nats of the shares |a| / sum |a| from those of b (floor 1e-6 / size)."""
    p, q = numerics.share(a.flatten(1)), numerics.share(b.flatten(1))
    floor = 1e-6 / p.shape[1]
    ratio = p.clamp_min(1e-30).log_().sub_(q.clamp_min(floor).log_())
    return ratio.mul_(p).sum(1)


@primitive(
    "augment",
    pair_to_scalar(*KERNELS),
    source="CKA (Kornblith et al., 2019)",
    commutative=True,
    cost=45.0,
    phrase="the centred alignment of {0} and {1}",
)
def alignment(a: Tensor, b: Tensor) -> Tensor:
    """Centred kernel alignment, 0 to 1 for Gram kernels: whether two kernels see the same similarities."""
    return cosine(centre(a), centre(b))


def _cross(a: Tensor, b: Tensor) -> Tensor:
    dtype = torch.promote_types(a.dtype, b.dtype)  # unlike element-wise operations, a product does not promote
    a, b = a.to(dtype), b.to(dtype)
    top, other = peak(a), peak(b)
    product = (a / top) @ (b / other).mT
    return saturate((product + product.mT).mul_(0.5).mul_(top).mul_(other))


TO_SAMPLES = maps(((FeatureMap, FeatureMap), SampleKernel))
TO_CHANNELS = maps(((FeatureMap, FeatureMap), ChannelKernel), ((Weight, Weight), ChannelKernel))
PRODUCT = "matmul of EZNAS (Akhauri et al., 2022), made symmetric"


@primitive(
    "augment",
    TO_SAMPLES,
    source=PRODUCT,
    commutative=True,
    cost=10.0,
    phrase="the inner products between samples of {0} and {1}",
)
def cross_gram_samples(a: Tensor, b: Tensor) -> Tensor:
    """(A B^T + B A^T) / 2 over samples."""
    return _cross(sample_rows(a), sample_rows(b))


@primitive(
    "augment",
    TO_CHANNELS,
    source=PRODUCT,
    commutative=True,
    cost=18.0,
    phrase="the inner products between channels of {0} and {1}",
)
def cross_gram_channels(a: Tensor, b: Tensor) -> Tensor:
    """(A B^T + B A^T) / 2 over channels, or over the rows of two weights."""
    return _cross(channel_rows(a), channel_rows(b))


@primitive(
    "augment",
    [*maps(*(((kind, kind), kind) for kind in KERNELS))],
    source=PRODUCT,
    commutative=True,
    cost=18.0,
    phrase="the symmetric matrix product of {0} and {1}",
)
def matmul(a: Tensor, b: Tensor) -> Tensor:
    """(A B + B A) / 2, the symmetric product of two kernels."""
    return _cross(a, b)
