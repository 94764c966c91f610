"""A small synthetic problem: statistics of known meaning, quality that is a known formula of them."""

from __future__ import annotations

import torch

from gpproxy.evolution.problem import Case, Problem
from gpproxy.evolution.target import Target
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.primitives.types import ChannelVector, FeatureMap, LayerScalar, Scalar
from gpproxy.statistics.table import StatisticsTable
from gpproxy.statistics.values import LayerBlocks, LayerScalars


def table(n: int = 40, seed: int = 0, dead: tuple[int, ...] = ()) -> StatisticsTable:
    """`n` architectures of two to four layers with maps, channel vectors, layer scalars and totals."""
    generator = torch.Generator().manual_seed(seed)
    layers = 4
    depth = torch.full((n, layers), torch.nan, dtype=torch.float64)
    for i in range(n):
        length = 2 + i % 3
        depth[i, :length] = torch.linspace(0, 1, length, dtype=torch.float64)
    present = ~torch.isnan(depth)
    rows = present.flatten().nonzero().squeeze(1)
    blocks = [rows[rows % layers < 2], rows[rows % layers >= 2]]
    shapes = [(3, 4, 4, 4), (3, 6, 2, 2)]
    level = torch.randn(n, generator=generator)
    maps = [
        torch.randn(len(r), *s, generator=generator) + level[r // layers].view(-1, 1, 1, 1, 1)
        for r, s in zip(blocks, shapes)
    ]
    vectors = [m.std(dim=(1, 3, 4)) for m in maps]
    scalars = torch.rand(n, layers, generator=generator, dtype=torch.float64)
    return StatisticsTable(
        tuple(f"a{i}" for i in range(n)),
        {"activation": FeatureMap, "gradient": FeatureMap, "channel_std": ChannelVector, "params": LayerScalar,
         "macs": LayerScalar, "total_params": Scalar, "total_macs": Scalar},
        {
            "activation": LayerBlocks(tuple(blocks), tuple(maps)),
            "gradient": LayerBlocks(tuple(blocks), tuple(torch.randn(m.shape, generator=generator) for m in maps)),
            "channel_std": LayerBlocks(tuple(blocks), tuple(vectors)),
            "params": LayerScalars(scalars.masked_fill(~present, 0.0), present),
            "macs": LayerScalars((scalars**2 + 0.1).masked_fill(~present, 0.0), present),
            "total_params": torch.rand(n, generator=generator, dtype=torch.float64),
            "total_macs": torch.rand(n, generator=generator, dtype=torch.float64),
        },
        depth,
        {f"a{i}": "no live path" for i in dead},
    )  # fmt: skip


def quality(statistics: StatisticsTable) -> torch.Tensor:
    """The hidden truth: twice the total MACs less the total parameters times the total MACs."""
    params, macs = statistics.values["total_params"], statistics.values["total_macs"]
    return 2 * macs - params * macs - params


def problem(n: int = 40, seed: int = 0, dead: tuple[int, ...] = (), resamples: int = 4) -> Problem:
    """One benchmark on the toy table."""
    statistics = table(n, seed, dead)
    flags = torch.zeros(n, dtype=torch.bool)
    flags[list(dead)] = True
    target = Target(quality(statistics), dead=flags if dead else None, resamples=resamples)
    return Problem((Case("toy", Evaluator(statistics), target),), Grammar.for_table(statistics))
