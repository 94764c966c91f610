"""Kernels: how alike the samples, or the channels, look. In: feature maps or weights. Out: symmetric kernels.

Shapes: `k x sample x channel x height x width` -> `k x sample x sample` or `k x channel x channel`; a weight
`k x out x fan_in` -> `k x out x out`. The functions of `rows` take `k x n x entries` and return `k x n x n`.

`_samples` compares samples by all that a layer says of them, `_channels` compares channels (rows of a weight) over all
samples and pixels (all of fan_in). Correlation and covariance centre every row, as numpy.corrcoef and numpy.cov do.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from gpproxy.primitives import numerics
from gpproxy.primitives.kinds import KERNELS
from gpproxy.primitives.numerics import channel_rows, peak, quotient, sample_rows, saturate
from gpproxy.primitives.primitive import maps, primitive, same
from gpproxy.primitives.types import ChannelKernel, FeatureMap, SampleKernel, Weight

AUTOGAS = "Auto-GAS (Li et al., 2024)"


def gram(rows: Tensor) -> Tensor:
    """X X^T: inner products of the rows."""
    top = peak(rows)
    scaled = rows / top
    return saturate((scaled @ scaled.mT).mul_(top).mul_(top))


def cosine(rows: Tensor) -> Tensor:
    """Cosines between the rows, in [-1, 1]; 0 for a row of zeros."""
    scaled = numerics.unit(rows, (2,))
    return scaled @ scaled.mT


def correlation(rows: Tensor) -> Tensor:
    """Pearson correlations of the rows, in [-1, 1]; 0 for a constant row."""
    scaled = numerics.standardise(rows, (2,))
    return (scaled @ scaled.mT).div_(rows.shape[2])


def covariance(rows: Tensor) -> Tensor:
    """Population covariances of the rows."""
    top = peak(rows)
    scaled = numerics.centre(rows / top, (2,))
    return saturate((scaled @ scaled.mT).div_(rows.shape[2]).mul_(top).mul_(top))


def agreement(rows: Tensor) -> Tensor:
    """X X^T + (1 - X)(1 - X)^T: for codes of 0 and 1, the number of entries in which two rows agree."""
    # The same as half of (Y Y^T + entries) with Y = 2 X - 1: one product, and exact for codes.
    spins = 2 * rows - 1
    top = peak(spins)
    scaled = spins / top
    kernel = saturate((scaled @ scaled.mT).mul_(top).mul_(top))
    return kernel.add_(rows.shape[2]).mul_(0.5)


def distances(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distances of the rows on the scale of the largest entry, 0 within rounding, and that scale."""
    top = peak(rows)
    scaled = rows / top
    kernel = scaled @ scaled.mT
    lengths = kernel.diagonal(dim1=1, dim2=2)
    both = lengths.unsqueeze(1) + lengths.unsqueeze(2)
    squared = both - 2 * kernel
    return squared.masked_fill_(squared <= numerics.resolution(rows) * both, 0.0), top


def distance(rows: Tensor) -> Tensor:
    """Euclidean distances between the rows."""
    squared, top = distances(rows)
    return saturate(squared.sqrt_().mul_(top))


def rbf(rows: Tensor) -> Tensor:
    """exp(-d^2 / mean d^2): near 1 for rows closer than the average pair; 1 where all rows are equal."""
    squared, _ = distances(rows)
    return quotient(squared, squared.mean((1, 2), keepdim=True)).neg_().exp_()


def _register(name: str, kernel: Callable[[Tensor], Tensor], source: str, cost: float, words: str) -> None:
    """Registers one kernel over samples and over channels; `words` says what it holds."""

    def over_samples(x: Tensor) -> Tensor:
        return kernel(sample_rows(x))

    def over_channels(x: Tensor) -> Tensor:
        return kernel(channel_rows(x))

    over_samples.__doc__ = f"Samples compared: {(kernel.__doc__ or '')[0].lower()}{(kernel.__doc__ or '')[1:]}"
    over_channels.__doc__ = f"Channels compared: {(kernel.__doc__ or '')[0].lower()}{(kernel.__doc__ or '')[1:]}"
    to_samples = maps((FeatureMap, SampleKernel))
    to_channels = maps((FeatureMap, ChannelKernel), (Weight, ChannelKernel))
    for axis, signatures, price, function in (
        ("samples", to_samples, cost, over_samples),
        ("channels", to_channels, cost + 3, over_channels),
    ):
        phrase = f"the {words} between {axis} of {{0}}"
        primitive("encode", signatures, source=source, name=f"{name}_{axis}", cost=price, phrase=phrase)(function)


_register("gram", gram, AUTOGAS, 5.0, "inner products")
_register("cosine", cosine, "cosine similarity; ICKD (Liu et al., 2021)", 6.0, "cosines")
JACOBIAN = "Jacobian correlation (Mellor et al., 2021), MeCo (Jiang et al., 2023)"
_register("correlation", correlation, JACOBIAN, 9.0, "correlations")
_register("covariance", covariance, "AZ-NAS expressivity (Lee and Ham, 2024)", 10.0, "covariances")
_register("agreement", agreement, "NASWOT (Mellor et al., 2021)", 8.0, "on-off agreement")
_register("distance", distance, "relational knowledge distillation (Park et al., 2019)", 6.0, "distances")
_register("rbf", rbf, "correlation congruence (Peng et al., 2019)", 6.0, "Gaussian similarities")


@primitive("encode", same(*KERNELS), source=AUTOGAS, cost=18.0)
def agreement_kernel(kernel: Tensor) -> Tensor:
    """K K^T + (1 - K)(1 - K)^T, on a kernel's rows: the "Hamming" post-processing of Auto-GAS."""
    return agreement(kernel)
