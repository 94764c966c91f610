"""A small made-up statistics table with every terminal type, ragged depths, absent layers and several map shapes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gpproxy.primitives import types as t
from gpproxy.statistics.table import StatisticsTable
from gpproxy.statistics.values import LayerBlocks, LayerScalars, Value

SAMPLES = 4
#: channel, height and width of a layer, by its position.
SHAPES = ((3, 8, 8), (6, 4, 4), (8, 2, 2), (6, 4, 4), (3, 8, 8), (5, 8, 8))


def toy_table(
    architectures: int = 12,
    layers: int = 5,
    seed: int = 0,
    dead: int = 0,
    dtype: torch.dtype = torch.float32,
    samples: int = SAMPLES,
    shapes: Sequence[tuple[int, int, int]] = SHAPES,
) -> StatisticsTable:
    """A table of random statistics; the last `dead` architectures are dead, with NaN among their values.

    Architecture `a` has between 2 and `layers` layers; `preactivation` and `decodability` are absent from some of them.
    """
    g = torch.Generator().manual_seed(seed)
    rand = lambda *shape: torch.randn(*shape, generator=g).to(dtype)  # noqa: E731
    count = [2 + int(torch.randint(layers - 1, (1,), generator=g)) for _ in range(architectures)]
    count[0], count[-1] = layers, 2
    present = torch.tensor([[p < n for p in range(layers)] for n in count])
    depth = torch.full((architectures, layers), torch.nan, dtype=torch.float64)
    for a, n in enumerate(count):
        depth[a, :n] = torch.linspace(0, 1, n, dtype=torch.float64)
    rows = [(a, p, shapes[(p + (a % 3 == 0 and p > 1)) % len(shapes)]) for a, n in enumerate(count) for p in range(n)]
    first_dead = architectures - dead

    def blocks(shape_of, keep=lambda a, p: True, make=rand) -> LayerBlocks:  # type: ignore[no-untyped-def]
        groups: dict[tuple[int, ...], list[tuple[int, torch.Tensor]]] = {}
        for a, p, chw in rows:
            if keep(a, p):
                value = make(*shape_of(*chw)) * (1 + a % 4) / 2
                if a >= first_dead:
                    value.view(-1)[0] = torch.nan
                groups.setdefault(tuple(value.shape), []).append((a * layers + p, value))
        ordered = [groups[shape] for shape in sorted(groups)]
        return LayerBlocks(
            tuple(torch.tensor([r for r, _ in group]) for group in ordered),
            tuple(torch.stack([v for _, v in group]) for group in ordered),
        )

    def kernel(n: int, _: int) -> torch.Tensor:
        x = rand(n, 3)
        return x @ x.T

    def scalars(values: torch.Tensor, mask: torch.Tensor = present) -> LayerScalars:
        return LayerScalars(torch.where(mask, values.double(), 0.0), mask)

    relu = lambda a, p: (a + p) % 4 != 1  # noqa: E731
    maps = lambda c, h, w: (samples, c, h, w)  # noqa: E731
    weights = lambda c, h, w: (c, 9 * (c - 1))  # noqa: E731
    square = lambda c, h, w: (samples, samples)  # noqa: E731
    channels = lambda c, h, w: (c,)  # noqa: E731
    plain = torch.zeros(architectures, layers)
    resolution, width = plain.clone(), plain.clone()
    for a, p, (c, h, _) in rows:
        resolution[a, p], width[a, p] = h, c
    some = present & torch.tensor([[relu(a, p) for p in range(layers)] for a in range(architectures)])
    some[:, 0] = True
    x = rand(architectures, samples, 6)
    gram = x @ x.transpose(1, 2)
    values: dict[str, tuple[type, Value]] = {
        "activation": (t.FeatureMap, blocks(maps)),
        "gradient": (t.FeatureMap, blocks(maps)),
        "perturbed": (t.FeatureMap, blocks(maps)),
        "preactivation": (t.FeatureMap, blocks(maps, lambda a, p: p == 0 or relu(a, p))),
        "input": (t.FeatureMap, blocks(lambda c, h, w: (samples, 3, h, w))),
        "weight": (t.Weight, blocks(weights)),
        "weight_gradient": (t.Weight, blocks(weights)),
        "agreement": (t.SampleKernel, blocks(square, lambda a, p: p == 0 or relu(a, p), kernel)),
        "channel_mean": (t.ChannelVector, blocks(channels)),
        "gradient_channel_std": (t.ChannelVector, blocks(channels, make=lambda *s: rand(*s).abs())),
        "channels": (t.LayerScalar, scalars(width)),
        "resolution": (t.LayerScalar, scalars(resolution)),
        "depth": (t.LayerScalar, scalars(depth)),
        "params": (t.LayerScalar, scalars(width**2 * 9)),
        "layer_snip": (t.LayerScalar, scalars(rand(architectures, layers).abs())),
        "decodability": (t.LayerScalar, scalars(torch.sigmoid(rand(architectures, layers)), some)),
        "jacobian_gram": (t.NetworkKernel, gram),
        "total_params": (t.Scalar, (width**2 * 9).sum(1).double()),
        "initial_loss": (t.Scalar, rand(architectures).double()),
    }  # fmt: skip
    codes = tuple(f"toy{a}" for a in range(architectures))
    return StatisticsTable(
        codes,
        {name: kind for name, (kind, _) in values.items()},
        {name: value for name, (_, value) in values.items()},
        depth,
        {code: "no live path" for code in codes[first_dead:]} if dead else {},
        {"params": (width**2 * 9).sum(1).double()},
    )
