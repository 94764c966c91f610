"""The statistics of many architectures, ready for evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gpproxy.statistics.values import LayerBlocks, LayerScalars, Value


@dataclass(frozen=True)
class StatisticsTable:
    """Typed statistics of a list of architectures, collected once per architecture and initialisation seed.

    Attributes:
        architectures: codes, in order.
        types: statistic name -> nominal type (`primitives.types`).
        values: statistic name -> value.
        depth: `architecture x layer`, float64, position of a layer from 0 (first) to 1 (last), NaN where absent.
        dead: code -> reason, for architectures without meaningful statistics (no live path, constant output, ...).
        columns: classical proxies and descriptors, name -> `architecture` float64, computed on full tensors.
            NaN where a proxy is undefined.
    """

    architectures: tuple[str, ...]
    types: Mapping[str, type]
    values: Mapping[str, Value]
    depth: Tensor
    dead: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.architectures)

    @property
    def layers(self) -> int:
        """Layers of the deepest architecture."""
        return self.depth.shape[1]

    @property
    def bytes(self) -> int:
        return sum(v.numel() * v.element_size() if isinstance(v, Tensor) else v.bytes for v in self.values.values())

    @property
    def alive(self) -> Tensor:
        """`architecture`, bool: False for dead architectures."""
        return torch.tensor([code not in self.dead for code in self.architectures])

    def select(self, codes: Sequence[str]) -> StatisticsTable:
        """The table of some of the architectures, in the order given; one may come twice.

        KeyError for one that is not there.
        """
        position = {code: i for i, code in enumerate(self.architectures)}
        return self.take(torch.tensor([position[c] for c in codes], dtype=torch.long))

    def take(self, index: Tensor) -> StatisticsTable:
        """The table of the architectures at some positions, in the order given."""
        codes = tuple(self.architectures[i] for i in index.tolist())
        return StatisticsTable(
            codes,
            self.types,
            {name: self._pick(value, index) for name, value in self.values.items()},
            self.depth[index],
            {c: self.dead[c] for c in codes if c in self.dead},
            {name: column[index] for name, column in self.columns.items()},
        )

    @classmethod
    def stacked(cls, tables: Sequence[StatisticsTable]) -> StatisticsTable:
        """Looks at the same architectures one after the other: the rows of the first table, then of the second, ...

        An architecture that is dead in one look is dead.
        """
        first = tables[0]
        if len(tables) == 1:
            return first
        if any(table.architectures != first.architectures for table in tables):
            raise ValueError("Tables of different architectures cannot be stacked.")
        dead = {code: reason for table in reversed(tables) for code, reason in table.dead.items()}
        return cls(
            first.architectures * len(tables),
            first.types,
            {name: _joined([table.values[name] for table in tables], first.depth.numel()) for name in first.values},
            torch.cat([table.depth for table in tables]),
            {code: dead[code] for code in first.architectures if code in dead},
            {name: torch.cat([table.columns[name] for table in tables]) for name in first.columns},
        )

    def _pick(self, value: Value, index: Tensor) -> Value:
        if isinstance(value, Tensor):
            return value[index]
        if isinstance(value, LayerScalars):
            return LayerScalars(value.values[index], value.present[index])
        index = index.to(self.depth.device)
        rows, values = [], []
        for row, block in zip(value.rows, value.values):
            # The rows of an architecture stand side by side: `count` of them from `first` on.
            first = torch.searchsorted(row, index * self.layers)
            count = torch.searchsorted(row, (index + 1) * self.layers) - first
            new = torch.repeat_interleave(torch.arange(len(index), device=row.device), count)
            old = torch.arange(len(new), device=row.device) - (count.cumsum(0) - count - first)[new]
            if len(new):
                rows.append(new * self.layers + row[old] % self.layers)
                values.append(block[old])
        return LayerBlocks(tuple(rows), tuple(values))

    def to(self, device: str | torch.device) -> StatisticsTable:
        """The same table with its values on `device`."""

        def move(value: Value) -> Value:
            if isinstance(value, Tensor):
                return value.to(device)
            if isinstance(value, LayerScalars):
                return LayerScalars(value.values.to(device), value.present.to(device))
            return LayerBlocks(tuple(r.to(device) for r in value.rows), tuple(v.to(device) for v in value.values))

        values = {name: move(value) for name, value in self.values.items()}
        return StatisticsTable(self.architectures, self.types, values, self.depth.to(device), self.dead, self.columns)


def _joined(values: Sequence[Value], rows: int) -> Value:
    """The values of tables of `rows` layer rows each, one table after the other."""
    first = values[0]
    if isinstance(first, Tensor):
        return torch.cat(list(values))
    if isinstance(first, LayerScalars):
        return LayerScalars(torch.cat([v.values for v in values]), torch.cat([v.present for v in values]))
    shapes = sorted({tuple(block.shape[1:]) for value in values for block in value.values})
    found = {shape: ([], []) for shape in shapes}
    for i, value in enumerate(values):
        for row, block in zip(value.rows, value.values):
            found[tuple(block.shape[1:])][0].append(row + i * rows)
            found[tuple(block.shape[1:])][1].append(block)
    return LayerBlocks(
        tuple(torch.cat(found[shape][0]) for shape in shapes), tuple(torch.cat(found[shape][1]) for shape in shapes)
    )
