"""The built-in statistics. Cut values keep their scale; scalars per layer and per network are of the full tensors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpproxy.statistics.cut import Sizes, as_filters, as_map, cut_channels, cut_filters, cut_map, spaced
from gpproxy.statistics.passes import Layer, Look
from gpproxy.statistics.statistic import statistic
from primitives.types import (
    ChannelVector,
    FeatureMap,
    LayerScalar,
    NetworkKernel,
    SampleKernel,
    Scalar,
    Weight,
)

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d)

# --- feature maps


@statistic(FeatureMap, source="Mellor et al., 2021")
def activation(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Output of every weighted layer."""
    return [cut_map(layer.activation, sizes) for layer in look.noise.layers]


@statistic(FeatureMap, source="Turner et al., 2020", backward=True)
def gradient(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Gradient of the loss with respect to `activation`."""
    return [cut_map(layer.gradient, sizes) for layer in look.noise.layers]


@statistic(FeatureMap, source="Mellor et al., 2021")
def preactivation(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Input of the rectifier attached to the layer."""
    return [
        None if layer.preactivation is None else cut_map(layer.preactivation, sizes) for layer in look.noise.layers
    ]


@statistic(FeatureMap, source="Lin et al., 2021 (Zen-NAS)")
def perturbed(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """`activation` when Gaussian noise is added to the input."""
    return [cut_map(layer.activation, sizes) for layer in look.perturbed.layers]


@statistic(FeatureMap, source="gpproxy")
def input(look: Look, sizes: Sizes) -> list[Tensor | None]:  # noqa: A001
    """The network's input, averaged over the patches that belong to the positions of `activation`."""
    image = as_map(look.inputs)[: sizes.samples]
    pooled: dict[tuple[int, int], Tensor] = {}
    patches = []
    for layer in look.noise.layers:
        side = tuple(min(s, sizes.positions) for s in as_map(layer.activation).shape[2:])
        if side not in pooled:
            pooled[side] = cut_map(F.adaptive_avg_pool2d(image, side), sizes)
        patches.append(pooled[side])
    return patches


# --- weights


def _filters(layer: Layer, weight: Tensor) -> Tensor:
    return as_filters(weight, isinstance(layer.module, TRANSPOSED))


@statistic(Weight, source="Tanaka et al., 2020 (SynFlow)")
def weight(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Weight of every layer, at its first call."""
    return [
        cut_filters(_filters(layer, layer.module.weight), sizes) if layer.first else None for layer in look.noise.layers
    ]


@statistic(Weight, source="Lee et al., 2019 (SNIP)", backward=True)
def weight_gradient(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Gradient of the loss with respect to `weight`."""
    gradients = look.noise.weight_gradients
    return [
        cut_filters(_filters(layer, gradients[layer.module]), sizes) if layer.first else None
        for layer in look.noise.layers
    ]


@statistic(Weight, source="Tanaka et al., 2020 (SynFlow)", backward=True)
def ones_gradient(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Gradient of the summed output of the all-ones pass with respect to |weight|; float64, it grows with depth."""
    gradients = look.ones.weight_gradients
    return [
        cut_filters(_filters(layer, gradients[layer.module]), sizes) if layer.first else None
        for layer in look.ones.layers
    ]


# --- kernels and vectors of full tensors


@statistic(SampleKernel, source="Mellor et al., 2021 (NASWOT)")
def hamming(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Number of rectifier inputs on which two samples agree in sign."""
    kernels: list[Tensor | None] = []
    for layer in look.noise.layers:
        if layer.preactivation is None:
            kernels.append(None)
            continue
        code = (layer.preactivation > 0).flatten(1).to(layer.preactivation.dtype)
        kernels.append(code @ code.T + (1 - code) @ (1 - code).T)
    return kernels


def _moments(value: Tensor) -> tuple[Tensor, Tensor]:
    value = as_map(value)
    deviation, mean = torch.std_mean(value, dim=(0, 2, 3), correction=0)
    return mean, deviation


@statistic(ChannelVector, source="gpproxy")
def channel_mean(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Mean of `activation` over samples and positions, per channel."""
    return [cut_channels(_moments(layer.activation)[0], sizes) for layer in look.noise.layers]


@statistic(ChannelVector, source="gpproxy")
def channel_std(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Standard deviation of `activation` over samples and positions, per channel."""
    return [cut_channels(_moments(layer.activation)[1], sizes) for layer in look.noise.layers]


@statistic(ChannelVector, source="gpproxy", backward=True)
def gradient_channel_mean(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Mean of `gradient` over samples and positions, per channel."""
    return [cut_channels(_moments(layer.gradient)[0], sizes) for layer in look.noise.layers]


@statistic(ChannelVector, source="gpproxy", backward=True)
def gradient_channel_std(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Standard deviation of `gradient` over samples and positions, per channel."""
    return [cut_channels(_moments(layer.gradient)[1], sizes) for layer in look.noise.layers]


# --- one number per layer


def _numbers(values: list[float]) -> list[Tensor | None]:
    return [torch.tensor(float(v), dtype=torch.float64) for v in values]


@statistic(LayerScalar, source="structure")
def channels(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Output channels of the layer."""
    return _numbers([layer.activation.shape[1] for layer in look.noise.layers])


@statistic(LayerScalar, source="structure")
def resolution(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Side of the layer's output in pixels, 1 for a linear layer."""
    return _numbers([as_map(layer.activation).shape[3] for layer in look.noise.layers])


@statistic(LayerScalar, source="structure")
def depth(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Position of the layer in order of execution, 0 first, 1 last."""
    last = max(len(look.noise.layers) - 1, 1)
    return _numbers([i / last for i in range(len(look.noise.layers))])


@statistic(LayerScalar, source="structure")
def fan_in(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Weights per output channel."""
    return _numbers([_filters(layer, layer.module.weight).shape[1] for layer in look.noise.layers])


@statistic(LayerScalar, source="structure")
def params(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Weights and biases of the layer, at its first call."""
    return [
        torch.tensor(float(sum(p.numel() for p in layer.module.parameters())), dtype=torch.float64)
        if layer.first
        else None
        for layer in look.noise.layers
    ]


@statistic(LayerScalar, source="structure")
def macs(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Multiply-accumulates of the layer for one sample; a transposed convolution's are counted at its input."""
    return _numbers([_macs(layer) for layer in look.noise.layers])


def _macs(layer: Layer) -> float:
    if isinstance(layer.module, TRANSPOSED):
        stride = 1
        for s in layer.module.stride:
            stride *= s
        return layer.module.weight.numel() * as_map(layer.activation)[0, 0].numel() / stride
    return layer.module.weight.numel() * as_map(layer.activation)[0, 0].numel()


def _rows(value: Tensor, count: int) -> Tensor:
    """`row x channel`: evenly spaced (sample, position) rows of a feature map, each channel standardised."""
    value = as_map(value)
    rows = value.permute(0, 2, 3, 1).reshape(-1, value.shape[1])
    rows = rows[spaced(len(rows), count).to(rows.device)]
    deviation, mean = torch.std_mean(rows, dim=0, correction=0)
    return (rows - mean) / (deviation + 1e-6 * deviation.mean() + 1e-12)


@statistic(LayerScalar, source="gpproxy; after Roy & Vetterli, 2007")
def effective_rank(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Exponential of the entropy of the eigenvalues of the channel correlation, over at most 512 rows, 64 channels."""
    ranks: list[Tensor | None] = []
    for layer in look.noise.layers:
        rows = _rows(layer.activation.detach(), 512)
        rows = rows[:, spaced(rows.shape[1], 64).to(rows.device)].double()
        gram = rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows
        share = torch.linalg.eigvalsh(gram).clamp_min(0)
        share = share / share.sum().clamp_min(1e-30)
        ranks.append(torch.special.entr(share).sum().exp())
    return ranks


@statistic(LayerScalar, source="gpproxy; ridge regression (Hoerl & Kennard, 1970)")
def decodability(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """How well a linear map recovers the input patch from the layer's features at a position: held-out R² in [-1, 1].

    Two thirds of the samples fit, one third tests; at most 768 rows, 128 channels, patches of at most 4 x 4 cells.
    """
    image = as_map(look.inputs).double()
    targets: dict[tuple[int, int], Tensor] = {}
    scores: list[Tensor | None] = []
    for layer in look.noise.layers:
        features = as_map(layer.activation.detach()).double()
        features = features[:, spaced(features.shape[1], 128).to(features.device)]
        side = tuple(features.shape[2:])
        if side not in targets:
            targets[side] = _patches(image, side)
        scores.append(_ridge_score(features, targets[side]))
    return scores


def _patches(image: Tensor, side: tuple[int, int]) -> Tensor:
    """`sample x cell x height x width`: the image area under each position, averaged to at most 4 x 4 cells."""
    cells = [max(1, min(4, s // t)) for s, t in zip(image.shape[2:], side)]
    fine = F.adaptive_avg_pool2d(image, (side[0] * cells[0], side[1] * cells[1]))
    fine = fine.reshape(len(image), -1, side[0], cells[0], side[1], cells[1])
    return fine.permute(0, 1, 3, 5, 2, 4).reshape(len(image), -1, *side)


def _ridge_score(features: Tensor, targets: Tensor) -> Tensor:
    held = max(1, len(features) // 3)
    parts = []
    for part, count in ((slice(held, None), 512), (slice(0, held), 256)):
        x = features[part].permute(0, 2, 3, 1).reshape(-1, features.shape[1])
        y = targets[part].permute(0, 2, 3, 1).reshape(-1, targets.shape[1])
        index = spaced(len(x), count).to(x.device)
        parts.append((x[index], y[index]))
    (x, y), (x_test, y_test) = parts
    deviation, mean = torch.std_mean(x, dim=0, correction=0)
    deviation = deviation + 1e-6 * deviation.mean() + 1e-12
    x, x_test = (x - mean) / deviation, (x_test - mean) / deviation
    center = y.mean(0)
    y, y_test = y - center, y_test - center
    gram, cross = x.T @ x, x.T @ y
    total = (y_test**2).sum().clamp_min(1e-12)
    best = torch.tensor(-1.0, dtype=x.dtype, device=x.device)
    identity = torch.eye(len(gram), dtype=x.dtype, device=x.device)
    for penalty in (1.0, 10.0, 100.0, 1000.0):
        solution = torch.cholesky_solve(cross, torch.linalg.cholesky(gram + penalty * identity))
        best = torch.maximum(best, 1 - ((y_test - x_test @ solution) ** 2).sum() / total)
    return best


# --- one value per network


@statistic(Scalar, source="structure")
def total_params(look: Look, sizes: Sizes) -> Tensor:
    """Parameters of the network."""
    return torch.tensor(float(sum(p.numel() for p in look.network.parameters())), dtype=torch.float64)


@statistic(Scalar, source="structure")
def total_macs(look: Look, sizes: Sizes) -> Tensor:
    """Multiply-accumulates of all weighted layers for one sample."""
    return torch.tensor(sum(_macs(layer) for layer in look.noise.layers), dtype=torch.float64)


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
