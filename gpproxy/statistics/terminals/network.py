"""One value per network."""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.primitives.types import NetworkKernel, Scalar
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import statistic


@statistic(Scalar, source="structure", range="positive", reads="plain")
def total_params(passes: Passes, sizes: Sizes) -> Tensor:
    """Parameters of the network."""
    return torch.tensor(float(sum(p.numel() for p in passes.network.parameters())), dtype=torch.float64, device="cpu")


@statistic(Scalar, source="structure", range="positive", reads="plain")
def total_macs(passes: Passes, sizes: Sizes) -> Tensor:
    """Multiply-accumulates for one sample: of all layers, fixed filters and products of activations (attention)."""
    return torch.tensor(passes.noise.macs, dtype=torch.float64, device="cpu")


@statistic(Scalar, source="gpproxy", backward=True, reads="gradients")
def initial_loss(passes: Passes, sizes: Sizes) -> Tensor:
    """Loss of the untrained network."""
    return passes.noise.loss.detach().double()  # type: ignore[union-attr]


@statistic(Scalar, source="gpproxy", range="nonnegative", reads="plain")
def output_spread(passes: Passes, sizes: Sizes) -> Tensor:
    """Standard deviation of the output over samples, averaged over pixels."""
    return passes.noise.output.detach().double().std(0, correction=0).mean()


@statistic(NetworkKernel, source="gpproxy", reads="plain")
def output_gram(passes: Passes, sizes: Sizes) -> Tensor:
    """`sample x sample`, inner products of the centred outputs."""
    output = passes.noise.output.detach().double().flatten(1)
    output = output - output.mean(0)
    return output @ output.T


@statistic(NetworkKernel, source="gpproxy; forward-mode products (Pearlmutter, 1994)")
def jacobian_gram(passes: Passes, sizes: Sizes) -> Tensor:
    """`direction x direction`, inner products of the output's Jacobian with random directions, mean over samples."""
    tangent = passes.jacobian.double()
    return torch.einsum("isd,jsd->ij", tangent, tangent) / tangent.shape[1]


@statistic(NetworkKernel, source="Mellor et al., 2020 (jacob_cov)", backward=True)
def input_gradient_correlation(passes: Passes, sizes: Sizes) -> Tensor:
    """`sample x sample`, correlation of the gradients of the summed output with respect to the input."""
    return torch.nan_to_num(torch.atleast_2d(torch.corrcoef(passes.input_gradient.double())))
