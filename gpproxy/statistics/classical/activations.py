"""Proxies of activations: no gradients."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gpproxy.statistics.absent import NO_RECTIFIER, AbsentPass
from gpproxy.statistics.classical.proxy import fixed, proxy
from gpproxy.statistics.passes import Passes


def hamming_kernel(codes: Tensor) -> Tensor:
    """X Xᵀ + (1 - X)(1 - X)ᵀ of binary codes `sample x bit`: `sample x sample`, the number of equal bits, float64."""
    spins = 2 * codes.flatten(1).float() - 1
    return ((spins @ spins.T).double() + spins.shape[1]) / 2


@proxy(source="Mellor et al., 2021", linear_regions=True)
def nwot(passes: Passes) -> Tensor:
    """Log |determinant| of the Hamming kernel of all rectifiers' on-off codes.

    Every rectifier counts, leaky and smooth ones too (published: ReLU modules). NaN where two samples have the same
    code.
    """
    kernel = sum(hamming_kernel(z > 0) for z in passes.noise.rectified)
    if not isinstance(kernel, Tensor):
        raise AbsentPass(NO_RECTIFIER)
    return torch.linalg.slogdet(kernel).logabsdet


@proxy(source="Peng et al., 2024 (SWAP-NAS, without the size regulariser)", linear_regions=True)
def swap(passes: Passes) -> float:
    """Number of distinct on-off patterns that neurons show over the samples of the batch.

    Every rectifier counts, leaky and smooth ones too (published: ReLU modules).
    """
    if not passes.noise.rectified:
        raise AbsentPass(NO_RECTIFIER)
    bits = torch.cat([(z > 0).flatten(1) for z in passes.noise.rectified], 1).long()
    code = torch.zeros_like(bits[0])
    for start in range(0, len(bits), 30):  # 30 samples at a time: numbering the patterns so far keeps codes in 62 bits
        _, code = torch.unique(code, return_inverse=True)
        for row in bits[start : start + 30]:
            code = 2 * code + row
    return float(len(torch.unique(code)))


@proxy(source="Jiang et al., 2024 (MeCo)", forwards=1)
def meco(passes: Passes) -> Tensor:
    """Sum over all modules of the smallest eigenvalue of the channel correlation of the output for the first sample.

    Containers count, as published. Input: Gaussian noise of the batch's shape (published: one image of 64 x 64, which
    batch norm refuses at 1 x 1 maps). Undefined correlations are 0, and so is the eigenvalue where the channels
    outnumber the degrees of freedom (published: rounding errors around 0).
    """
    found: list[Tensor] = []
    known: list[tuple[Tensor, int, Tensor]] = []

    def after(module: nn.Module, inputs: tuple, output: object) -> None:
        if not isinstance(output, Tensor) or output.ndim < 2:
            return
        for tensor, version, value in known[-1:]:  # a container returns what its last child returned
            if tensor is output and version == output._version:
                found.append(value)
                return
        value = _least_correlation(output[0].flatten(1) if output.ndim > 2 else output[0][:, None])
        known[:] = [(output, output._version, value)]
        found.append(value)

    passes.refuse_numbers("pass of meco")
    x = torch.randn(passes.inputs.shape, generator=fixed(2), device="cpu").to(passes.inputs)
    named = passes.network.named_modules()  # what makes weights is no part of the network
    handles = [m.register_forward_hook(after) for name, m in named if "parametrizations" not in name.split(".")]
    try:
        with torch.no_grad(), passes.apart("meco"):
            passes.batch.own().with_visible(x).call(passes.network)
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack(found).sum()


def _least_correlation(features: Tensor) -> Tensor:
    channels, positions = features.shape
    if channels > positions - 1:
        return torch.zeros((), dtype=torch.float64, device=features.device)
    correlation = torch.nan_to_num(torch.atleast_2d(torch.corrcoef(features.double())), 0.0, 0.0, 0.0)
    return torch.linalg.eigvalsh(correlation)[0]


def layer_expressivity(passes: Passes) -> list[Tensor]:
    """Entropy of the normalised principal variances of the channels, one 0-dim float64 tensor per layer."""
    return [_spectral_entropy(layer.activation.detach()) for layer in passes.noise.layers]


def _spectral_entropy(activation: Tensor) -> Tensor:
    rows = activation.movedim(1, -1).flatten(0, -2)
    rows = (rows - rows.mean(0)).double() if len(rows) < 4096 else rows - rows.mean(0)
    gram = rows.T @ rows if rows.shape[1] <= len(rows) else rows @ rows.T
    variances = torch.linalg.eigvalsh(gram.double()).clamp_min(0)
    share = variances / variances.sum()
    return -(share * (share + 1e-8).log()).sum()


@proxy(source="Lee and Ham, 2024 (AZ-NAS)")
def az_expressivity(passes: Passes) -> Tensor:
    """Sum over layers of the entropy of the normalised principal variances of the channels.

    Layers are those of the pass, on its batch (published: outputs of the blocks, on Gaussian noise).
    """
    return torch.stack(layer_expressivity(passes)).sum()


@proxy(source="Lee and Ham, 2024 (AZ-NAS)")
def az_progressivity(passes: Passes) -> Tensor:
    """Smallest increase of that entropy from one layer to the next; absent for a single layer."""
    entropies = torch.stack(layer_expressivity(passes))
    if len(entropies) < 2:
        raise AbsentPass("This generator has a single layer, and it compares each with the next.")
    return entropies.diff().min()
