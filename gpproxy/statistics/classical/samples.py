"""Proxies of how gradients differ between samples or between half batches: passes of their own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gpproxy.search_spaces.batch import Batch
from gpproxy.statistics.classical.proxy import gradients_of, proxy
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.plain_copy import plain_copy
from gpproxy.statistics.single_pass import wide

#: Samples whose gradients are taken one by one.
SAMPLES = 8


@proxy(source="Li et al., 2023", forwards=1, backwards=1, needs_backward=True)
def zico(passes: Passes) -> float | Tensor:
    """Sum over layers of log sum over weights of mean |gradient| / deviation of the gradient, over two half batches.

    Population deviation; weights whose gradient does not vary are left out, and so are layers without any other. NaN
    for fewer than two samples.
    """
    size = len(passes.inputs) // 2
    if size == 0:
        return torch.nan
    halves = passes.batch.first(size), passes.batch.part(size, len(passes.inputs))
    first, second = (_loss_gradients(passes, passes.network, half, f"half {i}") for i, half in enumerate(halves))
    value = torch.zeros((), dtype=torch.float64, device=passes.inputs.device)
    for one, two in zip(first, second):
        deviation = (one - two).abs()  # twice the deviation of two values, as the other term is twice the mean
        ratio = (one.abs() + two.abs()).div_(deviation).masked_fill_(deviation == 0, 0).sum(dtype=torch.float64)
        if ratio > 0:
            value = value + ratio.log()
    return value


@proxy(
    source="Zhang and Jia, 2022 (GradSign; `grad_conflict` in the Auto-GAS code)",
    forwards=1.5,
    backwards=0.5,
    needs_backward=True,
)
def gradsign(passes: Passes) -> Tensor:
    """Sum over weights of |sum over 8 samples of the sign of the sample's loss gradient|; high where samples agree.

    One pass per sample, as published, but normalised with the statistics of the batch instead of the sample's own.
    """
    network = _calibrated(passes)
    found = (_loss_gradients(passes, network, one, f"sample {i}") for i, one in enumerate(_samples(passes)))
    each = [[gradient.sign() for gradient in gradients] for gradients in found]
    return torch.stack([sum(signs).abs().sum(dtype=torch.float64) for signs in zip(*each)]).sum()


@proxy(direction=-1, source="Chen et al., 2021 (TE-NAS)", forwards=1.5, backwards=0.5, needs_backward=True)
def ntk(passes: Passes) -> float | Tensor:
    """Condition number of the neural tangent kernel of 8 samples: largest over smallest eigenvalue; lower is better.

    The gradient of a sample is that of its summed output with respect to every parameter whose name ends with weight.
    Evaluation mode, as published, but with the statistics of the batch, since the running ones of an untrained network
    say nothing. NaN where the kernel is singular to working precision, or there are fewer than two samples.
    """
    kernel = _tangent_kernel(passes)
    if len(kernel) < 2 or not torch.isfinite(kernel).all():
        return torch.nan
    eigenvalues = torch.linalg.eigvalsh(kernel)
    smallest, largest = eigenvalues[0], eigenvalues[-1]
    return largest / smallest if smallest > 1e-7 * largest else torch.nan


def _tangent_kernel(passes: Passes) -> Tensor:
    """`sample x sample`, inner products of the samples' gradients of the summed output."""
    network = _calibrated(passes)
    weights = [p for name, p in network.named_parameters() if name.endswith("weight")]
    samples = _samples(passes)
    kept: list[tuple[Tensor, ...]] = []
    for i, sample in enumerate(samples):
        with torch.enable_grad(), passes.apart(f"sample {i}", network):
            gradients = torch.autograd.grad(wide(sample.own().call(network)).sum(), weights, allow_unused=True)
        kept.append(tuple(wide(g).flatten() for g in gradients if g is not None))
    kernel = torch.zeros(len(samples), len(samples), dtype=torch.float64, device=passes.inputs.device)
    for rows in zip(*kept):
        # In pieces: no second copy of the gradients of a large network, and no long sums in single precision.
        for pieces in zip(*(row.split(2**16) for row in rows)):
            matrix = torch.stack(pieces)
            kernel += matrix @ matrix.T
    return kernel


def _calibrated(passes: Passes) -> nn.Module:
    """A copy in evaluation mode whose batch norms hold the statistics of the look's batch."""
    network = plain_copy(passes.network)
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats:
            module.reset_running_stats()
            module.momentum = 1.0
    with torch.no_grad(), passes.apart(passes.PLAIN, network, kept=True):
        passes.batch.own().call(network)
    return network.eval()


def _samples(passes: Passes) -> list[Batch]:
    """The first samples of the look, each a batch of its own."""
    return [passes.batch.part(i, i + 1) for i in range(min(SAMPLES, len(passes.inputs)))]


def _loss_gradients(passes: Passes, network: nn.Module, batch: Batch, draws: str) -> list[Tensor]:
    """Loss gradients of the weights, each once, on other inputs than the look's."""
    gradients_of(passes)  # a look without them is refused
    with torch.enable_grad():
        record = passes.record(batch, draws, passes.loss, network)
    return [layer.weight_gradient for layer in record.layers if layer.weight_gradient is not None]
