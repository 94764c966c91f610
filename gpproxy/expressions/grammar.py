"""What may be built: statistics and primitives in, a typed DEAP primitive set with feasibility tables out.

For each type and height the tables hold the smallest and the largest tree that exists, so that a generator never has to
try and fail (the fault of `deap.gp.generate`: reference 'DEAP #650'). Types are compared by identity: no subtypes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

from deap import gp

from gpproxy.errors import ExpressionError, did_you_mean
from gpproxy.expressions.nodes import Operation, Statistic
from gpproxy.primitives.declaration import Primitive
from gpproxy.primitives.primitive import PRIMITIVES
from gpproxy.primitives.types import (
    TYPES,
    ChannelKernel,
    ChannelVector,
    FeatureMap,
    LayerScalar,
    NetworkKernel,
    NetworkSpectrum,
    SampleKernel,
    SampleVector,
    Scalar,
    Spectrum,
    Weight,
)  # fmt: skip
from gpproxy.statistics.table import StatisticsTable

#: Heights up to which the feasibility tables are exact; beyond it nothing becomes smaller.
HEIGHTS = 32
#: Sizes are counted up to here.
LARGE = 10**6
KINDS: tuple[type, ...] = TYPES
#: How likely an operation is in a random tree, by the type of its first operand. There are many reductions of each
#: type; without weights, half of all random formulas would end in the spectrum of a network kernel.
LIKELY: Mapping[type, float] = {
    FeatureMap: 3.0, Weight: 1.5, SampleKernel: 1.0, ChannelKernel: 0.7, SampleVector: 1.0, ChannelVector: 1.0,
    Spectrum: 0.5, LayerScalar: 2.0, NetworkKernel: 0.3, NetworkSpectrum: 0.3, Scalar: 2.0,
}  # fmt: skip

#: What statistics and primitives were called up to version 0.2.0; formulas of then are read.
RENAMED = {
    "hamming": "agreement",
    "hamming_samples": "agreement_samples",
    "hamming_channels": "agreement_channels",
    "hamming_kernel": "agreement_kernel",
}


def present_name(name: str) -> str:
    """What the statistic or primitive of that name is called today.

    >>> present_name("hamming"), present_name("weight")
    ('agreement', 'weight')
    """
    return RENAMED.get(name, name)


def weight(op: Operation) -> float:
    """The relative probability of an operation in a random tree: that of its operand's type, and its own share."""
    share = op.primitive.weight * (op.primitive.number_weight if op.ret in (LayerScalar, Scalar) else 1.0)
    return LIKELY[op.args[0]] * share


class Grammar:
    """The statistics, primitives and types of a search, with what each type costs at least.

    Attributes:
        pset: DEAP's primitive set, root type Scalar; its nodes are our immutable ones.
        constants: whether numbers may stand as operands.
        min_height: type -> height of the flattest tree (0 for a leaf). Types that cannot be built are missing.
        min_size: type -> nodes of the smallest tree.

    Raises:
        ExpressionError: the root type cannot be built, or a type or name is not a legal one.
    """

    def __init__(
        self, terminals: Mapping[str, type], primitives: Sequence[Primitive] | None = None, constants: bool = True
    ):
        primitives = PRIMITIVES.values() if primitives is None else primitives
        self.constants = constants
        self._statistics = {name: Statistic(name, kind) for name, kind in terminals.items()}
        self._leaves: dict[type, tuple[Statistic, ...]] = {}
        for kind in KINDS:
            self._leaves[kind] = tuple(s for s in self._statistics.values() if s.ret is kind)
        for name, kind in terminals.items():
            if kind not in TYPES:
                raise ExpressionError(
                    f"The statistic '{name}' has the type {kind!r}, which is none of gpproxy's types."
                )
            if not name.isidentifier():
                raise ExpressionError(
                    f"The statistic name '{name}' cannot stand in a formula: use letters, digits and _."
                )
        every = [Operation(p, s) for p in primitives for s in p.signatures]
        self._smallest, self._largest = _tables(self._leaves, every, constants)
        usable = [op for op in every if all(a in self._smallest[-1] for a in op.args)]
        self._operations = {kind: tuple(op for op in usable if op.ret is kind) for kind in KINDS}
        self._overloads: dict[str, list[Operation]] = {}
        for op in every:
            self._overloads.setdefault(op.name, []).append(op)
        self._by_types = {(op.name, op.args): op for op in every}
        self.symbols: dict[tuple[str, int], tuple[str, ...]] = {}
        for p in primitives:
            if p.symbol:
                key = (p.symbol, len(p.signatures[0].inputs))
                self.symbols[key] = (*self.symbols.get(key, ()), p.name)
        self._choices: dict[tuple[type, int, int], tuple[tuple[Operation, ...], tuple[float, ...]]] = {}
        final = self._smallest[-1]
        self.min_size = dict(final)
        self.min_height = {t: next(h for h, row in enumerate(self._smallest) if t in row) for t in final}
        if Scalar not in final:
            raise ExpressionError(
                "No formula can be built: nothing leads from the statistics to a Scalar. "
                "Keep a Scalar statistic, or a layer statistic and a reducer over layers."
            )
        self.pset = gp.PrimitiveSetTyped("gpproxy", [], Scalar)
        for kind in KINDS:
            self.pset.primitives[kind] = list(self._operations[kind])
            self.pset.terminals[kind] = list(self._leaves[kind])
        self.pset.mapping.update(self._statistics)
        self.pset.mapping.update({op.name: op for op in usable})
        self.pset.prims_count, self.pset.terms_count = len(usable), len(self._statistics)

    @classmethod
    def for_table(cls, table: StatisticsTable, exclude: Iterable[str] = (), **settings: object) -> Grammar:
        """The grammar over a table's statistics, less the names in `exclude` (statistics or primitives).

        Raises ExpressionError for an excluded name that does not exist.
        """
        known = [*table.types, *PRIMITIVES]
        out = {name if name in known else present_name(name) for name in exclude}
        for name in sorted(out):
            if name not in known:
                hint = did_you_mean(name, known)
                raise ExpressionError(f"Cannot exclude '{name}': no statistic or primitive has that name.{hint}")
        kept = {name: kind for name, kind in table.types.items() if name not in out}
        return cls(kept, [p for p in PRIMITIVES.values() if p.name not in out], **settings)  # type: ignore[arg-type]

    @property
    def statistics(self) -> Mapping[str, Statistic]:
        """The leaves by name."""
        return self._statistics

    @property
    def operation_names(self) -> tuple[str, ...]:
        return tuple(self._overloads)

    def terminals_of(self, kind: type) -> tuple[Statistic, ...]:
        """The statistics of a type, in table order."""
        return self._leaves[kind]

    def primitives_of(self, kind: type) -> tuple[Operation, ...]:
        """The operations with that result whose operands can be built, in registration order."""
        return self._operations[kind]

    def operation(self, name: str, types: tuple[type, ...]) -> Operation | None:
        """The overload of `name` for these operand types, or None."""
        return self._by_types.get((name, types))

    def infix(self, symbol: str, types: tuple[type, ...]) -> Operation | None:
        """The operation that is written as a sign between (or, alone, before) operands of these types, or None."""
        found = (self.operation(name, types) for name in self.symbols.get((symbol, len(types)), ()))
        return next((operation for operation in found if operation is not None), None)

    def overloads(self, name: str) -> Sequence[Operation]:
        """Every signature of `name`; empty when there is no such primitive."""
        return self._overloads.get(name, ())

    def smallest(self, kind: type, height: int) -> float:
        """Nodes of the smallest tree of that type and at most that height; infinite when there is none."""
        return self._smallest[min(height, HEIGHTS)].get(kind, math.inf) if height >= 0 else math.inf

    def largest(self, kind: type, height: int) -> int:
        """Nodes of the largest tree of that type and at most that height, counted up to `LARGE`; 0 when none."""
        return self._largest[min(height, HEIGHTS)].get(kind, 0) if height >= 0 else 0

    def floor(self, op: Operation, height: int) -> float:
        """Nodes of the smallest tree with `op` at its root and at most that height."""
        return (
            1 + sum(_floors(self._smallest[min(height - 1, HEIGHTS)], op, self.constants)) if height > 0 else math.inf
        )

    def choices(self, kind: type, height: int, size: int) -> tuple[tuple[Operation, ...], tuple[float, ...]]:
        """The operations that can head a tree of at most that height and size, and their cumulated weights.

        Those that can also fill the size come alone, when there are any.
        """
        key = (kind, min(height, HEIGHTS), size)
        if key not in self._choices:
            fit = tuple(op for op in self._operations[kind] if self.floor(op, height) <= size)
            room = [op for op in fit if 1 + sum(self.largest(a, height - 1) for a in op.args) >= size]
            ops = tuple(room) or fit
            self._choices[key] = ops, tuple(itertools.accumulate(map(weight, ops)))
        return self._choices[key]


def _floors(smallest: Mapping[type, float], op: Operation, constants: bool) -> list[float]:
    """Nodes that each operand needs at least, when at most one Scalar of several operands is a constant."""
    sizes = [smallest.get(a, math.inf) for a in op.args]
    if constants and op.arity > 1 and Scalar in op.args:
        most = max((i for i, a in enumerate(op.args) if a is Scalar), key=lambda i: sizes[i])
        sizes[most] = 1
    return sizes


def _tables(
    leaves: Mapping[type, Sequence[Statistic]], operations: Sequence[Operation], constants: bool
) -> tuple[list[dict[type, float]], list[dict[type, int]]]:
    """Per height: type -> nodes of the smallest and of the largest tree that holds a statistic in every subtree."""
    low: dict[type, float] = {kind: 1 for kind in KINDS if leaves[kind]}
    high: dict[type, int] = {kind: 1 for kind in low}
    smallest, largest = [low], [high]
    for _ in range(HEIGHTS):
        low, high = dict(low), dict(high)
        for op in operations:
            need = 1 + sum(_floors(smallest[-1], op, constants))
            if need < math.inf:
                low[op.ret] = min(low.get(op.ret, math.inf), need)
                room = sum(max(largest[-1].get(a, 0), 1) for a in op.args)
                high[op.ret] = min(LARGE, max(high.get(op.ret, 0), 1 + room))
        smallest.append(low)
        largest.append(high)
    return smallest, largest
