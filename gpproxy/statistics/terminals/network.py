"""One value per network."""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.primitives.types import NetworkKernel, Scalar
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.passes import Look
from gpproxy.statistics.statistic import statistic
from gpproxy.statistics.terminals.layers import layer_macs


@statistic(Scalar, source="structure")
def total_params(look: Look, sizes: Sizes) -> Tensor:
    """Parameters of the network."""
    return torch.tensor(float(sum(p.numel() for p in look.network.parameters())), dtype=torch.float64)


@statistic(Scalar, source="structure")
def total_macs(look: Look, sizes: Sizes) -> Tensor:
    """Multiply-accumulates of all weighted layers for one sample."""
    return torch.tensor(sum(layer_macs(layer) for layer in look.noise.layers), dtype=torch.float64)


@statistic(Scalar, source="gpproxy", backward=True)
def initial_loss(look: Look, sizes: Sizes) -> Tensor:
    """Loss of the untrained network."""
    return look.noise.loss.detach().double()


@statistic(Scalar, source="gpproxy")
def output_spread(look: Look, sizes: Sizes) -> Tensor:
    """Standard deviation of the output over samples, averaged over pixels."""
    return look.noise.output.detach().double().std(0, correction=0).mean()


@statistic(NetworkKernel, source="gpproxy")
def output_gram(look: Look, sizes: Sizes) -> Tensor:
    """`sample x sample`, inner products of the centred outputs."""
    output = look.noise.output.detach().double().flatten(1)
    output = output - output.mean(0)
    return output @ output.T


@statistic(NetworkKernel, source="gpproxy; forward-mode products (Pearlmutter, 1994)")
def jacobian_gram(look: Look, sizes: Sizes) -> Tensor:
    """`direction x direction`, inner products of the output's Jacobian with random directions, mean over samples."""
    tangent = look.jacobian.double()
    return torch.einsum("isd,jsd->ij", tangent, tangent) / tangent.shape[1]


@statistic(NetworkKernel, source="Mellor et al., 2020 (jacob_cov)", backward=True)
def input_gradient_correlation(look: Look, sizes: Sizes) -> Tensor:
    """`sample x sample`, correlation of the gradients of the summed output with respect to the input."""
    return torch.nan_to_num(torch.corrcoef(look.input_gradient.double()))
