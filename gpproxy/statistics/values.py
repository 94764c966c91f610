"""How typed values of many architectures lie in memory.

A layer value of shape-carrying type is a `LayerBlocks`: layers of equal shape, from all architectures, stacked into one
tensor each. Layer scalars are one dense `architecture x layer` tensor with a presence mask. Network values are plain
tensors `architecture x ...`. A *row* numbers a layer of an architecture: `row = architecture * layers + position`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LayerBlocks:
    """Values of a shape-carrying layer type.

    Attributes:
        rows: per block, ascending row numbers, `k` (int64).
        values: per block, `k x ...`. Blocks are sorted by shape; no two blocks share a shape.
    """

    rows: tuple[Tensor, ...]
    values: tuple[Tensor, ...]

    @property
    def bytes(self) -> int:
        return sum(v.numel() * v.element_size() for v in self.values)

    def map(self, values: Sequence[Tensor]) -> LayerBlocks:
        """The same rows with new values, merged where shapes became equal."""
        shapes = [tuple(v.shape[1:]) for v in values]
        if len(set(shapes)) == len(shapes):
            order = sorted(range(len(shapes)), key=lambda i: shapes[i])
            return LayerBlocks(tuple(self.rows[i] for i in order), tuple(values[i] for i in order))
        rows, merged = [], []
        for shape in sorted(set(shapes)):
            members = [i for i, s in enumerate(shapes) if s == shape]
            row = torch.cat([self.rows[i] for i in members])
            order = torch.argsort(row)
            rows.append(row[order])
            merged.append(torch.cat([values[i] for i in members])[order])
        return LayerBlocks(tuple(rows), tuple(merged))

    def shared(self, other: LayerBlocks) -> tuple[LayerBlocks, LayerBlocks]:
        """Both values on the layers that have both in equal shape; the same objects when nothing is missing."""
        if self.rows is other.rows or (
            len(self.rows) == len(other.rows)
            and all(a is b or torch.equal(a, b) for a, b in zip(self.rows, other.rows))
            and all(a.shape == b.shape for a, b in zip(self.values, other.values))
        ):
            return self, other
        rows, left, right = [], [], []
        for row, value in zip(self.rows, self.values):
            for other_row, other_value in zip(other.rows, other.values):
                if value.shape[1:] == other_value.shape[1:]:
                    common = row[torch.isin(row, other_row)]
                    if len(common):
                        rows.append(common)
                        left.append(value[torch.searchsorted(row, common)])
                        right.append(other_value[torch.searchsorted(other_row, common)])
        return LayerBlocks(tuple(rows), tuple(left)), LayerBlocks(tuple(rows), tuple(right))


@dataclass(frozen=True)
class LayerScalars:
    """Values of type LayerScalar.

    Attributes:
        values: `architecture x layer`, float64, zero where absent.
        present: `architecture x layer`, bool.
    """

    values: Tensor
    present: Tensor

    @property
    def bytes(self) -> int:
        return self.values.numel() * self.values.element_size()


#: Any typed value: layer blocks, layer scalars, or a network tensor `architecture x ...`.
Value = LayerBlocks | LayerScalars | Tensor
