"""How typed values of many architectures lie in memory.

A layer value of shape-carrying type is a `LayerBlocks`: layers of equal shape, from all architectures, stacked into one
tensor each. Layer scalars are one dense `architecture x layer` tensor with a presence mask. Network values are plain
tensors `architecture x ...`. A *row* numbers a layer of an architecture: `row = architecture * layers + position`.
"""

from __future__ import annotations

from dataclasses import dataclass

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
