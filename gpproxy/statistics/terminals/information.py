"""How much of the input a layer still carries: one number per layer, of (nearly) full tensors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gpproxy.primitives.decodability import decodability as ridge_score
from gpproxy.primitives.types import LayerScalar, Scalar
from gpproxy.recording.layer import Layer
from gpproxy.statistics.absent import AbsentPass
from gpproxy.statistics.cut import Sizes, as_map, spaced
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import statistic


@statistic(LayerScalar, source="gpproxy; after Roy & Vetterli, 2007", range="nonnegative")
def correlation_rank(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Exponential of the entropy of the eigenvalues of the channel correlation, over at most 512 rows, 64 channels."""
    ranks: list[Tensor | None] = []
    for layer in passes.noise.layers:
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
def input_decodability(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """How well a linear map recovers the input patch from the layer's features at a position: held-out R² in [-1, 1].

    Two thirds of the samples fit, one third tests; at most 48 positions, 96 channels, patches of at most 4 x 4 cells.
    """
    image = as_map(passes.inputs)
    patches: dict[tuple[int, int], Tensor] = {}
    samples = torch.arange(len(image), device=image.device)[:, None]
    scores: list[Tensor | None] = []
    for layer in passes.noise.layers:
        features = as_map(layer.activation.detach())
        side = (features.shape[2], features.shape[3])
        features = features[:, spaced(features.shape[1], 96).to(features.device)].flatten(2)
        positions = spaced(features.shape[2], 48).to(features.device)
        features = features[:, :, positions].unsqueeze(2)
        if side not in patches:
            patches[side] = _Patches(image, side, 4).at(samples, positions).mT.contiguous().unsqueeze(2)
        scores.append(ridge_score(features[None], patches[side][None])[0].double())
    return scores


class _Patches:
    """The image area under each position of a map, averaged to `most` cells a side at most.

    Args:
        image: `sample x channel x height x width`.
        side: height and width of the map.
    """

    def __init__(self, image: Tensor, side: tuple[int, int], most: int):
        height, width = image.shape[2:]
        self.cells = [max(1, min(most, s // t)) for s, t in zip((height, width), side)]
        self.side = side
        grid = side[0] * self.cells[0], side[1] * self.cells[1]
        # A grid of as many cells as pixels, or of several per pixel, has the pixels themselves: none is averaged.
        if grid[0] % height or grid[1] % width:
            self.fine, self.per_pixel = F.adaptive_avg_pool2d(image, grid), (1, 1)
        else:
            self.fine, self.per_pixel = image, (grid[0] // height, grid[1] // width)

    def at(self, samples: Tensor, positions: Tensor) -> Tensor:
        """`... x cell`, the cells of all channels, for samples and positions counted row by row, `...`."""
        rows, columns = (
            (place[..., None] * count + torch.arange(count, device=place.device)) // pixel
            for place, count, pixel in zip(
                (positions // self.side[1], positions % self.side[1]), self.cells, self.per_pixel
            )
        )
        found = self.fine[samples[..., None, None], :, rows[..., :, None], columns[..., None, :]]
        return found.movedim(-1, -3).flatten(-3)


# --- what flows into a layer, on the wide batch: node sums and codes, which no single layer puts out


@statistic(LayerScalar, source="gpproxy; ridge regression (Hoerl & Kennard, 1970)", reads="inflow")
def inflow_decodability(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """How well a linear map recovers the input patch from what flows into the layer: held-out R² in [-1, 1]."""
    return [None if layer.inflow is None else _read(passes, layer)[0] for layer in passes.wide.layers]


@statistic(LayerScalar, source="gpproxy; after Roy & Vetterli, 2007", range="nonnegative", reads="inflow")
def inflow_entropy(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Entropy of the spectrum of what flows into the layer, over samples and positions: how many directions vary."""
    return [None if layer.inflow is None else _read(passes, layer)[1] for layer in passes.wide.layers]


@statistic(Scalar, source="gpproxy; ridge regression (Hoerl & Kennard, 1970)", reads="code")
def code_decodability(passes: Passes, sizes: Sizes) -> Tensor:
    """`inflow_decodability` of the code: the input of the module that the generator names as its `bottleneck`,
    or else the narrowest inflow of all.
    """
    return _read(passes, _coder(passes))[0]


@statistic(Scalar, source="gpproxy; after Roy & Vetterli, 2007", range="nonnegative", reads="code")
def code_entropy(passes: Passes, sizes: Sizes) -> Tensor:
    """`inflow_entropy` of the code (see `code_decodability`)."""
    return _read(passes, _coder(passes))[1]


def _coder(passes: Passes) -> Layer:
    """The layer whose inflow is the code; of equally narrow ones the last."""
    name = getattr(passes.network, "bottleneck", "")
    layers = [layer for layer in passes.wide.layers if layer.inflow is not None]
    named = [layer for layer in layers if layer.name == name]
    if named:
        return named[0]
    return min(reversed(layers), key=lambda layer: layer.inflow.numel())  # type: ignore[union-attr]


def _read(passes: Passes, layer: Layer) -> tuple[Tensor, Tensor]:
    """Decodability and entropy of a layer's inflow; computed once per look and value: where several layers read the
    same node, each behind a rectifier of its own, they read equal values."""
    inflow = as_map(layer.inflow)  # type: ignore[arg-type]
    if len(inflow) < 2:
        raise AbsentPass(
            "what flows into layers is read with one part of the inputs and tested with another, of 2 at least"
        )
    known: list[tuple[Tensor, tuple[Tensor, Tensor]]] = passes.memo.setdefault(("inflows", inflow.shape), [])
    for other, found in known:
        if other is layer.inflow or torch.equal(other, inflow):
            return found
    side = (inflow.shape[2], inflow.shape[3])
    if side not in passes.memo:
        passes.memo[side] = _Patches(as_map(passes.wide_inputs), side, 8)
    known.append((inflow, _decode(inflow, passes.memo[side])))
    return known[-1][1]


def _decode(features: Tensor, targets: _Patches, rows: int = 192) -> tuple[Tensor, Tensor]:
    """Held-out R² of a ridge regression from features to targets at a position, and entropy of the features' spectrum.

    The first third of the samples tests, the others fit; the best of four penalties counts. Solved in the row space,
    since there are often more channels than rows.
    """
    held = max(1, len(features) // 3)
    flat = features.flatten(2)
    fitting, testing = _places(len(flat) - held, flat, rows), _places(held, flat, rows // 2)
    fitting = fitting[0] + held, fitting[1]
    (x, y), (x_test, y_test) = (
        (flat[samples, :, positions].double(), targets.at(samples, positions).double())
        for samples, positions in (fitting, testing)
    )
    deviation, mean = torch.std_mean(x, dim=0, correction=0)
    scale = 1 / (deviation + 1e-9 * deviation.max() + 1e-30)
    x, x_test = (x - mean) * scale, (x_test - mean) * scale
    centre = y.mean(0)
    y, y_test = y - centre, y_test - centre
    eigenvalues, vectors = torch.linalg.eigh(x @ x.T)
    share = eigenvalues.clamp_min(0)
    entropy = torch.special.entr(share / share.sum().clamp_min(1e-30)).sum()
    best = y.new_tensor(-1.0)
    total = (y_test**2).sum()
    if total > 0:
        cross, rotated = x_test @ x.T @ vectors, vectors.T @ y
        for penalty in (1.0, 10.0, 100.0, 1000.0):
            guess = cross @ (rotated / (share + penalty)[:, None])
            best = torch.maximum(best, 1 - ((y_test - guess) ** 2).sum() / total)
    return best, entropy


def _places(samples: int, flat: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Sample and position of evenly spaced rows of that many samples of `sample x channel x position`."""
    index = spaced(samples * flat.shape[2], count).to(flat.device)
    return index // flat.shape[2], index % flat.shape[2]
