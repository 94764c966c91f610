"""The scores of a whole population at once: trees and a statistics table in, one row of numbers per tree out.

Every distinct subtree is evaluated once for all architectures and layers, in an order that frees early, by one or more
threads, and kept for the next call within a memory budget. A value never depends on the order of the trees, on the
number of workers or on what was evaluated before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from deap import gp
from torch import Tensor

from gpproxy.errors import ExpressionError, did_you_mean
from gpproxy.expressions.evaluation.apply import Fault, apply
from gpproxy.expressions.evaluation.cache import Cache
from gpproxy.expressions.evaluation.graph import Graph
from gpproxy.expressions.evaluation.layout import Blocks, Held, Layouts, Scalars
from gpproxy.expressions.evaluation.run import Run
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.primitives.types import Scalar
from gpproxy.statistics.table import StatisticsTable


@dataclass(frozen=True)
class Scores:
    """One row per tree.

    Attributes:
        values: `tree x architecture`, float64, on the CPU. NaN for dead architectures, and in the whole row of an
            invalid tree.
        reasons: per tree why it is invalid (`"non-finite (exp)"`, `"constant"`, `"no common layers"`), None when valid.
    """

    values: Tensor
    reasons: list[str | None]


class Evaluator:
    """Evaluates trees on one table, on the device where the table lies.

    Args:
        table: the statistics; dead architectures are left out and get NaN.
        memory: bytes that values may take beside the table, an eighth of them for values of earlier calls. Where it
            is too small, values are dropped and made again.
        workers: threads; torch uses one thread in each.
    """

    def __init__(self, table: StatisticsTable, *, memory: int = 2**31, workers: int = 1):
        self.table = table
        self.memory = memory
        self.workers = workers
        self._alive = table.alive
        self._live = table if bool(self._alive.all()) else table.take(self._alive.nonzero().squeeze(1))
        self._layouts = Layouts(self._live.depth)
        self._cache: Cache[Held | Fault] = Cache()
        self._leaves: dict[str, Held] = {}
        self._blamed: dict[bytes, str] = {}

    def scores(self, trees: Sequence[gp.PrimitiveTree]) -> Scores:
        """The value of each tree for each architecture.

        Raises:
            ExpressionError: a tree uses a statistic that the table lacks.
        """
        graph = Graph(trees)
        values = torch.full((len(trees), len(self.table)), torch.nan, dtype=torch.float64)
        live = self._alive.nonzero().squeeze(1)
        if not len(live):
            return Scores(values, ["no live architecture"] * len(trees))
        roots = self._roots(graph)
        faults = {i: value.reason for i, value in roots.items() if isinstance(value, Fault)}
        rows = {i: value for i, value in roots.items() if i not in faults}
        if rows:
            stacked = torch.stack(list(rows.values())).cpu()  # type: ignore[arg-type]
            finite = stacked.isfinite().all(dim=1).tolist()
            same = ((stacked == stacked[:, :1]).all(dim=1) & (len(live) > 1)).tolist()
            for i, is_finite, is_constant in zip(rows, finite, same):
                if not is_finite:
                    faults[i] = f"non-finite ({self._blame(graph, i)})"
                elif is_constant:
                    faults[i] = "constant"
        reasons = [faults.get(root) for root in graph.roots]
        good = [t for t, reason in enumerate(reasons) if reason is None]
        if good:
            place = {i: n for n, i in enumerate(rows)}
            picked = stacked[torch.tensor([place[graph.roots[t]] for t in good])]
            values[torch.tensor(good)[:, None], live] = picked
        return Scores(values, reasons)

    def shared_values(self, trees: Sequence[gp.PrimitiveTree]) -> list[float | None]:
        """Per tree, the finite value that all live architectures share; None where there is none, or one architecture.

        Raises:
            ExpressionError: a tree uses a statistic that the table lacks.
        """
        if len(self._live) < 2 or not trees:
            return [None] * len(trees)
        graph = Graph(trees)
        shared: dict[int, float | None] = {}
        for i, value in self._roots(graph).items():
            equal = isinstance(value, Tensor) and bool((value == value[0]).all() and value[0].isfinite())
            shared[i] = float(value[0]) if equal else None  # type: ignore[index]
        return [shared[root] for root in graph.roots]

    def per_layer(self, trees: Sequence[gp.PrimitiveTree]) -> list[list[list[float]] | None]:
        """Per tree of type LayerScalar the numbers of all architectures, NaN for layers without one and for the dead.

        None for a tree without a value. Raises ExpressionError where a tree uses a statistic that the table lacks.
        """
        if not trees or not len(self._live):
            return [None] * len(trees)
        graph = Graph(trees)
        roots, live = self._roots(graph), self._alive.nonzero().squeeze(1)
        found: list[list[list[float]] | None] = []
        for root in graph.roots:
            value = roots[root]
            if not isinstance(value, Scalars):
                found.append(None)
                continue
            whole = torch.full(self.table.depth.shape, torch.nan, dtype=torch.float64)
            whole[live] = value.values.cpu().masked_fill(~value.presence.mask.cpu(), torch.nan)
            found.append(whole.tolist())
        return found

    def _roots(self, graph: Graph) -> dict[int, Held | Fault]:
        """The values of the roots of a graph on the live architectures."""
        for node in graph.nodes:
            if not isinstance(node, Operation):
                self._add_leaf(node)
        return Run(graph, self._leaves, self._layouts, self._cache, self.memory).evaluate(self.workers)

    def _add_leaf(self, leaf: Leaf) -> None:
        if leaf.code in self._leaves:
            return
        if isinstance(leaf, Constant):
            depth = self._live.depth
            self._leaves[leaf.code] = torch.full(
                (len(self._live),), leaf.value, dtype=torch.float64, device=depth.device
            )
            return
        if leaf.name not in self._live.values:
            hint = did_you_mean(leaf.name, self._live.values)
            raise ExpressionError(f"The table has no statistic '{leaf.name}'.{hint}")
        if self._live.types[leaf.name] is not leaf.ret:
            found = self._live.types[leaf.name].__name__
            raise ExpressionError(f"The statistic '{leaf.name}' is a {found} in the table, not a {leaf.ret.__name__}.")
        value = self._layouts.take(self._live.values[leaf.name])
        self._leaves[leaf.code] = value.to(torch.float64) if leaf.ret is Scalar else value  # type: ignore[union-attr]

    def _blame(self, graph: Graph, root: int) -> str:
        """The first operation or statistic on the way up to `root` whose value is not finite."""
        if graph.keys[root] in self._blamed:
            return self._blamed[graph.keys[root]]
        known: dict[int, Held | Fault] = {}

        def value(i: int) -> Held | Fault:
            if i not in known:
                node = graph.nodes[i]
                if isinstance(node, Operation):
                    known[i] = apply(node, [value(j) for j in graph.operands[i]], self._layouts)
                else:
                    known[i] = self._leaves[node.code]
            return known[i]

        i = root
        with torch.no_grad():
            while wrong := [j for j in graph.operands[i] if not _finite(value(j))]:
                i = wrong[0]
        if len(self._blamed) > 100_000:
            self._blamed.clear()
        self._blamed[graph.keys[root]] = graph.nodes[i].name
        return graph.nodes[i].name


def _finite(value: Held | Fault) -> bool:
    if isinstance(value, Blocks):
        return all(bool(v.isfinite().all()) for v in value.values)
    tensor = value.values if isinstance(value, Scalars) else value
    return isinstance(tensor, Fault) or bool(tensor.isfinite().all())
