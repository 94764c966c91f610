"""Where layer values lie: which rows each block holds, which layers are present, how two values are joined.

The questions recur for every node of a population, and their answers depend on the statistics only; they are computed
once here and shared, so that a node costs little more than its torch calls. Values are those of `statistics.values`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gpproxy.statistics.values import LayerBlocks, LayerScalars, Value

Shape = tuple[int, ...]


class Presence:
    """Which layers of which architectures have a value.

    Attributes:
        mask: `architecture x layer`, bool.
        absent: its opposite.
        full: whether nothing is absent.
        depth: `architecture x layer`, NaN where absent.
        common: whether every architecture has at least one layer.
    """

    def __init__(self, mask: Tensor, depth: Tensor):
        self.mask = mask
        self.absent = ~mask
        self.full = bool(mask.all())
        self.depth = torch.where(mask, depth, torch.nan)
        self.common = bool((~self.depth.isnan()).any(dim=1).all())


@dataclass(frozen=True, eq=False)
class Layout:
    """The rows of each block, in block order, and the layers that they cover."""

    rows: tuple[Tensor, ...]
    presence: Presence
    all_rows: Tensor = field(repr=False)


@dataclass(frozen=True, eq=False, slots=True)
class Blocks:
    """A value of a shape-carrying layer type: per block of the layout, `k x ...`."""

    layout: Layout
    values: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Scalars:
    """A value of type LayerScalar: `architecture x layer`, float64, zero where absent."""

    presence: Presence
    values: Tensor


#: What a node of the graph evaluates to.
Held = Blocks | Scalars | Tensor


def held_bytes(value: Held) -> int:
    """Bytes of a value's own tensors."""
    if isinstance(value, Blocks):
        return sum(v.numel() * v.element_size() for v in value.values)
    tensor = value.values if isinstance(value, Scalars) else value
    return tensor.numel() * tensor.element_size()


class Layouts:
    """Every layout and presence of a table, each once.

    Args:
        depth: `architecture x layer`, float64, NaN where an architecture has no such layer.
    """

    def __init__(self, depth: Tensor):
        self.depth = depth
        self.shape = tuple(depth.shape)
        self._lock = threading.RLock()
        self._presences: list[Presence] = []
        self._layouts: list[Layout] = []
        self._both: dict[tuple[int, int], Presence] = {}
        self._merges: dict[tuple[int, tuple[Shape, ...]], tuple[Layout, list[tuple[list[int], Tensor | None]]]] = {}
        self._parts: dict[tuple[int, int], tuple[Layout, list[tuple[int, Tensor | None]]]] = {}
        self._joins: dict[tuple[object, ...], tuple[Layout, list[list[tuple[int, Tensor | None]]]]] = {}

    def take(self, value: Value) -> Held:
        """A table's value as a graph value."""
        if isinstance(value, LayerBlocks):
            return Blocks(self.layout(value.rows), value.values)
        if isinstance(value, LayerScalars):
            presence = self.presence(value.present)
            values = value.values.to(torch.float64)
            return Scalars(presence, values if presence.full else values.masked_fill(presence.absent, 0.0))
        return value

    def presence(self, mask: Tensor) -> Presence:
        """The one Presence with this mask."""
        with self._lock:
            for known in self._presences:
                if torch.equal(known.mask, mask):
                    return known
            self._presences.append(Presence(mask, self.depth))
            return self._presences[-1]

    def layout(self, rows: Sequence[Tensor]) -> Layout:
        """The one Layout with these rows."""
        with self._lock:
            for known in self._layouts:
                if len(known.rows) == len(rows) and all(torch.equal(a, b) for a, b in zip(known.rows, rows)):
                    return known
            mask = torch.zeros(self.shape, dtype=torch.bool, device=self.depth.device)
            every = torch.cat(list(rows)) if rows else torch.zeros(0, dtype=torch.long, device=self.depth.device)
            mask.view(-1)[every] = True
            self._layouts.append(Layout(tuple(rows), self.presence(mask), every))
            return self._layouts[-1]

    def both(self, presences: Sequence[Presence]) -> Presence:
        """The layers present in all of them."""
        result = presences[0]
        for other in presences[1:]:
            if other is not result:
                pair = (id(result), id(other))
                if pair not in self._both:
                    self._both[pair] = self.presence(result.mask & other.mask)
                result = self._both[pair]
        return result

    def merge(self, layout: Layout, values: Sequence[Tensor]) -> Blocks:
        """New values on the same rows, sorted by shape and merged where shapes became equal."""
        shapes = tuple(tuple(v.shape[1:]) for v in values)
        if all(a < b for a, b in zip(shapes, shapes[1:])):
            return Blocks(layout, tuple(values))
        plan = self._merges.get((id(layout), shapes))
        if plan is None:
            rows: list[Tensor] = []
            steps: list[tuple[list[int], Tensor | None]] = []
            for shape in sorted(set(shapes)):
                members = [i for i, s in enumerate(shapes) if s == shape]
                row = torch.cat([layout.rows[i] for i in members])
                order = torch.argsort(row)
                rows.append(row[order])
                steps.append((members, order if len(members) > 1 else None))
            plan = self._merges[id(layout), shapes] = (self.layout(rows), steps)
        merged = tuple(
            values[members[0]] if order is None else torch.cat([values[i] for i in members])[order]
            for members, order in plan[1]
        )
        return Blocks(plan[0], merged)

    def restrict(self, layout: Layout, presence: Presence) -> tuple[Layout, list[tuple[int, Tensor | None]]]:
        """The part of a layout whose layers are present: per remaining block its number and the rows to keep."""
        both = self.both([layout.presence, presence])
        if both is layout.presence:
            return layout, [(i, None) for i in range(len(layout.rows))]
        name = (id(layout), id(both))
        if name not in self._parts:
            rows: list[Tensor] = []
            steps: list[tuple[int, Tensor | None]] = []
            for i, row in enumerate(layout.rows):
                keep = both.mask.view(-1)[row].nonzero().squeeze(1)
                if len(keep):
                    rows.append(row[keep])
                    steps.append((i, keep))
            self._parts[name] = (self.layout(rows), steps)
        return self._parts[name]

    def join(self, operands: Sequence[Blocks], agree: Sequence[int]) -> tuple[Layout, list[list[Tensor]]]:
        """Several values on the layers that all of them have, block by block.

        Args:
            agree: per operand, how many leading axes must be as long as those of the first.

        Returns: the layout (blocks unsorted, one shape combination each) and per block the operands' tensors.
        """
        first = operands[0]
        shapes = tuple(tuple(v.shape[1:] for v in o.values) for o in operands)
        if all(o.layout is first.layout for o in operands) and all(
            [a[:axes] for a in s] == [b[:axes] for b in shapes[0]] for s, axes in zip(shapes, agree)
        ):
            return first.layout, [list(values) for values in zip(*(o.values for o in operands))]
        name = (*(id(o.layout) for o in operands), shapes, tuple(agree))
        plan = self._joins.get(name)
        if plan is None:
            plan = self._joins[name] = self._plan_join(operands, agree)
        blocks = [
            [o.values[i] if index is None else o.values[i][index] for o, (i, index) in zip(operands, step)]
            for step in plan[1]
        ]
        return plan[0], blocks

    def _plan_join(
        self, operands: Sequence[Blocks], agree: Sequence[int]
    ) -> tuple[Layout, list[list[tuple[int, Tensor | None]]]]:
        found: list[tuple[Tensor, list[int]]] = [(row, [i]) for i, row in enumerate(operands[0].layout.rows)]
        for operand, axes in zip(operands[1:], agree[1:]):
            longer = []
            for common, members in found:
                for i, row in enumerate(operand.layout.rows):
                    shape, wanted = operand.values[i].shape[1:], operands[0].values[members[0]].shape[1:]
                    if shape[:axes] != wanted[:axes]:
                        continue
                    left = common[torch.isin(common, row)]
                    if len(left):
                        longer.append((left, [*members, i]))
            found = longer
        steps = []
        for common, members in found:
            step: list[tuple[int, Tensor | None]] = []
            for operand, i in zip(operands, members):
                row = operand.layout.rows[i]
                step.append((i, None if len(row) == len(common) else torch.searchsorted(row, common)))
            steps.append(step)
        return self.layout([common for common, _ in found]), steps
