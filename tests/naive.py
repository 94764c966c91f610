"""The plain way to evaluate a formula: `gp.compile`, then a Python loop over architectures and layers.

An independent reference for the population evaluator, and the baseline of its speed script. Only for trees that the
tests made themselves: `gp.compile` runs source text.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import torch
from deap import gp
from torch import Tensor

from gpproxy.primitives.declaration import Primitive
from gpproxy.primitives.primitive import PRIMITIVES
from gpproxy.statistics.table import StatisticsTable
from gpproxy.statistics.values import LayerBlocks, LayerScalars


class Invalid(Exception):
    """The reason that a formula has no value."""


class Naive:
    """Compiles trees and loops over the live architectures of a table."""

    def __init__(self, table: StatisticsTable):
        self.names = list(table.types)
        self.depth = table.depth
        self.current = 0
        self.alive = table.alive.nonzero().squeeze(1).tolist()
        self.size = len(table)
        self.values = [[_one(table, name, a) for name in self.names] for a in range(len(table))]
        calls: dict[str, Any] = {p.name: self._call(p) for p in PRIMITIVES.values()}
        self.pset = SimpleNamespace(
            arguments=[f"s_{name}" for name in self.names], context={"__builtins__": None, **calls}
        )

    def scores(self, tree: gp.PrimitiveTree) -> Tensor:
        """`architecture`, float64, NaN where dead. Raises Invalid."""
        # A statistic may have the name of a primitive.
        function = gp.compile(re.sub(r"\b([A-Za-z_]\w*)\b(?!\()", r"s_\1", str(tree)), self.pset)
        scores = torch.full((self.size,), torch.nan, dtype=torch.float64)
        for a in self.alive:
            self.current = a
            scores[a] = float(function(*self.values[a]))
        return scores

    def _call(self, primitive: Primitive):  # type: ignore[no-untyped-def]
        function = primitive.function

        def over_layers(*operands: list[Tensor | None]) -> Tensor:
            depth = self.depth[self.current].clone()
            for i in range(len(depth)):
                if any(x[i] is None for x in operands):
                    depth[i] = torch.nan
            if depth.isnan().all():
                raise Invalid("no common layers")
            full = []
            for x in operands:
                zero = torch.zeros_like(next(v for v in x if v is not None))
                if any(v is not None and v.shape != zero.shape for v in x):
                    raise Invalid("layers of different size")
                full.append(torch.stack([zero if d.isnan() else v for v, d in zip(x, depth)], 1))
            return function(*full, depth[None])

        def per_layer(*operands: Any) -> list[Tensor | None]:
            layers = max(len(x) for x in operands if isinstance(x, list))
            results: list[Tensor | None] = []
            for i in range(layers):
                given = [x[i] if isinstance(x, list) else x for x in operands]
                axes = None if primitive.equal_shapes else 2
                shapes = {v.shape[:axes] for v in given if v is not None}
                if any(v is None for v in given) or len(shapes) > 1:
                    results.append(None)
                else:
                    value = function(*given)
                    results.append(value.double() if value.ndim == 1 else value)
            return results

        def call(*operands: Any) -> Any:
            tensors = [torch.tensor([float(x)]).double() if isinstance(x, int | float) else x for x in operands]
            if primitive.over_layers:
                return over_layers(*tensors)
            if any(isinstance(x, list) for x in tensors):
                return per_layer(*tensors)
            axes = max(x.ndim for x in tensors)
            dtype = next(x.dtype for x in tensors if x.ndim == axes)
            if len({x.shape for x in tensors if x.ndim == axes}) > 1:
                raise Invalid("network values of different size")
            value = function(*[x if x.ndim == axes else x.to(dtype).view(1, *(1,) * (axes - 1)) for x in tensors])
            return value.double() if value.ndim == 1 else value

        return call


def _one(table: StatisticsTable, name: str, architecture: int) -> Any:
    """One architecture's value: `1 x ...`, or a list of those per layer with None where absent."""
    value = table.values[name]
    if isinstance(value, LayerScalars):
        present = value.present[architecture].tolist()
        return [v.view(1).double() if p else None for v, p in zip(value.values[architecture], present)]
    if isinstance(value, LayerBlocks):
        layers: list[Tensor | None] = [None] * table.layers
        for rows, block in zip(value.rows, value.values):
            for row, item in zip(rows.tolist(), block):
                if row // table.layers == architecture:
                    layers[row % table.layers] = item[None]
        return layers
    item = value[architecture][None]
    return item.double() if item.ndim == 1 else item
