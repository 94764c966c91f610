"""The six programs that the Auto-GAS code stores (ECCV 2024), as they compute, quirks included.

`autogas_proxy1` ... `autogas_proxy5`: transform -> flatten -> binarise -> Hamming kernel summed over the inputs of all
rectifiers -> up to three operations on the kernel, in NumPy. The code calls the network three times and never removes
its hooks, so that they fire once, twice and three times: the kernel is K, 2 K and 3 K, and the score is the mean. This
is reproduced; the random mask of `proxy1` is drawn anew for each firing. `proxy2` and `proxy5` rank as a single call
would (the scale adds a constant to the log-determinant); the others do so only nearly.

As published: an operation after one that returned a number is dead code, since the loop stops; a kernel that is left at
the end is averaged; `l2_norm` is the spectral norm; `log` and `abslog` put 1 where the logarithm does not exist.

Deviations: rectifiers are found by type instead of by the letters `ReLU` in the class name, which in the published
networks count a container a second time; inputs are the look's batch instead of 32 images of 256 x 256; NaN instead of
a skipped candidate. Direction: the published search keeps the highest signed correlation, so higher is better.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from gpproxy.statistics.absent import NO_RECTIFIER, AbsentPass
from gpproxy.statistics.classical.activations import hamming_kernel
from gpproxy.statistics.classical.proxy import fixed, proxy
from gpproxy.statistics.passes import Passes

SOURCE = "Auto-GAS code, 2024"
CALLS = 3

Array = np.ndarray | np.floating
Operation = Callable[[np.ndarray], Array]


def spectral(x: np.ndarray) -> Array:
    """`l2_norm` of the published code: the largest singular value."""
    return np.linalg.norm(x, ord=2)


def l1_norm(x: np.ndarray) -> Array:
    """Mean absolute value."""
    return np.mean(np.abs(x))


def slogdet(x: np.ndarray) -> Array:
    """Log |determinant|."""
    return np.linalg.slogdet(x)[1]


def log(x: np.ndarray) -> Array:
    """Logarithm, of 1 where x is not positive."""
    return np.log(np.where(x <= 0, 1.0, x))


def abslog(x: np.ndarray) -> Array:
    """Logarithm of |x|, of 1 where x is zero."""
    return np.log(np.abs(np.where(x == 0, 1.0, x)))


def square(x: np.ndarray) -> Array:
    return np.power(x, 2)


def hamming(x: np.ndarray) -> Array:
    """X Xᵀ + (1 - X)(1 - X)ᵀ of any matrix."""
    return x @ x.T + (1 - x) @ (1 - x).T


def no_op(x: np.ndarray) -> Array:
    return x


def finish(kernel: np.ndarray, operations: tuple[Operation, ...]) -> float:
    """The published loop over operations: it stops at the first number, and averages an array that is left."""
    value: Array = kernel
    for operation in operations:
        if not isinstance(value, np.ndarray):
            break
        value = operation(value)
    return float(value.mean() if isinstance(value, np.ndarray) else value)


def programme(
    passes: Passes,
    transform: Callable[[Tensor], Tensor],
    binarise: Callable[[Tensor], Tensor],
    operations: tuple[Operation, ...],
    random: bool = False,
) -> float:
    """Mean score of three calls whose kernels are sums over 1, 2 and 3 firings of the hooks."""
    inputs = passes.noise.rectified
    if not inputs:
        raise AbsentPass(NO_RECTIFIER)

    def kernel(firings: int) -> np.ndarray:
        fired = (transform(z).flatten(1) for z in inputs for _ in range(firings))
        return sum(hamming_kernel(binarise(x)) for x in fired).cpu().numpy()  # type: ignore[union-attr]

    once = None if random else kernel(1)
    scores = []
    with np.errstate(all="ignore"):
        for call in range(1, CALLS + 1):
            scores.append(finish(kernel(call) if once is None else call * once, operations))
    return float(np.mean(scores))


def _above_mean(x: Tensor) -> Tensor:
    return x > x.mean()


def _above_median(x: Tensor) -> Tensor:
    return x > x.median()


def _above_zero(x: Tensor) -> Tensor:
    return x > 0


@proxy(source=SOURCE)
def autogas_proxy1(passes: Passes) -> float:
    """Random mask (35 % of the positions kept), above mean, spectral norm of the kernel; `l1_norm`, `trace` are dead.

    The mask comes from a generator of a fixed seed (published: the global one).
    """
    generator = fixed(3)

    def mask(x: Tensor) -> Tensor:
        if x.ndim != 4:
            return x
        kept = torch.rand(len(x), 1, *x.shape[2:], generator=generator, device=generator.device) > 0.65
        return x * kept.to(x)

    return programme(passes, mask, _above_mean, (spectral, l1_norm, np.trace), random=True)


@proxy(source=SOURCE)
def autogas_proxy2(passes: Passes) -> float:
    """Unchanged, above median, log |determinant| of the kernel; `no_op`, `pow` are dead."""
    return programme(passes, lambda x: x, _above_median, (slogdet, no_op, square))


@proxy(source=SOURCE)
def autogas_proxy3(passes: Passes) -> float:
    """Softmax over positions, above zero (always, up to underflow), log, abslog, Hamming; mean of the matrix."""

    def softmax(x: Tensor) -> Tensor:
        return x if x.ndim < 3 else x.flatten(2).softmax(-1)

    return programme(passes, softmax, _above_zero, (log, abslog, hamming))


@proxy(source=SOURCE)
def autogas_proxy4(passes: Passes) -> float:
    """Swish, above median, spectral norm of log |kernel squared|: the program behind the published plots."""
    return programme(passes, nn.functional.silu, _above_median, (square, abslog, spectral))


@proxy(source=SOURCE, linear_regions=True)
def autogas_proxy5(passes: Passes) -> float:
    """Unchanged, above zero, log |determinant| of the kernel, hence `nwot`; `l1_norm`, `mean` are dead."""
    return programme(passes, lambda x: x, _above_zero, (slogdet, l1_norm, np.mean))


@proxy(source=SOURCE, forwards=1)
def autogas_integration(passes: Passes) -> Tensor:
    """Number of positive correlations between the samples' outputs of the first rectifier.

    The stored program reads exp, log, no operation after above-zero: the identity, which is left out, since some
    processors round it; a matrix that is left is summed. The first rectifier of most spaces lies in a stem that all
    architectures share.
    """
    with torch.no_grad():
        first = passes.record(passes.batch, passes.PLAIN).onset
    if first is None:
        raise AbsentPass(NO_RECTIFIER)
    return (torch.atleast_2d(torch.corrcoef(first.flatten(1))) > 0).float().sum()
