"""From records of single architectures to one table, batched over equal shapes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gpproxy.primitives.types import LayerScalar
from gpproxy.statistics.record import Record
from gpproxy.statistics.statistic import STATISTICS
from gpproxy.statistics.table import StatisticsTable
from gpproxy.statistics.values import LayerBlocks, LayerScalars, Value


def assemble(records: Sequence[Record]) -> StatisticsTable:
    """The table of the records, in their order. All records hold the same statistics."""
    names = list(records[0].values)
    counts = [max((len(v) for v in r.values.values() if isinstance(v, list)), default=0) for r in records]
    layers = max(counts)
    depth = torch.full((len(records), layers), torch.nan, dtype=torch.float64, device="cpu")
    for i, count in enumerate(counts):
        depth[i, :count] = torch.arange(count, dtype=torch.float64, device="cpu") / max(count - 1, 1)
    types = {name: STATISTICS[name].type for name in names}
    values = {name: _value(types[name], [r.values[name] for r in records], layers) for name in names}
    columns: dict[str, list[float]] = {}
    for i, record in enumerate(records):
        for name, value in record.columns.items():
            columns.setdefault(name, [float("nan")] * len(records))[i] = value
    return StatisticsTable(
        tuple(r.architecture for r in records),
        types,
        values,
        depth,
        {r.architecture: r.dead for r in records if r.dead},
        {name: torch.tensor(column, dtype=torch.float64, device="cpu") for name, column in columns.items()},
        {r.architecture: r.note for r in records if r.note},
        {r.architecture: lacking for r in records if (lacking := {n: r.absent[n] for n in names if n in r.absent})},
    )


def _value(kind: type, parts: list, layers: int) -> Value:
    if isinstance(parts[0], Tensor):
        shape = max((p.shape for p in parts), key=lambda shape: (len(shape), *shape))  # an absent value has one number
        return torch.stack([p.double().expand(shape) if p.isnan().all() else p.double() for p in parts])
    if kind is LayerScalar:
        values = torch.zeros(len(parts), layers, dtype=torch.float64, device="cpu")
        present = torch.zeros(len(parts), layers, dtype=torch.bool, device="cpu")
        for i, part in enumerate(parts):
            for j, value in enumerate(part):
                if value is not None:
                    values[i, j], present[i, j] = value, True
        return LayerScalars(values, present)
    by_shape: dict[tuple[int, ...], tuple[list[int], list[Tensor]]] = {}
    for i, part in enumerate(parts):
        for j, value in enumerate(part):
            if value is not None:
                rows, tensors = by_shape.setdefault(tuple(value.shape), ([], []))
                rows.append(i * layers + j)
                tensors.append(value)
    shapes = sorted(by_shape)
    return LayerBlocks(
        tuple(torch.tensor(by_shape[s][0], device="cpu") for s in shapes),
        tuple(torch.stack(by_shape[s][1]) for s in shapes),
    )
