"""Ridge decodability: how well a linear map recovers one feature map from another.

In: the features of a layer and a target, for example the network input. Out: one R^2 per layer, which needs no label
and no training: a layer from which no linear map reads the input has lost it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gpproxy.primitives.numerics import peak, quotient
from gpproxy.primitives.primitive import maps, primitive
from gpproxy.primitives.types import FeatureMap, LayerScalar

#: Strengths of the ridge penalty tried, on standardised features.
LAMBDAS = (1.0, 10.0, 100.0, 1000.0)


def _standard(x: Tensor, fit: int) -> tuple[Tensor, Tensor]:
    """Rows `(sample, pixel) x channel` to fit and to test, standardised by the first, in float64."""
    rows = (x / peak(x)).double().permute(0, 1, 3, 4, 2)
    first, rest = rows[:, :fit].flatten(1, 3), rows[:, fit:].flatten(1, 3)
    mean = first.mean(1, keepdim=True)
    spread = (first - mean).square().mean(1, keepdim=True).sqrt()
    flat = spread <= 16 * torch.finfo(x.dtype).eps * first.abs().amax(1, keepdim=True)
    scale = torch.where(flat, 0.0, 1 / spread.masked_fill(flat, 1.0))
    return (first - mean) * scale, (rest - mean) * scale


@primitive(
    "augment",
    maps(((FeatureMap, FeatureMap), LayerScalar)),
    source="ridge decodability (this work)",
    cost=100.0,
    equal_shapes=False,
    phrase="how well {1} is recovered from {0} by a linear map",
)
def decodability(features: Tensor, target: Tensor) -> Tensor:
    """R^2 of a ridge regression of the target's channels on the features' channels, -1 to 1. Higher: decodable.

    Shapes: `k x sample x channel x height x width` twice (channels and grids may differ) -> `k`.
    Rows are samples and pixels; the first two thirds of the samples fit, the others test; the best of four penalties
    counts. The target is averaged to the grid of the features where the grids differ. Constant channels say nothing;
    0 for one sample, or where one side lacks samples.
    """
    if target.shape[-2:] != features.shape[-2:]:
        pooled = functional.adaptive_avg_pool2d(target.flatten(1, 2), (features.shape[3], features.shape[4]))
        target = pooled.unflatten(1, target.shape[1:3])
    fit = max(1, round(2 * features.shape[1] / 3))
    if fit == features.shape[1] or target.shape[1] != features.shape[1]:
        return features.new_zeros(len(features))
    x, x_test = _standard(features, fit)
    y, y_test = _standard(target, fit)
    gram, moment = x.mT @ x, x.mT @ y
    identity = torch.eye(x.shape[2], dtype=x.dtype, device=x.device)
    penalty = torch.tensor(LAMBDAS, dtype=x.dtype, device=x.device).view(1, -1, 1, 1)
    slopes = torch.linalg.solve_ex(gram.unsqueeze(1) + penalty * identity, moment.unsqueeze(1)).result
    residual = (y_test.unsqueeze(1) - x_test.unsqueeze(1) @ slopes).square().sum((2, 3)).amin(1)
    around = (y_test - y_test.mean(1, keepdim=True)).square().sum((1, 2))
    score = (1 - quotient(residual, around)).masked_fill_(around < 1e-9, 0.0)
    return score.clamp_(-1.0, 1.0).to(features.dtype)
