"""The tiny search space as a plug-in, and comparisons of tables bit for bit."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from gpproxy.registry import load_plugin
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.table import StatisticsTable
from gpproxy.statistics.values import LayerBlocks, LayerScalars, Value

load_plugin(Path(__file__).with_name("tiny_space.py"))
tiny: ModuleType = sys.modules["gpproxy_plugin_tiny_space"]

#: Sizes that cut nothing of a tiny network.
UNCUT = Sizes(samples=64, channels=4096, positions=512, fan_in=10**6)


def tensors(value: Value) -> list[Tensor]:
    """Every tensor of a value, in order."""
    if isinstance(value, LayerBlocks):
        return [*value.rows, *value.values]
    return [value.values, value.present] if isinstance(value, LayerScalars) else [value]


def same_bits(one: Tensor, other: Tensor) -> bool:
    """Equal shape, dtype and bytes (NaN equals NaN)."""
    return one.shape == other.shape and one.dtype == other.dtype and one.numpy().tobytes() == other.numpy().tobytes()


def differences(one: StatisticsTable, other: StatisticsTable) -> list[str]:
    """Names of what differs between two tables, in any bit; empty for equal tables."""
    found = [name for name in ("architectures", "types", "dead") if getattr(one, name) != getattr(other, name)]
    if not same_bits(one.depth, other.depth):
        found.append("depth")
    if list(one.values) != list(other.values) or list(one.columns) != list(other.columns):
        found.append("names")
    for name, value in one.values.items():
        mine, theirs = tensors(value), tensors(other.values[name])
        if len(mine) != len(theirs) or not all(map(same_bits, mine, theirs)):
            found.append(name)
    return found + [name for name, column in one.columns.items() if not same_bits(column, other.columns[name])]


def layers_of(table: StatisticsTable, name: str, architecture: str) -> dict[int, Tensor]:
    """Layer -> value of one architecture, for a layer statistic."""
    value, place = table.values[name], table.architectures.index(architecture)
    if isinstance(value, LayerScalars):
        return {i: value.values[place, i] for i in range(table.layers) if value.present[place, i]}
    assert isinstance(value, LayerBlocks)
    found = {}
    for rows, block in zip(value.rows, value.values):
        assert torch.equal(rows, rows.sort().values) and len(rows) == len(block)
        for row, item in zip(rows.tolist(), block):
            if row // table.layers == place:
                found[row % table.layers] = item
    return dict(sorted(found.items()))
