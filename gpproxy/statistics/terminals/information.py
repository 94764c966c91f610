"""How much of the input a layer still carries: one number per layer, of (nearly) full tensors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gpproxy.statistics.cut import Sizes, as_map, spaced
from gpproxy.statistics.passes import Look
from gpproxy.statistics.statistic import statistic
from primitives.decodability import decodability as ridge_score
from primitives.types import LayerScalar


@statistic(LayerScalar, source="gpproxy; after Roy & Vetterli, 2007")
def correlation_rank(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """Exponential of the entropy of the eigenvalues of the channel correlation, over at most 512 rows, 64 channels."""
    ranks: list[Tensor | None] = []
    for layer in look.noise.layers:
        rows = _standard_rows(layer.activation.detach(), 512, 64)
        gram = rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows
        share = torch.linalg.eigvalsh(gram).clamp_min(0)
        share = share / share.sum().clamp_min(1e-30)
        ranks.append(torch.special.entr(share).sum().exp())
    return ranks


def _standard_rows(value: Tensor, count: int, channels: int) -> Tensor:
    """`row x channel`, float64: evenly spaced (sample, position) rows of a feature map, each channel standardised."""
    value = as_map(value)
    value = value[:, spaced(value.shape[1], channels).to(value.device)]
    rows = value.permute(0, 2, 3, 1).reshape(-1, value.shape[1])
    rows = rows[spaced(len(rows), count).to(rows.device)].double()
    deviation, mean = torch.std_mean(rows, dim=0, correction=0)
    return (rows - mean) / (deviation + 1e-6 * deviation.mean() + 1e-12)


@statistic(LayerScalar, source="gpproxy; ridge regression (Hoerl & Kennard, 1970)")
def input_decodability(look: Look, sizes: Sizes) -> list[Tensor | None]:
    """How well a linear map recovers the input patch from the layer's features at a position: held-out R² in [-1, 1].

    Two thirds of the samples fit, one third tests; at most 48 positions, 96 channels, patches of at most 4 x 4 cells.
    """
    image = as_map(look.inputs)
    patches: dict[tuple[int, int], Tensor] = {}
    scores: list[Tensor | None] = []
    for layer in look.noise.layers:
        features = as_map(layer.activation.detach())
        features = _at_positions(features[:, spaced(features.shape[1], 96).to(features.device)])
        side = (layer.activation.shape[-2], layer.activation.shape[-1]) if layer.activation.ndim == 4 else (1, 1)
        if side not in patches:
            patches[side] = _at_positions(_patches(image, side))
        scores.append(ridge_score(features[None], patches[side][None])[0].double())
    return scores


def _at_positions(value: Tensor, count: int = 48) -> Tensor:
    """`sample x channel x 1 x position`: evenly spaced positions of a map."""
    flat = value.flatten(2)
    return flat[:, :, spaced(flat.shape[2], count).to(flat.device)].unsqueeze(2)


def _patches(image: Tensor, side: tuple[int, int]) -> Tensor:
    """`sample x cell x height x width`: the image area under each position, averaged to at most 4 x 4 cells."""
    cells = [max(1, min(4, s // t)) for s, t in zip(image.shape[2:], side)]
    fine = F.adaptive_avg_pool2d(image, (side[0] * cells[0], side[1] * cells[1]))
    fine = fine.reshape(len(image), -1, side[0], cells[0], side[1], cells[1])
    return fine.permute(0, 1, 3, 5, 2, 4).reshape(len(image), -1, *side)
