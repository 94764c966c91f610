"""The statistics of many architectures, ready for evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from gpproxy.statistics.values import LayerBlocks, LayerScalars, Value


@dataclass(frozen=True)
class StatisticsTable:
    """Typed statistics of a list of architectures, collected once per architecture and initialisation seed.

    Attributes:
        architectures: codes, in order.
        types: statistic name -> nominal type (`gpproxy.primitives.types`).
        values: statistic name -> value.
        depth: `architecture x layer`, float64, position of a layer from 0 (first) to 1 (last), NaN where absent.
        dead: code -> reason, for architectures without meaningful statistics (no live path, constant output, ...).
        columns: classical proxies and descriptors, name -> `architecture` float64, computed on full tensors.
            NaN where a proxy is undefined.
        notes: code -> how much of the network was seen, for those that were not seen whole.
        absent: code -> statistic -> why the generator does not have it, for those that lack any.
    """

    architectures: tuple[str, ...]
    types: Mapping[str, type]
    values: Mapping[str, Value]
    depth: Tensor
    dead: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Tensor] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.architectures)

    @property
    def layers(self) -> int:
        """Layers of the deepest architecture."""
        return self.depth.shape[1]

    @property
    def bytes(self) -> int:
        return sum(v.numel() * v.element_size() if isinstance(v, Tensor) else v.bytes for v in self.values.values())

    @cached_property
    def digest(self) -> str:
        """A hash of the codes and of every statistic's bytes."""
        digest = hashlib.blake2b(repr((self.architectures, sorted(self.dead))).encode(), digest_size=16)
        for name in sorted(self.values):
            value = self.values[name]
            parts = [value] if isinstance(value, Tensor) else [*vars(value).values()]
            tensors = [t for part in parts for t in (part if isinstance(part, tuple) else (part,))]
            digest.update(name.encode())
            for tensor in tensors:
                digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    @property
    def alive(self) -> Tensor:
        """`architecture`, bool: False for dead architectures."""
        return torch.tensor([code not in self.dead for code in self.architectures], device="cpu")

    def select(self, codes: Sequence[str]) -> StatisticsTable:
        """The table of some of the architectures, in the order given; one may come twice.

        KeyError for one that is not there.
        """
        position = {code: i for i, code in enumerate(self.architectures)}
        return self.take(torch.tensor([position[c] for c in codes], dtype=torch.long, device="cpu"))

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
            {c: self.notes[c] for c in codes if c in self.notes},
            {c: self.absent[c] for c in codes if c in self.absent},
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
        return replace(self, values=values, depth=self.depth.to(device))
