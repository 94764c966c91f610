"""Spectra and what is read from them. In: symmetric kernels, weights, spectra. Out: spectra, and one number per value.

Shapes: kernels `k x n x n`, weights `k x out x fan_in`, spectra `k x rank`; spectra come out as `k x n`, or
`k x min(out, fan_in)` of weights, numbers as `k`.

A kernel is scaled by its largest entry before any decomposition, so huge values neither overflow nor fail to converge.
A value that is not finite gives NaN, never an exception. Eigenvalues below 1e-6 (float32) or 1e-12 (float64) of the
largest are rounding.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.primitives import numerics
from gpproxy.primitives.kinds import KERNELS, SPECTRA, to_scalar
from gpproxy.primitives.numerics import peak, quotient, resolution, saturate
from gpproxy.primitives.primitive import maps, primitive
from gpproxy.primitives.types import (
    ChannelKernel,
    NetworkKernel,
    NetworkSpectrum,
    SampleKernel,
    Spectrum,
    Weight,
)


def _scaled(kernel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The kernel divided by its peak, the peak `k x 1`, and which items are not finite `k x 1` (zeros in the first)."""
    top = peak(kernel)
    broken = ~top.isfinite()
    return (kernel / top).masked_fill_(broken, 0.0), top.flatten(1), broken.flatten(1)


def _eigenvalues(kernel: Tensor) -> Tensor:
    scaled, top, broken = _scaled(kernel)
    values = torch.linalg.eigvalsh(scaled).flip(1)
    return values.mul_(top).masked_fill_(broken, torch.nan)


def _spectrum(x: Tensor) -> Tensor:
    """A spectrum as it is, a kernel by its eigenvalues."""
    return _eigenvalues(x) if x.ndim == 3 else x


TO_SPECTRUM = maps((SampleKernel, Spectrum), (ChannelKernel, Spectrum), (NetworkKernel, NetworkSpectrum))


@primitive("encode", TO_SPECTRUM, source="Jacobian covariance (Mellor et al., 2020)", cost=200.0)
def eigenvalues(kernel: Tensor) -> Tensor:
    """Eigenvalues of a kernel, descending."""
    return saturate(_eigenvalues(kernel))


@primitive(
    "encode",
    maps((Weight, Spectrum)),
    source="spectral analysis of weights (Martin and Mahoney, 2021)",
    cost=30.0,
    parity="even",
    range="nonnegative",
)
def singular_values(weight: Tensor) -> Tensor:
    """Singular values of a weight, descending, from the smaller Gram kernel; float32: exact to 1e-3 of the largest."""
    top = peak(weight)
    broken = ~top.isfinite()
    scaled = (weight / top).masked_fill_(broken, 0.0)
    small = scaled @ scaled.mT if weight.shape[1] <= weight.shape[2] else scaled.mT @ scaled
    values = _eigenvalues(small).clamp_min_(0.0).sqrt_()
    return saturate(values.mul_(top.flatten(1)).masked_fill_(broken.flatten(1), torch.nan))


@primitive(
    "reduce",
    to_scalar(*KERNELS),
    source="NASWOT (Mellor et al., 2021)",
    cost=40.0,
    phrase="the logarithm of the determinant of {0}",
)
def logdet(kernel: Tensor) -> Tensor:
    """log |det K|, with 1e-6 (float32) or 1e-12 (float64) of the mean |diagonal| added to the diagonal.

    The jitter makes a singular kernel finite and is lost in the rounding of a regular one.
    """
    scaled, top, broken = _scaled(kernel)
    size = kernel.shape[1]
    diagonal = scaled.diagonal(dim1=1, dim2=2)
    diagonal += resolution(kernel) * diagonal.abs().mean(1, keepdim=True)
    value = torch.linalg.slogdet(scaled).logabsdet + size * top.squeeze(1).log()
    return value.clamp_min_(-75.0 * size).masked_fill_(broken.squeeze(1), torch.nan)


SPECTRAL = to_scalar(*KERNELS, *SPECTRA)


@primitive(
    "reduce",
    SPECTRAL,
    source="TE-NAS (Chen et al., 2021), in logarithm",
    cost=200.0,
    phrase="the logarithm of the condition number of {0}",
)
def log_condition(x: Tensor) -> Tensor:
    """log(largest |eigenvalue| / smallest), at most 13.8 (float32) or 27.6 (float64); 0 for zeros. Higher is worse."""
    size = _spectrum(x).abs()
    largest, smallest = size.amax(1), size.amin(1)
    ratio = quotient(smallest, largest).clamp_min_(resolution(x))
    return ratio.log_().neg_().masked_fill_(largest == 0, 0.0)


@primitive(
    "reduce",
    to_scalar(*KERNELS),
    source="AZ-NAS expressivity (Lee and Ham, 2024)",
    cost=200.0,
    phrase="the entropy of the spectrum of {0}",
)
def spectral_entropy(x: Tensor) -> Tensor:
    """Shannon entropy in nats of the normalised |eigenvalues|; 0 for zeros, log n for a kernel like the identity."""
    return numerics.entropy(_spectrum(x))


@primitive(
    "reduce", SPECTRAL, source="effective rank (Roy and Vetterli, 2007)", cost=200.0, phrase="the effective rank of {0}"
)
def effective_rank(x: Tensor) -> Tensor:
    """e^entropy of the normalised |eigenvalues|: how many directions are in use, 1 to n."""
    return numerics.entropy(_spectrum(x)).exp_()


@primitive(
    "reduce",
    SPECTRAL,
    source="participation ratio (Gao et al., 2017)",
    cost=7.0,
    parity="even",
    phrase="the participation ratio of {0}",
)
def participation_ratio(x: Tensor) -> Tensor:
    """(sum of eigenvalues)^2 / sum of squares: how many directions carry the variance, 1 to n for a Gram kernel."""
    scaled = x / peak(x)
    total = scaled.diagonal(dim1=1, dim2=2).sum(1) if x.ndim == 3 else scaled.sum(1)
    return quotient(total * total, (scaled * scaled).flatten(1).sum(1))


@primitive(
    "reduce", SPECTRAL, source="stable rank (Rudelson and Vershynin, 2007)", cost=200.0, phrase="the stable rank of {0}"
)
def stable_rank(x: Tensor) -> Tensor:
    """Sum of |eigenvalues| / the largest, 1 to n; 0 for zeros."""
    size = (x if x.ndim == 2 else _eigenvalues(x)).abs()
    scaled = size / peak(size)
    return quotient(scaled.sum(1), scaled.amax(1))


@primitive("reduce", to_scalar(*KERNELS), source="NTK trace (Jacot et al., 2018)", cost=0.6, parity="odd")
def trace(kernel: Tensor) -> Tensor:
    """Sum of the diagonal, which is the sum of the eigenvalues."""
    return kernel.diagonal(dim1=1, dim2=2).sum(1)
